import SakerTensor

/// The p-norm of each window, `[N, C, H, W]` to `[N, C, H', W']`: between the sum (p = 1) and the
/// largest size (p = ∞). See `lpPool2d(_:p:kernel:stride:ceil:)`.
public final class LPPool2d: Layer {
  public let p: Float
  public let kernel, stride: (Int, Int)
  public let ceil: Bool

  /// - Parameters:
  ///   - p: above 0.
  ///   - stride: the kernel's size if left out.
  ///   - ceil: lets a last window that starts inside reach over the edge.
  public init(p: Float, kernel: (Int, Int), stride: (Int, Int)? = nil, ceil: Bool = false) {
    check(p > 0, op: "LPPool2d", expected: "p above 0", got: p)
    self.p = p
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.ceil = ceil
  }

  public convenience init(p: Float, kernel: Int, stride: Int? = nil, ceil: Bool = false) {
    self.init(p: p, kernel: (kernel, kernel), stride: stride.map { ($0, $0) }, ceil: ceil)
  }

  public func forward(_ x: Tensor) -> Tensor {
    lpPool2d(x, p: p, kernel: kernel, stride: stride, ceil: ceil)
  }
}
