import SakerTensor
import Testing

@testable import SakerData

@Suite struct SplitTests {
  @Test func sixTwoTwoKeepsTheClassesProportions() {
    let labels = (0..<1000).map { $0 < 700 ? 0 : $0 < 950 ? 1 : 2 }
    let parts = Split.parts(1000, labels: labels, seed: 1)
    #expect(parts.map(\.count) == [600, 200, 200])
    #expect(Set(parts.joined()).count == 1000)
    for (part, size) in zip(parts, [600, 200, 200]) {
      let counts = (0..<3).map { label in part.count { labels[$0] == label } }
      #expect(counts == [size * 7 / 10, size / 4, size / 20])
      #expect(part == part.sorted())
    }
    #expect(Split.parts(1000, labels: labels, seed: 1) == parts)
    #expect(Split.parts(1000, labels: labels, seed: 2) != parts)
  }

  /// Ten classes of three samples: rounding each class by itself would leave parts empty.
  @Test func roundingFavoursNoPart() {
    let labels = (0..<30).map { $0 % 10 }
    let sizes = Split.parts(30, labels: labels, seed: 3).map(\.count)
    #expect(sizes == [18, 6, 6])
    #expect(Split.parts(0, seed: 1).map(\.count) == [0, 0, 0])
    #expect(Split.parts(1, seed: 1).map(\.count) == [1, 0, 0])
  }

  @Test func everySampleValidatesOnce() {
    let labels = (0..<53).map { $0 % 4 == 0 ? 1 : 0 }
    let folds = Split.folds(53, into: 5, labels: labels, seed: 4)
    #expect(folds.flatMap(\.validation).sorted() == Array(0..<53))
    for fold in folds {
      #expect(Set(fold.training).isDisjoint(with: fold.validation))
      #expect(fold.training.count + fold.validation.count == 53)
      #expect([10, 11].contains(fold.validation.count))
      let ones = fold.validation.count { labels[$0] == 1 }
      #expect([2, 3].contains(ones))
    }
  }

  /// The notes' example: 1831 rows, 176 of them positive.
  @Test func rebalancingTheNotesExample() {
    let labels = (0..<1831).map { $0 < 176 ? 1 : 0 }
    let over = Rebalancing.oversampled(labels, seed: 1)
    let under = Rebalancing.undersampled(labels, seed: 1)
    #expect(over.count == 3310 && under.count == 352)
    #expect(over.count { labels[$0] == 1 } == 1655 && under.count { labels[$0] == 1 } == 176)
    #expect(Set(under).count == 352 && Set(over).count == 1831)
    let weights = Rebalancing.classWeights(labels, classes: 3)
    #expect(abs(weights[0] * 1655 - weights[1] * 176) < 1e-2 && weights[2] == 0)
    #expect(abs(weights[0] * 1655 + weights[1] * 176 - 1831) < 1e-2)
  }
}
