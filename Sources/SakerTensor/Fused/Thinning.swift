/// A strided 1x1 convolution, such as a residual network's shortcut, as one of stride 1 over the
/// pixels that it reads: a copy of these costs less than what kernels for strides lose.
struct Thinning {
  /// Of the whole map.
  let shape: Shape
  /// Of the pixels that are read.
  let thin: Shape
  /// Of the convolution over those.
  let attributes: ConvolutionAttributes
  private let stride: [Int]

  /// Nothing if it is no such convolution.
  init?(_ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes) {
    guard x.rank == 4, weight[2] == 1, weight[3] == 1, attributes.groups == 1,
      attributes.stride != [1, 1],
      (attributes.before + attributes.after).allSatisfy({ $0 == 0 })
    else { return nil }
    let y = attributes.output(x, weight)
    shape = x
    thin = [x[0], x[1], y[2], y[3]]
    stride = attributes.stride
    var plain = attributes
    plain.stride = [1, 1]
    self.attributes = plain
  }

  /// The pixels that are read, where they lie in `map`.
  private func pixels(of map: Tensor) -> Tensor {
    var strides = map.shape.channelsLastStrides
    strides[2] *= stride[0]
    strides[3] *= stride[1]
    return Tensor(
      storage: map.storage, shape: thin, strides: strides, offset: map.offset, dtype: map.dtype)
  }

  /// The pixels that are read, of a channels-last map.
  func callAsFunction(_ map: Tensor) -> Tensor {
    let result = Tensor(uninitializedImage: thin, map.dtype)
    Strided.copy(from: pixels(of: map), to: result)
    return result
  }

  func callAsFunction(_ source: MapSource) -> MapSource {
    MapSource(self(source.map), source.normalization)
  }

  /// The whole map's gradient for that of the pixels: zeros between them.
  func spread(_ gradient: Tensor) -> Tensor {
    let result = Tensor(uninitializedImage: shape, gradient.dtype)
    let (start, size) = (result.pointer(UInt8.self), gradient.dtype.size)
    Parallel.run(result.count, grain: 65536) {
      (start + $0.lowerBound * size).update(repeating: 0, count: $0.count * size)
    }
    Strided.copy(from: gradient, to: pixels(of: result))
    return result
  }
}
