import SakerTensor

/// Layers one after the other, named by their positions: `0`, `1`, …
///
/// What belongs together runs as one operation, which reads and writes memory fewer times: convolutions with their batch norms,
/// activations and pooling. A layer with a hook runs apart, so that the hook sees what it expects.
public final class Sequential: Layer {
  public let layers: [any Layer]
  private let run: LayerRun

  public init(_ layers: [any Layer]) {
    self.layers = layers
    run = LayerRun(layers)
  }
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  public var members: [(name: String, value: Any)] {
    layers.enumerated().map { ("\($0.offset)", $0.element) }
  }

  public subscript(index: Int) -> any Layer { layers[index] }
  public var count: Int { layers.count }

  public func forward(_ x: Tensor) -> Tensor { run(x) }

  /// `activation(self(x) + residual)`, if possible as part of the last layers' operation. Runs no hooks of its own.
  func forward(
    _ x: Tensor, adding residual: consuming Tensor, _ activation: Activation
  ) -> Tensor {
    run(x, adding: consume residual, activation)
  }
}

extension Array where Element: Layer {
  /// One layer after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
