/// The one place that knows which kernels there are for which method.
enum ConvolutionMethods {
  /// The tiles of Winograd kernels that can compute a case, the largest first; none if
  /// only direct ones can.
  static func tiles(for work: ConvolutionCase) -> [Int] {
    guard work.dtype == .float32 else { return [] }
    // A group of few channels fills no vector, and each is a call of its own.
    if work.groups > 1 && min(work.inputs, work.outputs) < leastGroup { return [] }
    // Up to 2x2 results are one tile of either size.
    return max(work.height, work.width) > 2 ? [4, 2] : [4]
  }

  private static let leastGroup = 8

  /// What the pass gives: the result, the input's gradient, or the weight's.
  static func run(
    _ method: ConvolutionMethod, _ work: ConvolutionCase, x: Tensor, gradient: Tensor,
    weight: Tensor
  ) -> Tensor {
    switch method {
    case .direct: direct(work, x, gradient, weight)
    case .winograd(let tile): winograd(work, tile, x, gradient, weight)
    }
  }

  private static func direct(
    _ work: ConvolutionCase, _ x: Tensor, _ gradient: Tensor, _ weight: Tensor
  ) -> Tensor {
    switch work.pass {
    case .inference, .forward:
      Kernels.convolution(x, weight, nil, work.attributes, training: work.pass == .forward)
    case .data:
      Kernels.convolutionBackwardData(gradient, weight, work.x, work.attributes, hasBias: false)
    case .weights:
      Kernels.convolutionBackwardWeights(
        x, gradient, work.weight, work.attributes, hasBias: false
      ).0
    }
  }

  private static func winograd(
    _ work: ConvolutionCase, _ tile: Int, _ x: Tensor, _ gradient: Tensor, _ weight: Tensor
  ) -> Tensor {
    let geometry = Winograd.Geometry(
      x: work.x, weight: work.weight, attributes: work.attributes, tile: tile)
    switch work.pass {
    case .inference, .forward:
      return Winograd.convolve(
        KernelSource(x), weight, geometry, turned: false, KernelEpilogue(),
        keeping: work.pass == .inference)
    case .data:
      return Winograd.convolve(
        KernelSource(gradient), weight, geometry, turned: true, KernelEpilogue(),
        keeping: false)
    case .weights:
      return Winograd.gradient(
        KernelSource(x), KernelSource(gradient), geometry, hasBias: false
      ).0
    }
  }
}
