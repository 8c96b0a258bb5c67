import SakerData
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

@Suite struct AnchorMatcherTests {
  @Test(arguments: 0..<3)
  func matchesTheDefinition(index: Int) throws {
    let golden = try BoxesGolden.read().assignment[index]
    let grid = AnchorGrid(boxes: Boxes(corners: golden.anchors))
    let matches = AnchorMatcher(threshold: golden.threshold)(grid, Boxes(corners: golden.truths))
    var matched = [Int](repeating: -1, count: grid.count)
    for match in matches { matched[match.anchor] = match.object }
    #expect(matched == golden.matched)
    #expect(matches.map(\.anchor) == matches.map(\.anchor).sorted())
  }

  /// The book's example, section 14.4: a dog, a cat and five anchors.
  @Test func theBooksTargets() {
    let grid = AnchorGrid(
      boxes: Boxes(corners: [
        0, 0.1, 0.2, 0.3, 0.15, 0.2, 0.4, 0.4, 0.63, 0.05, 0.88, 0.98, 0.66, 0.45, 0.8, 0.8, 0.57,
        0.3, 0.92, 0.9,
      ]))
    let objects = [
      Annotation(box: Box(left: 0.1, top: 0.08, right: 0.52, bottom: 0.92), label: 0),
      Annotation(box: Box(left: 0.55, top: 0.2, right: 0.9, bottom: 0.88), label: 1),
    ]
    let targets = AnchorTargets([objects], grid)
    #expect(targets.classes.shape == [1, 5])
    #expect(targets.classes.scalars(as: Int32.self) == [0, 1, 2, 0, 2])
    let (offsets, mask) = targets.offsets
    #expect(
      mask.floats == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1])
    expectClose(
      offsets.floats,
      [
        0, 0, 0, 0, 1.40, 10.0, 2.59, 7.18, -1.20, 0.269, 1.68, -1.57, 0, 0, 0, 0, -0.571, -1.00,
        4.17e-6, 0.626,
      ], relative: 5e-3, absolute: 1e-6)
  }

  /// By the threshold alone, objects of unusual size or shape would never be learned (catalogue
  /// E66).
  @Test func everyObjectGetsAnAnchorOfItsOwn() {
    let grid = AnchorGrid(.tinySSD, maps: TinySSD.maps(height: 256, width: 256))
    var random = Random(seed: 3)
    let objects = Boxes(
      (0..<40).map { _ in
        let (x, y) = (random.uniform(0...0.9), random.uniform(0...0.9))
        return Box(
          left: x, top: y, right: x + random.uniform(0.01...0.1),
          bottom: y + random.uniform(0.01...0.1))
      })
    let matches = AnchorMatcher()(grid, objects)
    #expect(Set(matches.map(\.object)) == Set(objects.indices))
    #expect(Set(matches.map(\.anchor)).count == matches.count)
  }

  @Test func theThresholdItselfCounts() {
    // The first anchor shares 1 of 2 with the object, the second is the object.
    let grid = AnchorGrid(boxes: Boxes(corners: [0, 0, 2, 1, 0, 0, 1, 1]))
    let object = Boxes(corners: [0, 0, 1, 1])
    #expect(AnchorMatcher()(grid, object).map(\.anchor) == [0, 1])
    #expect(AnchorMatcher(threshold: 0.51)(grid, object).map(\.anchor) == [1])
  }

  @Test func moreObjectsThanAnchorsEnd() {
    let grid = AnchorGrid(boxes: Boxes(corners: [0, 0, 1, 1]))
    let objects = Boxes(corners: [0, 0, 1, 0.9, 0, 0, 0.3, 0.3, 0, 0, 0, 0])
    #expect(AnchorMatcher()(grid, objects) == [.init(anchor: 0, object: 0)])
    #expect(AnchorMatcher()(grid, Boxes()) == [])
  }

  @Test func threadsDoNotChangeTheResult() {
    let grid = AnchorGrid(.tinySSD, maps: TinySSD.maps(height: 128, width: 128))
    var random = Random(seed: 8)
    let pictures = (0..<9).map { count in
      (0..<count).map { label in
        let (x, y) = (random.uniform(0...0.5), random.uniform(0...0.5))
        return Annotation(box: Box(left: x, top: y, right: x + 0.4, bottom: y + 0.3), label: label)
      }
    }
    let before = Parallel.threads
    defer { Parallel.threads = before }
    let targets = [1, 3].map { threads in
      Parallel.threads = threads
      return AnchorTargets(pictures, grid).positives
    }
    #expect(targets[0] == targets[1])
    #expect(targets[0][0].isEmpty && !targets[0][8].isEmpty)
  }
}
