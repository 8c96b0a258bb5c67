import SakerNN
import SakerTensor

extension Classifier {
  /// Loads the weights of a file, whichever program wrote it: torchvision's, timm's and older names
  /// where they are known for the family, NumPy's arrays under the model's names, and Darknet's
  /// `.weights` for the networks that Darknet has.
  ///
  /// - Parameters:
  ///   - part: of a file with several, such as `ema`: see `WeightsFile.parts`.
  ///   - options: what may be left out. With `.newHead(head)` the file may be for other classes, or
  ///     have no head, or, of Darknet's, go on with a detector's.
  /// - Returns: what was taken and what was not.
  /// - Throws: `CheckpointError` with everything that does not fit, at once; the model
  ///   is then as it was.
  @discardableResult
  public func load(
    weights file: WeightsFile, part: String? = nil, _ options: PartialLoading = .whole
  ) throws -> LoadReport {
    let keepsHead = head.allSatisfy { layer in
      options.keeping.contains { "\(layer).weight".matches(glob: $0) }
    }
    let (state, names) = try state(
      of: file, part: part, options, headIsOptional: keepsHead || options.allowsMissing)
    var options = options
    if file.format != .darknet {
      // The caller's own changes of names came first, and are not repeated.
      (options.renaming, options.ignoring) = ([], WeightNames.passedOver(by: self))
    }
    var report = try load(state: state, file: file.path, options)
    report.names = names
    return report
  }

  /// A file's tensors under this network's names, whoever wrote it: what `load(weights:)` takes.
  /// Nothing is checked against the network but what the names need.
  ///
  /// - Parameters:
  ///   - part: of a file with several, such as `ema`: see `WeightsFile.parts`.
  ///   - options: its renaming and ignoring; they come first, and are not for Darknet's files,
  ///     which have no names.
  ///   - headIsOptional: whether a file of Darknet's may end before the head, or go on as
  ///     a detector's does.
  /// - Returns: the state, and whose names they were if not the network's own.
  /// - Throws: `CheckpointError` if there is no such part, or Darknet's numbers are
  ///   another network's.
  public func state(
    of file: WeightsFile, part: String? = nil, _ options: PartialLoading = .whole,
    headIsOptional: Bool = false
  ) throws -> (state: [NamedTensor], names: String?) {
    if file.format == .darknet {
      let state = try DarknetLayout(self, file: file.path).state(
        file.tensors[0].tensor, headIsOptional: headIsOptional, file: file.path)
      return (state, "Darknet")
    }
    let shapes = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.shape) })
    let given = try file.state(part: part, fitting: Set(shapes.keys)).compactMap { named in
      if options.ignoring.contains(where: named.name.matches(glob:)) { return NamedTensor?.none }
      let name = options.renaming.lazy.compactMap { $0(named.name) }.first ?? named.name
      return NamedTensor(name, named.tensor)
    }
    guard let names = WeightNames.fitting(given, shapes, among: WeightNames.known(for: self)) else {
      return (given, nil)
    }
    return (names.translated(given, to: shapes), names.name)
  }
}

extension DarknetFile {
  /// A network of Darknet's with its weights.
  /// - Throws: `CheckpointError` if Darknet has no such network.
  public init(_ model: any Classifier, seen: UInt64 = 0) throws {
    let name = String(describing: type(of: model))
    self.init(try DarknetLayout(model, file: name).values(model.state), seen: seen)
  }
}

extension ClassifierEntry {
  /// The network for a file's weights. Darknet's leaky ReLUs have slope 0.1, where timm's have
  /// 0.01: a `.weights` file, or one that was made of it, says which.
  public func build(_ classes: Int, for file: WeightsFile) -> any Classifier {
    (file.hasDarknetSlopes ? buildAsDarknet(classes) : nil) ?? build(classes)
  }

  /// The network with Darknet's leaky ReLUs, of slope 0.1; `nil` if timm's has the same, or none.
  func buildAsDarknet(_ classes: Int) -> (any Classifier)? {
    switch name {
    case "darknet53": Darknet53(classes: classes, slope: 0.1)
    case "cspdarknet53": CSPNet(.darknet, depths: [1, 2, 8, 8, 4], classes: classes, slope: 0.1)
    default: nil
    }
  }
}

extension WeightsFile {
  /// Under which metadata a file says that its leaky ReLUs are Darknet's.
  public static let slopeKey = "saker.darknet"

  /// Whether the network that these weights are of has Darknet's leaky ReLUs.
  public var hasDarknetSlopes: Bool { format == .darknet || metadata[WeightsFile.slopeKey] != nil }
}
