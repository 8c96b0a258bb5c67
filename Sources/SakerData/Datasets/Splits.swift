import SakerTensor

/// Which samples go where, by their places in the data set. All are drawn by a seed, and the same
/// on every machine.
public enum Split {
  /// Parts in the proportion of `shares`, 6:2:2 for training, validation and test; each
  /// class in the same proportion if `labels` are given. Every sample goes to one part; each
  /// part's places ascend.
  ///
  /// What rounding leaves goes to the parts that lack most, the first ones first.
  ///
  /// - Parameters:
  ///   - count: of the samples.
  ///   - labels: a class of each sample.
  ///   - shares: positive, in any unit.
  public static func parts(
    _ count: Int, labels: [Int]? = nil, shares: [Double] = [6, 2, 2], seed: UInt64
  ) -> [[Int]] {
    precondition(
      !shares.isEmpty && shares.allSatisfy { $0 > 0 && $0.isFinite },
      "shares are positive, got \(shares)")
    precondition(
      labels == nil || labels?.count == count,
      "a label for each of \(count), got \(labels?.count ?? 0)")
    var random = Random(seed: seed)
    let total = shares.reduce(0, +)
    var parts = [[Int]](repeating: [], count: shares.count)
    // What each part should have by now and does not: it decides where a class's rest goes.
    var lacking = [Double](repeating: 0, count: shares.count)
    for var members in strata(count, labels) {
      members.shuffle(&random)
      let wanted = shares.map { $0 / total * Double(members.count) }
      var sizes = wanted.map { Int($0) }
      for part in wanted.indices { lacking[part] += wanted[part] - Double(sizes[part]) }
      for _ in 0..<members.count - sizes.reduce(0, +) {
        let neediest = lacking.indices.max { (lacking[$0], -$0) < (lacking[$1], -$1) } ?? 0
        sizes[neediest] += 1
        lacking[neediest] -= 1
      }
      var start = 0
      for (part, size) in sizes.enumerated() {
        parts[part] += members[start..<start + size]
        start += size
      }
    }
    return parts.map { $0.sorted() }
  }

  /// One round of cross-validation.
  public struct Fold: Hashable, Sendable {
    public let training: [Int]
    public let validation: [Int]
  }

  /// k-fold cross-validation: each sample is in exactly one fold's validation part; sizes differ by
  /// at most one, with `labels` each class's, too. Stone 1974.
  public static func folds(
    _ count: Int, into folds: Int, labels: [Int]? = nil, seed: UInt64
  ) -> [Fold] {
    precondition(
      folds >= 2 && folds <= count,
      "folds: expected 2...\(count) for \(count) samples, got \(folds)")
    var random = Random(seed: seed)
    var validation = [[Int]](repeating: [], count: folds)
    // Dealt like cards, one class after the other, each going on where the last one ended.
    var next = 0
    for var members in strata(count, labels) {
      members.shuffle(&random)
      for member in members {
        validation[next % folds].append(member)
        next += 1
      }
    }
    return validation.map { part in
      let inside = Set(part)
      return Fold(
        training: (0..<count).filter { !inside.contains($0) }, validation: part.sorted())
    }
  }

  /// Samples by class, or all in one.
  private static func strata(_ count: Int, _ labels: [Int]?) -> [[Int]] {
    guard let labels else { return [Array(0..<count)] }
    return Dictionary(grouping: labels.indices) { labels[$0] }.sorted { $0.key < $1.key }.map(
      \.value)
  }
}

/// Classes of different sizes, made equal.
public enum Rebalancing {
  /// Repeats samples of smaller classes, drawn with replacement, until each class has as many as
  /// the largest: 176 and 1655 samples become 3310.
  public static func oversampled(_ labels: [Int], seed: UInt64) -> [Int] {
    var random = Random(seed: seed)
    let classes = byClass(labels)
    let most = classes.map(\.count).max() ?? 0
    return classes.flatMap { members in
      members + (members.count..<most).map { _ in members[random.index(below: members.count)] }
    }
  }

  /// Leaves samples of larger classes out, drawn without replacement, until each class has as few
  /// as the smallest: 176 and 1655 samples become 352.
  public static func undersampled(_ labels: [Int], seed: UInt64) -> [Int] {
    var random = Random(seed: seed)
    let classes = byClass(labels)
    let least = classes.map(\.count).min() ?? 0
    return classes.flatMap { members -> [Int] in
      var members = members
      members.shuffle(&random)
      return members.prefix(least).sorted()
    }
  }

  /// For a loss, `count / (classes · count of the class)`: with them each class weighs as much
  /// as any other, and the mean weight of a sample is 1. King & Zeng 2001. A class without
  /// samples weighs 0.
  public static func classWeights(_ labels: [Int], classes: Int) -> [Float] {
    var counts = [Int](repeating: 0, count: classes)
    for label in labels {
      precondition((0..<classes).contains(label), "labels are in 0..<\(classes), got \(label)")
      counts[label] += 1
    }
    let present = counts.count { $0 > 0 }
    return counts.map { $0 == 0 ? 0 : Float(labels.count) / (Float(present) * Float($0)) }
  }

  private static func byClass(_ labels: [Int]) -> [[Int]] {
    Dictionary(grouping: labels.indices) { labels[$0] }.sorted { $0.key < $1.key }.map(\.value)
  }
}
