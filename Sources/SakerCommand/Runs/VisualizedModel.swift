import ArgumentParser
import Foundation
import Saker

/// A model that is looked into: what training made, of a checkpoint or a run's folder, or a
/// classifier by name. Its parameters are frozen; only pictures get gradients.
struct VisualizedModel {
  let name: String
  private let module: any Module
  private let input: Input
  private let classNames: [String]
  /// Whether the first column of the logits is background, which is no class.
  private let hasBackground: Bool
  /// `[1, anchors, 1 + classes]` of a detector, `[1, classes]` of a classifier.
  private let logits: (Tensor) -> Tensor

  /// How the model takes a picture.
  private enum Input {
    case detector(Preprocessing)
    case classifier(ClassifierInput)

    /// `[1, C, H, W]`
    var shape: Shape {
      switch self {
      case .detector(let preprocessing): [1, 3, preprocessing.height, preprocessing.width]
      case .classifier(let input): [1, input.channels, input.side, input.side]
      }
    }

    var isBlueFirst: Bool {
      if case .classifier(let input) = self { input.order == .bgr } else { false }
    }

    /// Before normalization: gray if the model sees gray, cropped if it sees a crop.
    func fitted(_ picture: Picture) -> Picture {
      switch self {
      case .detector(let preprocessing): preprocessing.fitted(picture)
      case .classifier(let input): input.fitted(picture)
      }
    }

    func tensor(_ picture: Picture) -> Tensor {
      switch self {
      case .detector(let preprocessing):
        Tensor(
          preprocessing.apply(picture), [1, preprocessing.height, preprocessing.width, 3]
        ).permute([0, 3, 1, 2])
      case .classifier(let input): input.tensor(picture)
      }
    }
  }

  /// - Parameters:
  ///   - model: a checkpoint, a run's folder, or the name of a classifier.
  ///   - weights: for a name: a checkpoint, a run's folder or another program's weights;
  ///     random ones without.
  ///   - names: a file with a line for each class, for weights that don't tell them.
  init(_ model: String, weights: String?, names: String?) throws {
    if let entry = ClassifierCatalog.named(model) {
      if let weights {
        self.init(try ClassifierSource(weights, model: model, names: names))
      } else {
        self.init(
          model, withSeed(0) { entry.build(entry.classes) }, entry.input,
          try names.map(readClassNames) ?? [])
      }
      return
    }
    guard FileManager.default.fileExists(atPath: model) else {
      throw ValidationError(
        "model: expected a checkpoint, a run's folder or a classifier's name, got '\(model)'")
    }
    guard weights == nil else {
      throw ValidationError("weights: for a classifier's name only; a checkpoint has its own")
    }
    let given = try GivenWeights(model, names)
    if given.card != nil {
      self.init(try ClassifierSource(given, model: nil))
      return
    }
    let detector = try ModelEntry.load(DetectorCheckpoint(given.weights))
    guard let ssd = detector as? TinySSD else {
      throw ValidationError("\(model): \(detector.card.architecture) cannot be looked into yet")
    }
    self.init(
      ssd.card.architecture, ssd, .detector(ssd.card.preprocessing), ssd.card.classNames,
      hasBackground: true
    ) { ssd.predict($0).logits }
  }

  private init(_ source: ClassifierSource) {
    self.init(
      source.card.architecture, source.model, source.card.input, source.card.classNames)
  }

  private init(
    _ name: String, _ classifier: any Classifier, _ input: ClassifierInput, _ classNames: [String]
  ) {
    self.init(name, classifier, .classifier(input), classNames, hasBackground: false) {
      classifier($0)
    }
  }

  private init(
    _ name: String, _ module: any Module, _ input: Input, _ classNames: [String],
    hasBackground: Bool, _ logits: @escaping (Tensor) -> Tensor
  ) {
    (self.name, self.module, self.input, self.classNames) = (name, module, input, classNames)
    (self.hasBackground, self.logits) = (hasBackground, logits)
    module.eval()
    _ = module.freeze()
  }

