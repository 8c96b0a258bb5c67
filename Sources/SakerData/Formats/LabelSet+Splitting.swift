import SakerTensor

extension LabelSet {
  /// Gives every picture a split, so that each split has its share of the pictures and, with
  /// `stratified`, of each class: the rarest class is dealt out first, each of its pictures to the
  /// split that lacks it most (Sechidis et al., "On the stratification of multi-label data", 2011).
  ///
  /// - Parameters:
  ///   - shares: names and parts of the whole; parts are relative: 6, 2, 2 and 0.6, 0.2,
  ///     0.2 say the same.
  ///   - seed: the same seed gives the same splits.
  public func splitting(
    _ shares: [(name: String, part: Double)], seed: UInt64, stratified: Bool = true
  ) -> LabelSet {
    precondition(
      !shares.isEmpty && shares.allSatisfy { $0.part >= 0 && $0.part.isFinite }
        && shares.contains { $0.part > 0 }, "shares of a split are 0 or more, and not all 0")
    let whole = shares.reduce(0) { $0 + $1.part }
    let parts = shares.map { $0.part / whole }
    var random = Random(seed: seed)
    var order = Array(pictures.indices)
    order.shuffle(&random)
    // Pictures that each split still wants, all in all and of each class.
    var wanted = Self.quota(pictures.count, parts)
    let labels = pictures.map { picture in
      Set(picture.objects.map(\.label) + [picture.label].compactMap(\.self))
        .filter(classes.indices.contains)
    }
    var target = [Int?](repeating: nil, count: pictures.count)
    func assign(_ picture: Int, _ split: Int) {
      target[picture] = split
      wanted[split] -= 1
    }
    if stratified {
      var byClass = [[Int]](repeating: [], count: classes.count)
      for picture in order { for label in labels[picture] { byClass[label].append(picture) } }
      var lacking = byClass.map { members in parts.map { Double(members.count) * $0 } }
      var left = byClass.map(\.count)
      var open = Set(classes.indices.filter { left[$0] > 0 })
      while let label = open.min(by: { (left[$0], $0) < (left[$1], $1) }) {
        open.remove(label)
        for picture in byClass[label] where target[picture] == nil {
          // A split that has all its pictures takes no more.
          let split = parts.indices.filter { wanted[$0] > 0 }.max {
            (lacking[label][$0], Double(wanted[$0]), -Double($0))
              < (lacking[label][$1], Double(wanted[$1]), -Double($1))
          }
          assign(picture, split ?? 0)
          for other in labels[picture] {
            lacking[other][split ?? 0] -= 1
            left[other] -= 1
          }
        }
      }
    }
    var next = 0
    for picture in order where target[picture] == nil {
      while next < parts.count - 1 && wanted[next] <= 0 { next += 1 }
      assign(picture, next)
    }
    var set = self
    for i in set.pictures.indices { set.pictures[i].split = shares[target[i]!].name }
    return set
  }

  /// Whole numbers in the proportion of the parts that sum to the total: the largest
  /// remainders are rounded up.
  private static func quota(_ total: Int, _ parts: [Double]) -> [Int] {
    let exact = parts.map { $0 * Double(total) }
    var counts = exact.map { Int($0) }
    let byRest = parts.indices.sorted {
      (exact[$1] - Double(counts[$1]), $0) < (exact[$0] - Double(counts[$0]), $1)
    }
    for i in 0..<(total - counts.reduce(0, +)) { counts[byRest[i % parts.count]] += 1 }
    return counts
  }
}
