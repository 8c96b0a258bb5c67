import SakerTensor
import Synchronization

/// Layers one after the other, named by their positions: `0`, `1`, …
///
/// What belongs together runs as one operation, which reads and writes memory once: a batch norm and the ReLU behind it,
/// and, without gradients, a convolution with the batch norm and the ReLU behind it. A layer with a hook runs apart, so that
/// the hook sees what it expects.
public final class Sequential: Layer {
  public let layers: [any Layer]
  /// For convolutions by position.
  private let folded = Mutex<[Int: FoldedConvolution]>([:])

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
      let norm = plain(index + 1, BatchNorm.self).flatMap { $0.isConstant ? $0 : nil }
      let next = norm == nil ? index + 1 : index + 2
      let relu = plain(next, ReLU.self) != nil
      if !isRecordingGradients, norm != nil || relu, let conv = plain(index, Conv2d.self) {
        x = infer(conv, norm, relu: relu, index, x)
        index = relu ? next + 1 : next
      } else if let norm = plain(index, BatchNorm.self), plain(index + 1, ReLU.self) != nil {
        x = norm(x, relu: true)
        index += 2
      } else {
        x = layers[index](x)
        index += 1
      }
    }
    return x
  }

  /// The layer there, if it is one of that type and without hooks.
  private func plain<L: Layer>(_ index: Int, _: L.Type) -> L? {
    guard index < layers.count, let layer = layers[index] as? L, LayerHooks.of(layer) == nil
    else { return nil }
    return layer
  }

  private func infer(
    _ conv: Conv2d, _ norm: BatchNorm?, relu: Bool, _ index: Int, _ x: Tensor
  ) -> Tensor {
    guard let norm else {
      return conv.inference(x, conv.weight.value, conv.bias?.value, relu: relu)
    }
    let fold = folded.withLock { cache in
      if let fold = cache[index], fold.isFresh(conv, norm) { return fold }
      let fold = FoldedConvolution(conv, norm)
      cache[index] = fold
      return fold
    }
    return conv.inference(x, fold.weight, fold.bias, relu: relu)
  }
}

extension Array where Element: Layer {
  /// One layer after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
