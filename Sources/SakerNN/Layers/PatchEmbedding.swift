import SakerTensor

/// A picture as a sequence: each patch, `patch` x `patch` pixels without overlap, becomes a vector
/// by one linear map. Dosovitskiy et al., arXiv:2010.11929, equation 1.
public final class PatchEmbedding: Layer {
  public let proj: Conv2d
  public let patch: Int

  public init(_ channels: Int, _ width: Int, patch: Int) {
    proj = Conv2d(channels, width, kernel: patch, stride: patch)
    self.patch = patch
  }

  /// `[N, C, H, W]` to `[N, H/patch · W/patch, width]`, row by row. Stops if patches don't
  /// cover the picture.
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 4 && x.shape[2] % patch == 0 && x.shape[3] % patch == 0, op: "PatchEmbedding",
      expected: "[N, C, H, W] with sides that \(patch) divides", got: x.shape)
    return proj(x).flatten(from: 2).transposed(1, 2)
  }
}
