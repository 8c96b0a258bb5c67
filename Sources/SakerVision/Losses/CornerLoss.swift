import SakerNN
import SakerTensor

// CornerNet's three losses: where corners are, which belong together, and where in their cell they
// lie. Law and Deng, arXiv:1808.01244, sections 3.2 and 3.3. The paper adds them with weights 1,
// 0.1 (pull and push) and 1.

/// Pulls the embeddings of an object's two corners together and pushes those of
/// different objects apart.
///
/// - Parameters:
///   - topLeft, bottomRight: one number a corner, `[N, K]`: K places for objects of
///     each of N pictures.
///   - isObject: bool `[N, K]`; the other places count nothing.
///   - margin: Δ
/// - Returns: `pull`: `1/n Σ (e_t − e)² + (e_b − e)²` with e their mean, over the n objects of a
///   picture; `push`: `1/(n (n − 1)) Σ_{j≠k} max(0, Δ − |e_j − e_k|)`, 0 for one object. Both
///   reduced over pictures, `[N]` with `.none`.
public func cornerEmbeddingLoss(
  topLeft: Tensor, bottomRight: Tensor, isObject: Tensor, margin: Float = 1,
  reduction: Reduction = .mean
) -> (pull: Tensor, push: Tensor) {
  let op = "cornerEmbeddingLoss"
  check(
    topLeft.rank == 2 && bottomRight.shape == topLeft.shape && isObject.shape == topLeft.shape
      && isObject.dtype == .bool, op: op, expected: "embeddings [N, K] twice and bool [N, K]",
    got: "\(topLeft.shape), \(bottomRight.shape) and \(isObject.dtype) \(isObject.shape)")
  let mask = isObject.converted(to: .float32)
  let objects = mask.sum(axes: [1])
  let (top, bottom) = (topLeft.converted(to: .float32), bottomRight.converted(to: .float32))
  let centre = (top + bottom) * 0.5
  let spread = square(top - centre) + square(bottom - centre)
  let pull = (spread * mask).sum(axes: [1]) / maximum(objects, 1)

  let apart = abs(centre.unsqueeze(2) - centre.unsqueeze(1))
  let others = 1 - Tensor.eye(topLeft.shape[1])
  let pairs = mask.unsqueeze(2) * mask.unsqueeze(1) * others
  // Selected, as `relu` would make a 0 of what is not a number.
  let near = margin - apart
  let push =
    (Tensor.where(near .<= 0, 0, near) * pairs).sum(axes: [1, 2])
    / maximum(objects * (objects - 1), 1)
  return (reduction(pull), reduction(push))
}

/// Smooth L1 of the places of corners in their cells, `(x / stride − ⌊x / stride⌋)` along both
/// axes, divided by the number of corners (at least 1).
///
/// - Parameters: predictions, targets: at the corners of objects, `[K, 2]`.
public func cornerOffsetLoss(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
  check(
    predictions.rank == 2 && predictions.shape[1] == 2, op: "cornerOffsetLoss",
    expected: "offsets [K, 2]", got: predictions.shape)
  return smoothL1Loss(predictions, targets, reduction: .sum)
    / Float(max(1, predictions.shape[0]))
}
