import SakerNN
import SakerTensor

extension Classifier {
  /// Takes the weights of a file, whoever wrote it: torchvision's, timm's and older names where they are known for the family,
  /// NumPy's arrays under the model's names, and Darknet's `.weights` for the networks that Darknet has.
  ///
  /// - Parameters:
  ///   - part: of a file with several, such as `ema`: see `WeightsFile.parts`.
  ///   - options: what may be left out. With `.newHead(head)` the file may be for other classes, or have no head, or, of
  ///     Darknet's, go on with a detector's.
  /// - Returns: what was taken and what was not.
  /// - Throws: `CheckpointError` with everything that does not fit, at once; the model is then as it was.
  @discardableResult
  public func load(
    weights file: WeightsFile, part: String? = nil, _ options: PartialLoading = .whole
  ) throws -> LoadReport {
    if file.format == .darknet {
      let keepsHead = head.allSatisfy { layer in
        options.keeping.contains { "\(layer).weight".matches(glob: $0) }
      }
      let state = try DarknetLayout(self, file: file.path).state(
        file.tensors[0].tensor, headIsOptional: keepsHead || options.allowsMissing,
        file: file.path)
      var report = try load(state: state, file: file.path, options)
      report.names = "Darknet"
      return report
    }
    let shapes = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor.shape) })
    // The caller's own changes of names come first, and are not repeated.
    var state = try file.state(part: part, fitting: Set(shapes.keys)).compactMap { named in
      if options.ignoring.contains(where: named.name.matches(glob:)) { return NamedTensor?.none }
      let name = options.renaming.lazy.compactMap { $0(named.name) }.first ?? named.name
      return NamedTensor(name, named.tensor)
    }
    let names = WeightNames.fitting(state, shapes, among: WeightNames.known(for: self))
    if let names { state = names.translated(state, to: shapes) }
    var options = options
    (options.renaming, options.ignoring) = ([], WeightNames.passedOver(by: self))
    var report = try load(state: state, file: file.path, options)
    report.names = names?.name
    return report
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
  /// The network for a file's weights. Darknet's leaky ReLUs have slope 0.1, where timm's have 0.01: a `.weights` file, or one that
  /// was made of it, says which.
  public func build(_ classes: Int, for file: WeightsFile) -> any Classifier {
    let isDark = file.format == .darknet || file.metadata[WeightsFile.slopeKey] != nil
    switch name {
    case "darknet53" where isDark: return Darknet53(classes: classes, slope: 0.1)
    case "cspdarknet53" where isDark:
      return CSPNet(.darknet, depths: [1, 2, 8, 8, 4], classes: classes, slope: 0.1)
    default: return build(classes)
    }
  }
}

extension WeightsFile {
  /// Under which metadata a file says that its leaky ReLUs are Darknet's.
  public static let slopeKey = "saker.darknet"
}
