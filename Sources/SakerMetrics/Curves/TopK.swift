import SakerTensor

/// Share of the rows whose true class is among the `k` highest scores, 0...1; 0 without rows. Of
/// equal scores the class with the higher index counts as higher, as in scikit-learn.
///
/// - Parameter scores: `[rows][classes]`; one that isn't a number is lowest.
public func topKAccuracy(scores: [[Double]], truths: [Int], k: Int) -> Double {
  precondition(scores.count == truths.count, "\(scores.count) rows, but \(truths.count) truths")
  precondition(k > 0, "top-k needs a k above 0, not \(k)")
  var right = 0
  for (row, truth) in zip(scores, truths) {
    precondition(row.indices.contains(truth), "label \(truth), but there are \(row.count) scores")
    func score(_ index: Int) -> Double { row[index].isNaN ? -.infinity : row[index] }
    let above = row.indices.count { (score(truth), truth) < (score($0), $0) }
    if above < k { right += 1 }
  }
  return ratio(right, scores.count)
}

/// Share of anchors whose highest class isn't theirs, 0...1: the "class error" of the notes' small
/// single-shot detector. Nearly all anchors are background, so a detector that finds nothing
/// already scores about 0.005 (E58): report average precision too.
///
/// - Parameters:
///   - logits: `[..., classes]`, background included.
///   - labels: `[...]`, the classes.
public func classError(logits: Tensor, labels: Tensor) -> Double {
  let classes = logits.shape.last ?? 0
  check(
    classes > 0 && logits.shape.dropLast().elementsEqual(labels.shape), op: "classError",
    expected: "labels of the shape of the logits without the last axis", got: labels.shape)
  let found = logits.argmax(axis: -1).scalars(as: Float.self)
  let wrong = zip(found, labels.floats).count { $0 != $1 }
  return ratio(wrong, found.count)
}

/// Mean absolute difference of box offsets, over all anchors, with those of background
/// anchors masked to 0: the notes' "bbox MAE". The mean is over all offsets, masked ones
/// included, as there.
///
/// - Parameters:
///   - offsets, truths: any one shape.
///   - mask: of that shape, 1 where an anchor has an object and 0 elsewhere.
public func boxMeanAbsoluteError(offsets: Tensor, truths: Tensor, mask: Tensor) -> Double {
  check(
    offsets.shape == truths.shape && offsets.shape == mask.shape, op: "boxMeanAbsoluteError",
    expected: "offsets, truths and mask of one shape", got: offsets.shape)
  let (found, wanted, kept) = (offsets.floats, truths.floats, mask.floats)
  let sum = found.indices.reduce(0.0) {
    $0 + Double(Swift.abs((wanted[$1] - found[$1]) * kept[$1]))
  }
  return found.isEmpty ? 0 : sum / Double(found.count)
}
