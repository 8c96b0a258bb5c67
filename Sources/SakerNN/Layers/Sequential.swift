import SakerTensor

/// Layers one after the other, named by their positions: `0`, `1`, …
///
/// A batch norm followed by a ReLU runs as one operation, which reads and writes memory once; with a hook on either of the
/// two they run apart, so that the hook sees what it expects.
public final class Sequential: Layer {
  public let layers: [any Layer]

  public init(_ layers: [any Layer]) { self.layers = layers }
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  public var members: [(name: String, value: Any)] {
    layers.enumerated().map { ("\($0.offset)", $0.element) }
  }

  public subscript(index: Int) -> any Layer { layers[index] }
  public var count: Int { layers.count }

  public func forward(_ x: Tensor) -> Tensor {
    var x = x
    var index = 0
    while index < layers.count {
      let layer = layers[index]
      if let norm = layer as? BatchNorm, index + 1 < layers.count,
        let relu = layers[index + 1] as? ReLU, LayerHooks.of(norm) == nil,
        LayerHooks.of(relu) == nil
      {
        x = norm(x, relu: true)
        index += 2
      } else {
        x = layer(x)
        index += 1
      }
    }
    return x
  }
}

extension Array where Element: Layer {
  /// One layer after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
