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

  /// Runs `body` in evaluation and without gradients; afterwards each layer is in the phase it was in.
  public func evaluating<R>(_ body: () throws -> R) rethrows -> R {
    let layers = namedModules.compactMap { $0.module as? any ModeDependent }
    let before = layers.map(\.mode)
    for layer in layers { layer.mode.asked = .evaluation }
    defer { for (layer, mode) in zip(layers, before) { layer.mode = mode } }
    return try withoutGradients(body)
  }

  private func ask(_ phase: Mode.Phase) {
    for case let layer as any ModeDependent in namedModules.map(\.module) {
      layer.mode.asked = phase
    }
  }
}
