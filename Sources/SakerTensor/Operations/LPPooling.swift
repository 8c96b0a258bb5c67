/// The p-norm of each window, `(Σ xᵖ)^(1/p)`: the sum for p = 1, the largest size for p = ∞. Powers
/// are of the numbers themselves, not of their sizes, as in PyTorch: where the sum of an odd power
/// is negative, or p no integer and a number negative, the result is no number.
///
/// The gradient of a window whose sum is 0 is 0. What `ceil` adds at the edges counts as the mean
/// of what the window has.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - p: above 0.
///   - stride: the kernel's size if left out.
public func lpPool2d(
  _ x: Tensor, p: Float, kernel: (Int, Int), stride: (Int, Int)? = nil, ceil: Bool = false
) -> Tensor {
  check(
    p > 0 && x.dtype.isFloating, op: "lpPool2d", expected: "floating [N, C, H, W], p above 0",
    got: "\(x.dtype) \(x.shape), p \(p)")
  if p == .infinity { return maxPool2d(abs(x), kernel: kernel, stride: stride, ceil: ceil) }
  let means = averagePool2d(pow(x, p), kernel: kernel, stride: stride, ceil: ceil)
  let sums = means * Float(kernel.0 * kernel.1)
  // A root of 0 has an infinite slope.
  let zeros = sums.detached() .== 0
  return pow(sums.filled(where: zeros, with: 1), 1 / p).filled(where: zeros, with: 0)
}
