import CKernels

/// `x / (k + alpha Σ x²)^beta` over neighbouring channels. Krizhevsky et al., "ImageNet
/// classification with deep convolutional neural networks", 2012, section 3.3.
struct LocalResponseNorm: UnaryOperation {
  let size: Int
  /// What multiplies the sum.
  let alpha: Float
  let beta, k: Float

  private func response(_ x: Tensor) -> saker_response {
    saker_response(
      k: k, alpha: alpha, beta: beta, channels: Int32(x.shape[1]), before: Int32(size / 2),
      after: Int32((size - 1) / 2))
  }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let x = x.channelRows
    saved.keep(x)
    let y = Tensor(uninitializedImage: x.shape)
    let (from, to, by, channels) = (
      x.pointer(Float.self), y.pointer(Float.self), response(x), x.shape[1]
    )
    run(x) { at, count, workspace in
      saker_response_f32(from + at * channels, count, by, to + at * channels, workspace)
    }
    return y
  }

  /// dx_i = dy_i d_i^-β - 2 α β x_i Σ_j dy_j x_j d_j^(-β - 1) over the channels j
  /// whose windows i is in.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let (x, dy) = (saved[0], gradient.channelRows)
    let dx = Tensor(uninitializedImage: x.shape)
    let (from, g, to) = (x.pointer(Float.self), dy.pointer(Float.self), dx.pointer(Float.self))
    let (by, channels) = (response(x), x.shape[1])
    run(x) { at, count, workspace in
      let at = at * channels
      saker_response_gradient_f32(from + at, g + at, count, by, to + at, workspace)
    }
    withExtendedLifetime(dy) {}
    return dx
  }

  /// Calls `body` with the first pixel, the number of pixels and workspace.
  private func run(_ x: Tensor, _ body: (Int, Int, UnsafeMutablePointer<Float>) -> Void) {
    guard x.count > 0 else { return }
    let floats = saker_response_workspace(response(x))
    Parallel.run(x.count / x.shape[1], grain: max(1, 8192 / x.shape[1])) { part in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: floats) {
        body(part.lowerBound, part.count, $0.baseAddress!)
      }
    }
  }
}

/// Which sum α multiplies in local response normalization.
public enum ResponseConvention: Sendable {
  /// The mean over the window, `α / size`: PyTorch and Caffe.
  case mean
  /// The sum over the window: the paper of AlexNet, with k = 2, size 5, α = 1e−4, β = 0.75.
  case sum
}

/// Local response normalization of `[N, C, ...]`: each value by its neighbours of the same place in
/// `size` channels, those beyond the ends counting as 0; `y = x / (k + α Σ x²)^β`, where `.mean`
/// divides α by `size`. A window of even size has its larger half below, as PyTorch's.
public func localResponseNorm(
  _ x: Tensor, size: Int, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 1,
  convention: ResponseConvention = .mean
) -> Tensor {
  check(
    x.rank >= 2 && x.dtype.isFloating && size >= 1, op: "localResponseNorm",
    expected: "a floating tensor [N, C, ...] and a size of at least 1",
    got: "\(x.dtype) \(x.shape), size \(size)")
  let factor = convention == .mean ? alpha / Float(size) : alpha
  let operation = LocalResponseNorm(size: size, alpha: factor, beta: beta, k: k)
  return apply(operation, x.converted(to: .float32)).converted(to: x.dtype)
}
