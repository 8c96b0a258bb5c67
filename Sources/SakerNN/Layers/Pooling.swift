import SakerTensor

/// The largest of each window, `[N, C, H, W]` to `[N, C, H', W']`. Padding never wins.
public final class MaxPool2d: Layer {
  public let kernel, stride, padding, dilation: (Int, Int)
  public let ceil: Bool

  /// - Parameters:
  ///   - stride: the kernel's size if left out.
  ///   - ceil: lets a last window that starts inside reach over the edge.
  public init(
    kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
    dilation: (Int, Int) = (1, 1), ceil: Bool = false
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.dilation = dilation
    self.ceil = ceil
  }

  public convenience init(
    kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceil: Bool = false
  ) {
    self.init(
      kernel: (kernel, kernel), stride: stride.map { ($0, $0) }, padding: (padding, padding),
      dilation: (dilation, dilation), ceil: ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    maxPool2d(
      x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceil: ceil)
  }
}

/// The mean of each window, `[N, C, H, W]` to `[N, C, H', W']`.
public final class AvgPool2d: Layer {
  public let kernel, stride, padding: (Int, Int)
  public let countingPadding, ceil: Bool

  /// - Parameters:
  ///   - stride: the kernel's size if left out.
  ///   - countingPadding: whether zeros of the padding count in the mean.
  public init(
    kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
    countingPadding: Bool = true, ceil: Bool = false
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.countingPadding = countingPadding
    self.ceil = ceil
  }

  public convenience init(
    kernel: Int, stride: Int? = nil, padding: Int = 0, countingPadding: Bool = true,
    ceil: Bool = false
  ) {
    self.init(
      kernel: (kernel, kernel), stride: stride.map { ($0, $0) }, padding: (padding, padding),
      countingPadding: countingPadding, ceil: ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    averagePool2d(
      x, kernel: kernel, stride: stride, padding: padding, countingPadding: countingPadding,
      ceil: ceil)
  }
}

/// Means over windows that tile any image into `size`: window `i` covers
/// `⌊i H / H'⌋ ..< ⌈(i + 1) H / H'⌉`.
public final class AdaptiveAvgPool2d: Layer {
  public let size: (Int, Int)

  public init(_ size: (Int, Int)) { self.size = size }
  public convenience init(_ size: Int) { self.init((size, size)) }

  public func forward(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, size) }
}

/// Maxima over windows that tile any image into `size`.
public final class AdaptiveMaxPool2d: Layer {
  public let size: (Int, Int)

  public init(_ size: (Int, Int)) { self.size = size }
  public convenience init(_ size: Int) { self.init((size, size)) }

  public func forward(_ x: Tensor) -> Tensor { adaptiveMaxPool2d(x, size) }
}
