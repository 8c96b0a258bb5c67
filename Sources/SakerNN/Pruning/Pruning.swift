import SakerTensor

/// Which of many scores are the least: what every way of pruning ends in.
enum Pruning {
  /// How many of `count` an amount is. Halves go to the even side, as PyTorch's `round` does.
  static func number(_ amount: Double, of count: Int) -> Int {
    check((0...1).contains(amount), op: "pruning", expected: "an amount in 0...1", got: amount)
    return Int((amount * Double(count)).rounded(.toNearestOrEven))
  }

  /// What stays when the `number` least scores go; of equal ones the first go. What is no number
  /// counts as the largest.
  ///
  /// - Parameter candidates: where false, it is gone already and is not counted again.
  static func kept(
    _ scores: [Float], removing number: Int, among candidates: [Bool]? = nil
  ) -> [Bool] {
    var kept = candidates ?? [Bool](repeating: true, count: scores.count)
    func score(_ index: Int) -> Float { scores[index].isNaN ? .infinity : scores[index] }
    let ordered = scores.indices.filter { kept[$0] }.map(score).sorted()
    guard number > 0, let limit = ordered.prefix(number).last else { return kept }
    var left = number
    for index in scores.indices where kept[index] && score(index) < limit {
      kept[index] = false
      left -= 1
    }
    for index in scores.indices where left > 0 && kept[index] && score(index) == limit {
      kept[index] = false
      left -= 1
    }
    return kept
  }
}
