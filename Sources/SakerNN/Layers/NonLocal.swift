import SakerTensor

/// Non-local block: to each place a mean over all places, weighted by how alike they are, is added.
/// Wang et al., arXiv:1711.07971: `z = x + W(Σⱼ f(xᵢ, xⱼ) g(xⱼ) / C)`.
public final class NonLocalBlock2d: Layer {
  /// f, and the C that it is divided by.
  public enum Similarity: String, CaseIterable, Sendable {
    /// `exp(xᵢ · xⱼ)`, C its sum: a softmax.
    case gaussian
    /// `exp(θ(xᵢ) · φ(xⱼ))`, C its sum: self-attention.
    case embeddedGaussian
    /// `θ(xᵢ) · φ(xⱼ)`, C the number of places.
    case dotProduct
    /// `ReLU(w · [θ(xᵢ), φ(xⱼ)])`, C the number of places.
    case concatenation
  }

  public let similarity: Similarity
  /// 1×1 to half the channels.
  public let g: Conv2d
  /// 1×1 to half the channels; none for `gaussian`.
  public let theta, phi: Conv2d?
  /// `[1, 2 · inner]`, the w of `concatenation`.
  public let concatProject: Linear?
  /// 1×1 back to all channels.
  public let out: Conv2d
  /// Starts at scale 0, so that the block is the identity and can be put into a trained network;
  /// without it `out` starts at 0.
  public let norm: BatchNorm?
  public let isSubsampled: Bool

  /// - Parameters:
  ///   - inner: channels inside, half of `channels` if left out.
  ///   - subsampled: halves the sides of what each place is compared with, by max pooling.
  public init(
    _ channels: Int, inner: Int? = nil, similarity: Similarity = .embeddedGaussian,
    subsampled: Bool = false, norm: Bool = true
  ) {
    let inner = inner ?? max(1, channels / 2)
    let embeds = similarity != .gaussian
    self.similarity = similarity
    isSubsampled = subsampled
    g = Conv2d(channels, inner, kernel: 1)
    theta = embeds ? Conv2d(channels, inner, kernel: 1) : nil
    phi = embeds ? Conv2d(channels, inner, kernel: 1) : nil
    concatProject =
      similarity == .concatenation ? Linear(2 * inner, 1, bias: false) : nil
    out = Conv2d(inner, channels, kernel: 1)
    self.norm = norm ? BatchNorm(channels) : nil
    let last = self.norm?.weight ?? out.weight
    last.value = .zeros(last.shape)
    if !norm, let bias = out.bias { bias.value = .zeros(bias.shape) }
  }

  /// `[N, C, H, W]` to the same shape; memory grows with the square of the places.
  public func forward(_ x: Tensor) -> Tensor {
    check(x.rank == 4, op: "NonLocalBlock2d", expected: "[N, C, H, W]", got: x.shape)
    func rows(_ map: Tensor) -> Tensor {
      map.flatten(from: 2).transposed(1, 2)
    }
    func seen(_ map: Tensor) -> Tensor {
      rows(isSubsampled ? maxPool2d(map, kernel: (2, 2)) : map)
    }
    let values = seen(g(x))
    let left = rows(theta?(x) ?? x)
    let right = seen(phi?(x) ?? x)
    let mean = matmul(weights(left, right), values)
    let map = mean.transposed(1, 2).reshape([x.shape[0], -1, x.shape[2], x.shape[3]])
    let mixed = out(map)
    return x + (norm?(mixed) ?? mixed)
  }

  /// `f / C` of `[N, places, inner]` and `[N, others, inner]`, `[N, places, others]`.
  private func weights(_ left: Tensor, _ right: Tensor) -> Tensor {
    let count = Float(right.shape[1])
    switch similarity {
    case .gaussian, .embeddedGaussian:
      return softmax(matmul(left, right.transposed(1, 2)))
    case .dotProduct:
      return matmul(left, right.transposed(1, 2)) / count
    case .concatenation:
      // w · [a, b] is a part that only the row knows plus one that only the column knows.
      let inner = left.shape[2]
      let w = concatProject!.weight.value.reshape([2 * inner, 1])
      let a = matmul(left, w.narrow(0, 0..<inner))
      let b = matmul(right, w.narrow(0, inner..<2 * inner))
      return relu(a + b.transposed(1, 2)) / count
    }
  }
}
