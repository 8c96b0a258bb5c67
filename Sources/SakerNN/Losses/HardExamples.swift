import SakerTensor

/// Online hard example mining: of many losses only the largest are learned from. Shrivastava et
/// al., arXiv:1604.03540.
public enum HardExamples: Sendable {
  /// At most this many examples.
  case count(Int)
  /// This share of them in 0...1, rounded up.
  case ratio(Float)
  /// All of at least this loss, and no fewer than `minimum` where there are so many.
  /// Segmentation's form.
  case above(Float, minimum: Int = 1)

  /// The largest of `losses`, of any shape, in falling order, `[kept]`, with their
  /// gradient; a loss that is not a number counts as the largest, so that it shows. Of
  /// equal ones the first are taken.
  public func callAsFunction(_ losses: Tensor) -> Tensor {
    let all = losses.converted(to: .float32).reshape([losses.count])
    return all.topK(kept(all), axis: 0).values
  }

  private func kept(_ losses: Tensor) -> Int {
    let size = losses.count
    switch self {
    case .count(let count):
      check(count >= 0, op: "HardExamples", expected: "a count >= 0", got: count)
      return min(count, size)
    case .ratio(let ratio):
      check((0...1).contains(ratio), op: "HardExamples", expected: "a ratio in 0...1", got: ratio)
      // 0.3 as a Float is a little more than 3/10: of 100 losses 30 are meant, not 31.
      let share = Double(ratio) * Double(size) * (1 - Double(Float.ulpOfOne))
      return min(size, Int(share.rounded(.up)))
    case .above(let limit, let minimum):
      let hard = losses.floats.lazy.filter { !($0 < limit) }.count
      return min(size, max(hard, minimum))
    }
  }
}

/// The mean (or sum) of the hardest of `losses`, which come without a reduction:
/// `ohemLoss(crossEntropy(x, y, reduction: .none), .ratio(0.25))`. The mean of none is 0.
public func ohemLoss(
  _ losses: Tensor, _ kept: HardExamples, reduction: Reduction = .mean
) -> Tensor {
  let hardest = kept(losses)
  if case .none = reduction { return hardest }
  return hardest.count == 0 ? hardest.sum() : reduction(hardest)
}
