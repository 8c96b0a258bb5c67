import SakerNN
import SakerTensor

// FCOS: every place inside a box learns the distances to its sides. Tian et al.,
// arXiv:1904.01355, section 3.

/// How central a place is in its box, `√(min(l, r) / max(l, r) · min(t, b) / max(t, b))`: 1 in the
/// middle, 0 on the edge and outside.
///
/// - Parameter distances: to the left, top, right and bottom side, `[..., 4]`, positive inside.
/// - Returns: `[...]`, without a gradient: it is a target.
public func centerness(_ distances: Tensor) -> Tensor {
  check(
    distances.shape.last == 4, op: "centerness", expected: "distances [..., 4]",
    got: distances.shape)
  let d = distances.floats
  let values = stride(from: 0, to: d.count, by: 4).map { i in
    fraction(d[i], d[i + 2]) * fraction(d[i + 1], d[i + 3])
  }
  return Tensor(values.map { $0.squareRoot() }, Shape(distances.shape.dropLast()))
}

/// The smaller by the larger; 0 for places that are not inside, or in a box without a size.
private func fraction(_ a: Float, _ b: Float) -> Float {
  let least = min(a, b)
  return least > 0 ? least / max(a, b) : 0
}

/// Binary cross-entropy of centre-ness, for the places that have an object.
///
/// - Parameters: logits: `[...]`; distances: to the sides of their boxes, `[..., 4]`.
public func centernessLoss(
  _ logits: Tensor, _ distances: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  binaryCrossEntropy(logits: logits, centerness(distances), weight: weight, reduction: reduction)
}

/// IoU loss of boxes given by the distances of a place to their sides, `[..., 4]` as left, top,
/// right, bottom. FCOS weighs it by centre-ness and divides by the sum of the weights.
public func distancesIoULoss(
  _ predictions: Tensor, _ targets: Tensor, form: IoULossForm = .logarithm,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  func corners(_ distances: Tensor) -> Tensor {
    let signs = Tensor([-1, -1, 1, 1] as [Float])
    return distances.converted(to: .float32) * signs
  }
  return boxIoULoss(
    corners(predictions), corners(targets), form: form, weight: weight, reduction: reduction)
}