  /// The picture as the model sees it, and `[1, C, H, W]`.
  func input(_ file: String) throws -> (Picture, Parameter) {
    let picture = try Picture(file: file)
    return (input.fitted(picture), Parameter(input.tensor(picture)))
  }

  func label(_ target: String?) throws -> Target {
    guard let target else { return .surest }
    if let index = classNames.firstIndex(of: target) { return .label(index) }
    guard let number = Int(target), number >= 0, classNames.isEmpty || number < classNames.count
    else {
      let known = classNames.isEmpty ? "a number" : classNames.joined(separator: ", ")
      throw ValidationError("target: expected \(known), got '\(target)'")
    }
    return .label(number)
  }

  func className(_ label: Int) -> String {
    classNames.indices.contains(label) ? classNames[label] : "class \(label)"
  }

  enum Target {
    case surest
    case label(Int)
  }

  // MARK: Looking

  struct Seen {
    var layer: String
    /// `[1, C, H, W]`
    var output: Tensor
    var gradient: Tensor?
    var label = 0

    /// Grad-CAM: channels weighed by the mean gradient of the class's logit, summed, and rectified.
    /// Selvaraju et al., arXiv:1610.02391, equations 1 and 2. `[1, 1, H, W]`
    var classActivation: Tensor {
      guard let gradient else { return Tensor.zeros([1, 1, 1, 1]) }
      let importance = gradient.mean(axes: [2, 3], keepingAxes: true)
      return relu((output.detached() * importance).sum(axes: [1], keepingAxes: true))
    }
  }

  /// Runs the model with hooks on its layers. The layer is the named one, else the last one with a
  /// map of at least 14x14, for a decision the last one of at least 4x4 that has to do with it.
  func look(at input: Parameter, layer wanted: String?, gradientOf target: Target?) throws -> Seen {
    let record = Record()
    let layers = try self.layers(wanted)
    let handles = layers.map { named in
      named.layer.onForward { _, output in
        record.add(named.name, output)
        return nil
      }
    }
    defer { for handle in handles { handle.remove() } }
    let scores = logits(input.value)
    var label = 0
    if let target {
      let chosen = try pick(scores, target)
      label = chosen.label
      chosen.logit.backward()
    }
    let maps = record.all.filter { $0.output.rank == 4 }
    // Smaller maps show little; a decision is made in the small ones, though. A small
    // picture has no others.
    let large = [target == nil ? 14 : 4, 4].lazy.map { least in
      maps.filter { min($0.output.shape[2], $0.output.shape[3]) >= least }
    }.first { !$0.isEmpty }
    let candidates = wanted != nil ? maps : large ?? maps
    // Levels that the class was not found on get gradients, too, but only zeros.
    let telling = candidates.filter { seen in
      target == nil || seen.gradient.map { $0.floats.contains { $0 != 0 } } ?? false
    }
    guard let seen = telling.last(where: { !$0.isHead }) ?? telling.last else {
      throw ValidationError(
        candidates.isEmpty
          ? "layer: expected one with a map [1, C, H, W], got '\(wanted ?? "none")'"
          : "layer: '\(wanted ?? "")' has nothing to do with \(className(label)) in this picture")
    }
    return Seen(layer: seen.name, output: seen.output, gradient: seen.gradient, label: label)
  }

  /// The logit of the class where it is greatest, and the class.
  private func pick(_ scores: Tensor, _ target: Target) throws -> (logit: Tensor, label: Int) {
    let values = scores.detached().contiguous().floats
    let columns = scores.shape.sizes.last ?? 1
    let first = hasBackground ? 1 : 0
    var best: Int?
    for index in values.indices where index % columns >= first {
      if case .label(let label) = target, index % columns != label + first { continue }
      if best.map({ values[index] > values[$0] }) ?? true { best = index }
    }
    guard let best else {
      throw ValidationError("target: expected a number below \(columns - first)")
    }
    var mask = [Float](repeating: 0, count: values.count)
    mask[best] = 1
    return ((scores * Tensor(mask, scores.shape)).sum(), best % columns - first)
  }

