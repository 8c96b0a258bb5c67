/// Which kernels compute which 3x3 convolution.
public enum ConvolutionChooser {
  public static func method(for work: ConvolutionCase) -> ConvolutionMethod {
    ConvolutionKernels.tiles(for: work).first.map { .winograd(tile: $0) } ?? .direct
  }
}
