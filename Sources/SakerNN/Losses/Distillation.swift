import SakerTensor

/// Distillation loss of a student's logits against a teacher's,
/// `T² KL(softmax(t / T) ‖ softmax(s / T))`: the factor keeps the gradients' size whatever the
/// temperature T. Hinton et al., arXiv:1503.02531. The teacher takes no gradient.
///
/// - Parameters: student, teacher: logits `[..., C]`, of one shape.
/// - Returns: reduced over the rows; `[...]` with `reduction: .none`.
public func distillationLoss(
  _ student: Tensor, teacher: Tensor, temperature: Float = 4, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  check(
    student.shape == teacher.shape && student.rank > 0, op: "distillationLoss",
    expected: "logits of one shape [..., C]", got: "\(student.shape) and \(teacher.shape)")
  check(temperature > 0, op: "distillationLoss", expected: "temperature > 0", got: temperature)
  let x = logSoftmax(student.converted(to: .float32) / temperature)
  let target = logSoftmax(teacher.detached().converted(to: .float32) / temperature)
  let rows = klDivergence(x, target, isLogarithm: true, reduction: .none).sum(axes: [-1])
  return reduction(rows * (temperature * temperature), weight: weight)
}

/// Both lessons: `(1 − α)` of the labels' cross-entropy and α of the teacher's distillation loss.
///
/// - Parameters: student: `[N, C]`; targets: int32 or int64 `[N]`.
public func distillationLoss(
  _ student: Tensor, teacher: Tensor, _ targets: Tensor, alpha: Float = 0.9,
  temperature: Float = 4
) -> Tensor {
  check((0...1).contains(alpha), op: "distillationLoss", expected: "alpha in 0...1", got: alpha)
  return distillationLoss(student, teacher: teacher, temperature: temperature) * alpha
    + crossEntropy(student, targets) * (1 - alpha)
}

/// How a student's features are compared with a teacher's.
public enum FeatureDistance: Sendable {
  /// `½ (s − t)²` of each element: FitNets' hints, arXiv:1412.6550.
  case squared
  /// `1 − cos(s, t)` along axis 1, the channels
  case cosine
}

/// Distillation loss of a student's feature maps against a teacher's, of one shape
/// `[N, C, ...]`: if the student's have other channels, put a 1x1 convolution between. The
/// teacher takes no gradient.
///
/// - Returns: with `reduction: .none`, `[N, C, ...]` for squares, `[N, ...]` for cosines.
public func featureDistillationLoss(
  _ student: Tensor, teacher: Tensor, _ distance: FeatureDistance = .squared,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(
    student.shape == teacher.shape && student.rank >= 2, op: "featureDistillationLoss",
    expected: "features of one shape [N, C, ...]", got: "\(student.shape) and \(teacher.shape)")
  let teacher = teacher.detached()
  return switch distance {
  case .squared:
    meanSquaredError(student, teacher, weight: weight, reduction: reduction) * 0.5
  case .cosine: reduction(1 - cosineSimilarity(student, teacher, axis: 1), weight: weight)
  }
}
