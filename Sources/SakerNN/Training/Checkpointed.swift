import SakerTensor

/// A layer whose inner results the tape forgets and computes again going backward: see
/// `checkpoint`.
///
/// Random numbers are drawn the same both times, and statistics are collected once: gradients are
/// the layer's own, bit for bit. Names in a state are the layer's, too.
public final class Checkpointed: Layer {
  public let layer: any Layer

  public init(_ layer: any Layer) { self.layer = layer }

  public var members: [(name: String, value: Any)] { layer.members }

  public func forward(_ x: Tensor) -> Tensor {
    guard isRecordingGradients else { return layer(x) }
    let before = generators
    var isFirst = true
    return checkpoint(x) { [self] x in
      if isFirst {
        isFirst = false
        return layer(x)
      }
      let now = (generators: generators, buffers: buffers.map(\.value))
      generators = before
      defer {
        generators = now.generators
        for (buffer, value) in zip(buffers, now.buffers) { buffer.value = value }
      }
      return layer(x)
    }
  }
}
