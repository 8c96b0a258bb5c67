import SakerTensor

/// Several classifiers that vote. Dietterich, "Ensemble Methods in Machine Learning" (2000).
public enum Vote {
  /// The mean of their probabilities: `[N, classes]` of logits `[N, classes]` each.
  public static func soft(_ logits: [Tensor]) -> Tensor {
    check(!logits.isEmpty, op: "Vote.soft", expected: "at least one model's logits", got: "none")
    let sum = logits.dropFirst().reduce(softmax(logits[0], axis: 1)) { $0 + softmax($1, axis: 1) }
    return sum / Float(logits.count)
  }

  /// The class that most of them name, int64 `[N]`; of classes with equally many votes the first.
  public static func hard(_ logits: [Tensor]) -> Tensor {
    check(!logits.isEmpty, op: "Vote.hard", expected: "at least one model's logits", got: "none")
    let classes = logits[0].shape[1]
    let votes = logits.map { oneHot($0.argmax(axis: 1), classes: classes) }
    return votes.dropFirst().reduce(votes[0]) { $0 + $1 }.argmax(axis: 1)
  }
}

/// What a classifier believes of pictures without labels, where it is sure enough: Lee,
/// "Pseudo-Label" (2013).
///
/// - Parameters:
///   - logits: `[N, classes]`
///   - confidence: the least probability of a class to be believed.
/// - Returns: which of the N are believed, and their classes.
public func pseudoLabels(_ logits: Tensor, confidence: Float) -> (indices: [Int], labels: [Int]) {
  check(
    logits.rank == 2 && (0...1).contains(confidence), op: "pseudoLabels",
    expected: "logits [N, classes] and a confidence in 0...1", got: "\(logits.shape), \(confidence)"
  )
  let probabilities = softmax(logits.detached().converted(to: .float32), axis: 1)
  let best = probabilities.max(axes: [1]).floats
  let classes = probabilities.argmax(axis: 1).converted(to: .float32).floats
  let indices = best.indices.filter { best[$0] >= confidence }
  return (indices, indices.map { Int(classes[$0]) })
}
