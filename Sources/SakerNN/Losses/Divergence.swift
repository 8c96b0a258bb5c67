import SakerTensor

/// Kullback-Leibler divergence from the predicted distribution to the target's, element by element:
/// `p (log p − x)` with x the logarithms of the prediction. Its sum over a distribution is KL(p ‖
/// q): use `.batchMean` (or `.sum`); `.mean` divides by the number of elements, which is no
/// divergence. As PyTorch's `kl_div`; float32.
///
/// Where p is 0, the element is 0; where p is not 0 and q is, it is infinite: the notes' "vanishing
/// gradient" is Jensen-Shannon's (E73).
///
/// - Parameters:
///   - logPrediction: x = log q, from `logSoftmax`.
///   - target: p, or log p with `isLogarithm`; any shape that x has. Both sides may have gradients.
public func klDivergence(
  _ logPrediction: Tensor, _ target: Tensor, isLogarithm: Bool = false, weight: Tensor? = nil,
  reduction: Reduction = .batchMean
) -> Tensor {
  check(
    logPrediction.shape == target.shape, op: "klDivergence",
    expected: "two tensors of one shape", got: "\(logPrediction.shape) and \(target.shape)")
  checkWeight(weight, target.shape, op: "klDivergence")
  let x = logPrediction.converted(to: .float32)
  let target = target.converted(to: .float32)
  let losses: Tensor
  if isLogarithm {
    losses = exp(target) * (target - x)
  } else {
    // 0 log 0 is 0, whatever x is: 1 stands in for p where nothing is to be computed.
    let isZero = target .== 0
    let safe = target.filled(where: isZero, with: 1)
    losses = Tensor.where(isZero, 0, safe * (log(safe) - x))
  }
  return reduction(losses, weight: weight)
}

/// Jensen-Shannon divergence of two distributions along `axis`, `½ KL(p ‖ m) + ½ KL(q ‖ m)` with m
/// their mean: 0 for equal ones, log 2 for distributions that share nothing, where its gradient is
/// 0 (E73). Lin, 1991.
///
/// - Parameters: p, q: logarithms of probabilities, of one shape, from `logSoftmax`; finite. Both
///   may have gradients.
/// - Returns: reduced over the distributions, of the shape without `axis`.
public func jensenShannonDivergence(
  log p: Tensor, _ q: Tensor, axis: Int = -1, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(
    p.shape == q.shape && p.rank > 0, op: "jensenShannonDivergence",
    expected: "two tensors of one shape", got: "\(p.shape) and \(q.shape)")
  let (p, q) = (p.converted(to: .float32), q.converted(to: .float32))
  // log((e^p + e^q) / 2) = max + log1p((e^−|p − q| − 1) / 2), exact where p = q.
  let mean = maximum(p, q) + log1p(expm1(-abs(p - q)) * 0.5)
  let terms = exp(p) * (p - mean) + exp(q) * (q - mean)
  return reduction(terms.sum(axes: [axis]) * 0.5, weight: weight)
}
