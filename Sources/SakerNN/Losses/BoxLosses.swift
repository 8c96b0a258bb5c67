import CKernels
import SakerTensor

// Losses of pairs of boxes: predictions and targets `[..., 4]` as left, top, right, bottom, in any
// unit. They take both sides' gradients, agree with torchvision's, and are computed in float32,
// value and gradient in one pass. `weight` is broadcast to the boxes' shape `[...]`, which is also
// that of the result with `reduction: .none`. Boxes without an area are defined: `epsilon` stands
// below every fraction, and an angle of no width and no height is 0. Of no boxes at all the mean is
// 0, as a picture without objects needs it.

/// How the overlap of two boxes becomes a loss.
public enum IoULossForm: Sendable {
  /// `1 − IoU`
  case linear
  /// `−log IoU`, where IoU counts as at least `epsilon`. UnitBox, arXiv:1608.01471.
  case logarithm
}

/// From the intersection over union. Boxes that do not touch have no gradient: use one of the
/// other three for those.
public func boxIoULoss(
  _ predictions: Tensor, _ targets: Tensor, form: IoULossForm = .linear, epsilon: Float = 1e-7,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  boxLoss(
    form == .linear ? 0 : 1, predictions, targets, epsilon, weight, reduction, op: "boxIoULoss")
}

/// `1 − GIoU` with `GIoU = IoU − |C∖(A∪B)| / |C|`, C the smallest box around both: in 0 ..< 2,
/// since GIoU comes near −1 only far away. Rezatofighi et al., arXiv:1902.09630.
public func generalizedBoxIoULoss(
  _ predictions: Tensor, _ targets: Tensor, epsilon: Float = 1e-7, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  boxLoss(2, predictions, targets, epsilon, weight, reduction, op: "generalizedBoxIoULoss")
}

/// `1 − IoU + ρ² / c²`: ρ between the centres, c the diagonal of the smallest box around both.
/// Zheng et al., arXiv:1911.08287.
public func distanceBoxIoULoss(
  _ predictions: Tensor, _ targets: Tensor, epsilon: Float = 1e-7, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  boxLoss(3, predictions, targets, epsilon, weight, reduction, op: "distanceBoxIoULoss")
}

/// `1 − IoU + ρ² / c² + α υ` with `υ = 4/π² (atan(w/h) − atan(w'/h'))²` and
/// `α = υ / (1 − IoU + υ)`, through which no gradient flows. Zheng et al., arXiv:1911.08287.
public func completeBoxIoULoss(
  _ predictions: Tensor, _ targets: Tensor, epsilon: Float = 1e-7, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  boxLoss(4, predictions, targets, epsilon, weight, reduction, op: "completeBoxIoULoss")
}

private func boxLoss(
  _ form: Int32, _ predictions: Tensor, _ targets: Tensor, _ epsilon: Float, _ weight: Tensor?,
  _ reduction: Reduction, op: String
) -> Tensor {
  check(
    predictions.shape.last == 4 && targets.shape == predictions.shape, op: op,
    expected: "two tensors of boxes [..., 4]", got: "\(predictions.shape) and \(targets.shape)")
  check(epsilon > 0, op: op, expected: "epsilon > 0", got: epsilon)
  checkWeight(weight, Shape(predictions.shape.dropLast()), op: op)
  var reduction = reduction
  if predictions.count == 0, case .mean = reduction { reduction = .sum }
  let result = apply(
    FusedLoss(name: op, width: 4, reduction: weight == nil ? reduction : .none) {
      x, y, _, loss, slope, count in
      saker_box_loss_f32(form, x, y, epsilon, loss, slope, count)
    }, predictions.converted(to: .float32), targets.converted(to: .float32))
  return weight.map { reduction(result * $0.converted(to: .float32)) } ?? result
}