  /// What the middle of a layer's output sees: the size of the gradient at each pixel, and the box
  /// that arithmetic gives.
  func sight(of wanted: String?, _ input: Parameter) throws -> (
    layer: String, gradient: Tensor, box: Box?
  ) {
    let seen = try look(at: input, layer: wanted, gradientOf: nil)
    let shape = seen.output.shape
    let (row, column) = (shape[2] / 2, shape[3] / 2)
    var mask = [Float](repeating: 0, count: shape.elements)
    for channel in 0..<shape[1] {
      mask[(channel * shape[2] + row) * shape[3] + column] = 1
    }
    seen.output.backward(Tensor(mask, shape))
    guard let gradient = input.gradient else {
      throw ValidationError("layer: '\(seen.layer)' does not depend on the picture")
    }
    let strength = abs(gradient).sum(axes: [1], keepingAxes: true)
    let summary = ModelSummary(module, name: name, input: .zeros(self.input.shape)) {
      _ = logits($0)
    }
    guard
      let known = summary.rows.last(where: {
        // Of a block, what its last layer sees.
        $0.name == seen.layer || $0.name.hasPrefix(seen.layer + ".")
      }),
      let field = known.receptiveField, let stride = known.stride, let center = known.center
    else { return (seen.layer, strength, nil) }
    // 0 is the first pixel's centre; boxes run between pixels.
    func side(_ axis: Int, _ index: Int) -> (Double, Double) {
      let middle = center[axis] + Double(stride[axis] * index) + 0.5
      return (middle - Double(field[axis]) / 2, middle + Double(field[axis]) / 2)
    }
    let (rows, columns) = (side(0, row), side(1, column))
    return (
      seen.layer, strength,
      Box(
        left: Float(columns.0), top: Float(rows.0), right: Float(columns.1), bottom: Float(rows.1))
    )
  }

  // MARK: Layers

  /// The kernels of the named convolution, or of the first one.
  func kernels(of wanted: String?) throws -> (String, Tensor) {
    let all = module.namedParameters.filter { $0.parameter.shape.rank == 4 }
    let suffix = ".weight"
    let found = all.first {
      wanted == nil || $0.name == wanted || $0.name == (wanted ?? "") + suffix
    }
    guard let found else {
      throw ValidationError("layer: expected a convolution's name, got '\(wanted ?? "")'")
    }
    let name = found.name.hasSuffix(suffix) ? String(found.name.dropLast(suffix.count)) : found.name
    let kernels = found.parameter.value.detached()
    // Colours are drawn in the order red, green, blue.
    guard input.isBlueFirst, kernels.shape[1] == 3 else { return (name, kernels) }
    return (name, kernels.indexSelect(Tensor([Int64(2), 1, 0]), axis: 1))
  }

  private func layers(_ wanted: String?) throws -> [(name: String, layer: any Layer)] {
    let all = module.namedModules.compactMap { named in
      (named.module as? any Layer).map { (name: named.name, layer: $0) }
    }.filter { !$0.name.isEmpty }
    guard let wanted else { return all }
    let found = all.filter { $0.name == wanted }
    guard !found.isEmpty else {
      let examples = all.prefix(8).map(\.name).joined(separator: ", ")
      throw ValidationError("layer: '\(wanted)' is none; some are \(examples)")
    }
    return found
  }

  /// Outputs in the order they came, and their gradients.
  private final class Record {
    final class Entry {
      let name: String
      let output: Tensor
      var gradient: Tensor?
      /// Predictions are no features.
      var isHead: Bool { name.hasPrefix("cls_") || name.hasPrefix("bbox_") }

      init(_ name: String, _ output: Tensor) {
        self.name = name
        self.output = output
      }
    }

    private(set) var all: [Entry] = []

    func add(_ name: String, _ output: Tensor) {
      let entry = Entry(name, output)
      all.append(entry)
      guard output.isRecorded else { return }
      output.onGradient { gradient in
        entry.gradient = gradient
        return nil
      }
    }
  }
}

/// `classNames(inFile:)`, which a model's own `classNames` would hide.
private func readClassNames(_ file: String) throws -> [String] { try classNames(inFile: file) }
