import SakerTensor

/// Local response normalization of `[N, C, ...]`, `y = x / (k + α Σ x²)^β` over `size`
/// neighbouring channels. Krizhevsky et al. 2012, section 3.3; VGG found no gain in it
/// (arXiv:1409.1556, section 3).
///
/// The default convention divides α by `size`, as PyTorch and Caffe; the paper does not
/// (E12): `LocalResponseNorm.alexNet`.
public final class LocalResponseNorm: Layer {
  public let size: Int
  public let alpha, beta, k: Float
  public let convention: ResponseConvention

  public init(
    _ size: Int, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1,
    convention: ResponseConvention = .mean
  ) {
    check(size >= 1, op: "LocalResponseNorm", expected: "a size of at least 1", got: size)
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.k = k
    self.convention = convention
  }

  /// As in the paper of AlexNet: size 5, k = 2, α = 1e−4 over the sum, β = 0.75.
  public static var alexNet: LocalResponseNorm { LocalResponseNorm(5, k: 2, convention: .sum) }

  public func forward(_ x: Tensor) -> Tensor {
    localResponseNorm(x, size: size, alpha: alpha, beta: beta, k: k, convention: convention)
  }
}
