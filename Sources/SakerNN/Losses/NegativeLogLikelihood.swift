import SakerTensor

/// Negative log-likelihood, `−x[target]`, of logarithms of probabilities: `crossEntropy` without
/// its softmax. The mean divides by the weights of the targets; if every target is left out, it is
/// 0, where PyTorch divides 0 by 0.
///
/// - Parameters:
///   - logProbabilities: x, `[N, C]` or `[N, C, ...]`, or with `axis: -1` `[..., C]`;
///     from `logSoftmax`.
///   - targets: int32 or int64, in the shape of x without the classes; each in
///     `0 ..< C`, or `ignoring`.
///   - weights: float32 `[C]`; takes no gradient.
/// - Returns: `[]`, or in the shape of the targets with `reduction: .none`.
public func negativeLogLikelihood(
  _ logProbabilities: Tensor, _ targets: Tensor, axis: Int = 1, ignoring: Int = -100,
  weights: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  let op = "negativeLogLikelihood"
  let axis = axis < 0 ? axis + logProbabilities.rank : axis
  check(
    axis >= 0 && axis < logProbabilities.rank, op: op, expected: "an axis of classes",
    got: "axis \(axis) of \(logProbabilities.shape)")
  let classes = logProbabilities.shape[axis]
  var shape = Array(logProbabilities.shape)
  shape.remove(at: axis)
  check(
    targets.shape == Shape(shape), op: op, expected: "targets \(Shape(shape))", got: targets.shape)
  check(
    weights.map { $0.shape == [classes] && !$0.isRecorded } ?? true, op: op,
    expected: "weights [\(classes)] without a gradient", got: weights?.shape ?? [])
  let chosen = ClassTargets(targets, classes: classes, ignoring: ignoring, weights)
  let factors = chosen.picking(weights ?? .ones([classes]))
  // A target that is left out reads class 0, and counts 0.
  let places = Tensor.where(chosen.indices .< 0, .zeros([], .int32), chosen.indices)
  let picked = logProbabilities.converted(to: .float32)
    .gather(places.converted(to: .int64).unsqueeze(axis), axis: axis).squeeze(axis)
  // Selected rather than multiplied: 0 times an infinity is not a number.
  let losses = Tensor.where(chosen.indices .< 0, 0, -picked * factors)
  guard case .mean = reduction else { return reduction(losses) }
  return losses.sum() * (chosen.total > 0 ? Float(1 / chosen.total) : 0)
}
