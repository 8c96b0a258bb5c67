import CKernels
import SakerTensor

/// Binary cross-entropy of logits, `−w (p y log σ(x) + (1 − y) log(1 − σ(x)))`, in a form that
/// never overflows; float32.
///
/// - Parameters:
///   - logits: x, any shape.
///   - targets: y in 0...1, the shape of the logits; take no gradient.
///   - weight: w, broadcast to the logits' shape.
///   - positiveWeight: p, broadcast to the logits' shape: `[classes]` weighs the positives of each
///     class of `[..., classes]`.
/// - Returns: `[]`, or in the shape of the logits with `reduction: .none`.
public func binaryCrossEntropy(
  logits: Tensor, _ targets: Tensor, weight: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  check(
    positiveWeight?.isRecorded != true, op: "binaryCrossEntropy",
    expected: "positive weights without a gradient", got: "recorded ones")
  checkWeight(positiveWeight, logits.shape, op: "binaryCrossEntropy")
  return FusedLoss.ofElements(
    "binaryCrossEntropy", logits, targets,
    factors: positiveWeight?.converted(to: .float32).expand(logits.shape), weight: weight, reduction
  ) { x, y, factor, loss, slope, count in
    saker_binary_cross_entropy_f32(x, y, factor, 0, 0, loss, slope, count)
  }
}

/// Binary cross-entropy of probabilities, `−w (y log p + (1 − y) log(1 − p))`; float32. Logarithms
/// stop at −100, as PyTorch's do, so a sure and wrong prediction costs 100, not infinity. Prefer
/// the form for logits: this one has lost the small probabilities before it starts.
///
/// - Parameters:
///   - probabilities: p in 0...1, any shape; others stop. Not-a-numbers stay.
///   - targets: y in 0...1, the shape of p; take no gradient.
///   - weight: w, broadcast to the shape of p.
/// - Returns: `[]`, or in the shape of p with `reduction: .none`.
public func binaryCrossEntropy(
  probabilities: Tensor, _ targets: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  if probabilities.count > 0 {
    let (least, most) = (probabilities.detached().min().item, probabilities.detached().max().item)
    check(
      !(least < 0 || most > 1), op: "binaryCrossEntropy", expected: "probabilities in 0...1",
      got: least < 0 ? least : most)
  }
  return FusedLoss.ofElements(
    "binaryCrossEntropy", probabilities, targets, weight: weight, reduction
  ) { x, y, _, loss, slope, count in
    saker_binary_cross_entropy_of_probabilities_f32(x, y, nil, 0, 0, loss, slope, count)
  }
}
