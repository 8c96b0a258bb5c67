import SakerTensor

/// The largest of each window of sequences `[N, C, L]`.
public final class MaxPool1d: Layer {
  public let kernel, stride, padding, dilation: Int
  public let ceil: Bool

  /// - Parameter stride: the kernel's size if left out.
  public init(
    kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceil: Bool = false
  ) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
    (self.dilation, self.ceil) = (dilation, ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    maxPool1d(
      x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceil: ceil)
  }
}

/// The mean of each window of sequences `[N, C, L]`.
public final class AvgPool1d: Layer {
  public let kernel, stride, padding: Int
  public let countingPadding, ceil: Bool

  /// - Parameter stride: the kernel's size if left out.
  public init(
    kernel: Int, stride: Int? = nil, padding: Int = 0, countingPadding: Bool = true,
    ceil: Bool = false
  ) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
    (self.countingPadding, self.ceil) = (countingPadding, ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    averagePool1d(
      x, kernel: kernel, stride: stride, padding: padding, countingPadding: countingPadding,
      ceil: ceil)
  }
}

/// The largest of each window of volumes `[N, C, D, H, W]`.
public final class MaxPool3d: Layer {
  public let kernel, stride, padding: Int
  public let ceil: Bool

  /// - Parameter stride: the kernel's size if left out.
  public init(kernel: Int, stride: Int? = nil, padding: Int = 0, ceil: Bool = false) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
    self.ceil = ceil
  }

  public func forward(_ x: Tensor) -> Tensor {
    maxPool3d(
      x, kernel: (kernel, kernel, kernel), stride: (stride, stride, stride),
      padding: (padding, padding, padding), ceil: ceil)
  }
}

/// The mean of each window of volumes `[N, C, D, H, W]`.
public final class AvgPool3d: Layer {
  public let kernel, stride, padding: Int
  public let countingPadding, ceil: Bool

  /// - Parameter stride: the kernel's size if left out.
  public init(
    kernel: Int, stride: Int? = nil, padding: Int = 0, countingPadding: Bool = true,
    ceil: Bool = false
  ) {
    (self.kernel, self.stride, self.padding) = (kernel, stride ?? kernel, padding)
    (self.countingPadding, self.ceil) = (countingPadding, ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    averagePool3d(
      x, kernel: (kernel, kernel, kernel), stride: (stride, stride, stride),
      padding: (padding, padding, padding), countingPadding: countingPadding, ceil: ceil)
  }
}

/// Means over `size` windows that tile sequences `[N, C, L]`.
public final class AdaptiveAvgPool1d: Layer {
  public let size: Int
  public init(_ size: Int) { self.size = size }
  public func forward(_ x: Tensor) -> Tensor { adaptiveAveragePool1d(x, size) }
}

/// Maxima over `size` windows that tile sequences `[N, C, L]`.
public final class AdaptiveMaxPool1d: Layer {
  public let size: Int
  public init(_ size: Int) { self.size = size }
  public func forward(_ x: Tensor) -> Tensor { adaptiveMaxPool1d(x, size) }
}

/// Means over windows that tile volumes `[N, C, D, H, W]` into `size` (planes, rows, columns).
public final class AdaptiveAvgPool3d: Layer {
  public let size: (Int, Int, Int)
  public init(_ size: (Int, Int, Int)) { self.size = size }
  public func forward(_ x: Tensor) -> Tensor { adaptiveAveragePool3d(x, size) }
}

/// Maxima over windows that tile volumes `[N, C, D, H, W]` into `size` (planes, rows, columns).
public final class AdaptiveMaxPool3d: Layer {
  public let size: (Int, Int, Int)
  public init(_ size: (Int, Int, Int)) { self.size = size }
  public func forward(_ x: Tensor) -> Tensor { adaptiveMaxPool3d(x, size) }
}

/// Puts pooled values back to where they stood: the way back through a max pooling. Pairs with
/// `maxPool2dWithIndices`, `maxPool1dWithIndices` and `maxPool3dWithIndices`.
public final class MaxUnpool: Module {
  public init() {}

  /// - Parameter size: the sides of what was pooled.
  public func callAsFunction(_ x: Tensor, _ indices: Tensor, size: [Int]) -> Tensor {
    maxUnpool(x, indices, size: size)
  }
}
