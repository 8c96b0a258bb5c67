import SakerTensor

/// Whether a layer trains or evaluates, and whether it is held in that.
public struct Mode: Sendable {
  public enum Phase: Sendable { case training, evaluation }

  /// What `train()` and `eval()` last asked for.
  fileprivate(set) var asked = Phase.training
  /// What the layer does whatever is asked for.
  fileprivate(set) var held: Phase?

  public init() {}

  public var isTraining: Bool { (held ?? asked) == .training }

  /// Whether `train()` makes it train.
  public var canTrain: Bool { held != .evaluation }
}

/// A module that acts differently in training and in evaluation.
public protocol ModeDependent: Module {
  var mode: Mode { get set }
}

extension ModeDependent {
  /// Keeps this layer in one phase; `train()` and `eval()` no longer reach it. `nil` lets it go.
  public func hold(_ phase: Mode.Phase?) { mode.held = phase }
}

extension Module {
  /// Puts all layers that depend on it, and are not held, into training. New modules train.
  public func train() { ask(.training) }

  /// Puts all layers that depend on it, and are not held, into evaluation.
  public func eval() { ask(.evaluation) }

  /// Runs `body` in evaluation and without gradients; afterwards each layer is in the phase it was
  /// in.
  public func evaluating<R>(_ body: () throws -> R) rethrows -> R {
    let layers = ModeWalk(self).layers
    let before = layers.map(\.mode)
    for layer in layers { layer.mode.asked = .evaluation }
    defer { for (layer, mode) in zip(layers, before) { layer.mode = mode } }
    return try withoutGradients(body)
  }

  private func ask(_ phase: Mode.Phase) {
    for layer in ModeWalk(self).layers { layer.mode.asked = phase }
  }
}

/// A module that holds no others, whatever its properties are.
protocol Leaf: Module {}

extension Conv2d: Leaf {}
extension BatchNorm: Leaf {}
extension Linear: Leaf {}
extension MaxPool2d: Leaf {}
extension AvgPool2d: Leaf {}
extension Dropout: Leaf {}
extension ChannelShuffle: Leaf {}
extension Flatten: Leaf {}
extension Identity: Leaf {}

/// The layers inside that depend on their mode, each once. `Walk` would find them, too, but
/// looks at every property of every layer by reflection, which takes longer than a small network
/// needs for a picture.
private struct ModeWalk {
  private(set) var layers: [any ModeDependent] = []
  private var known: Set<ObjectIdentifier> = []

  init(_ root: any Module) { visit(root) }

  private mutating func visit(_ module: any Module) {
    guard known.insert(ObjectIdentifier(module)).inserted else { return }
    if let layer = module as? any ModeDependent { layers.append(layer) }
    if module is any Leaf { return }
    if let sequence = module as? Sequential {
      for layer in sequence.layers { visit(layer) }
      return
    }
    for member in module.members { visit(value: member.value) }
  }

  private mutating func visit(value: Any) {
    if let module = value as? any Module { return visit(module) }
    if value is Parameter || value is Buffer { return }
    let container = Mirror(reflecting: value)
    guard container.displayStyle == .optional || container.displayStyle == .collection else {
      return
    }
    for (index, element) in container.children.enumerated() {
      // Arrays are of one type: numbers need not be looked at one by one.
      if index == 0 && !Walk.isOfInterest(element.value) { break }
      visit(value: element.value)
    }
  }
}
