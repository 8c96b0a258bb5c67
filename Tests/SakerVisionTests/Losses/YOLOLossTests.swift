import Foundation
import SakerData
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

struct YOLOLossTests {
  static let golden = try? GoldenFile("golden/detection_losses.safetensors")
  static let levels = [
    YOLOLevel(stride: 16, priors: [.init(30, 33), .init(55, 40)]),
    YOLOLevel(stride: 8, priors: [.init(10, 13), .init(16, 8)]),
  ]

  /// Rows of picture, label, left, top, right, bottom.
  private func objects(_ tensor: Tensor, pictures: Int) -> [[Annotation]] {
    let rows = stride(from: 0, to: tensor.count, by: 6).map { Array(tensor.floats[$0..<$0 + 6]) }
    return (0..<pictures).map { picture in
      rows.filter { Int($0[0]) == picture }.map {
        Annotation(
          box: Box(left: $0[2], top: $0[3], right: $0[4], bottom: $0[5]), label: Int($0[1]))
      }
    }
  }

  /// Value and gradients of a case of Scripts/golden/detection_losses.py.
  private func expect(
    _ name: String, inputs: [String], _ loss: ([Tensor], [[Annotation]]) -> YOLOLossParts
  ) throws {
    let golden = try #require(YOLOLossTests.golden)
    let parameters = inputs.map { Parameter(golden["\(name)/\($0)"]) }
    let result = loss(
      parameters.map(\.value), objects(golden["\(name)/objects"], pictures: 2))
    expectClose(result.total, golden["\(name)/y"], "\(name)")
    #expect(
      abs(result.box + result.objectness + result.classification - result.total.item)
        < 1e-5 * result.total.item)
    result.total.backward(golden["\(name)/gy"])
    for (input, parameter) in zip(inputs, parameters) {
      expectClose(parameter.gradient!, golden["\(name)/g\(input)"], "\(name) \(input)")
    }
  }

  @Test func firstVersion() throws {
    try expect("yolo1", inputs: ["boxes", "classes"]) {
      YOLOv1Loss()(boxes: $0[0], classes: $0[1], $1)
    }
  }

  /// E20: the gains are .05, 1 and .5. E20b: the paper's way to match, and the ports', are two.
  @Test func laterVersions() throws {
    try expect("yolo.v2", inputs: ["m0", "m1"], YOLOLoss.v2(YOLOLossTests.levels).callAsFunction)
    try expect("yolo.v3", inputs: ["m0", "m1"], YOLOLoss.v3(YOLOLossTests.levels).callAsFunction)
    try expect(
      "yolo.port", inputs: ["m0", "m1"], YOLOLoss.port(YOLOLossTests.levels).callAsFunction)
  }

  @Test func gradients() {
    let truth = [[Annotation(box: Box(left: 4, top: 5, right: 22, bottom: 30), label: 1)]]
    let level = YOLOLevel(stride: 16, priors: [.init(18, 20)])
    let map = random([1, 1, 2, 2, 7], seed: 1)
    expectGradient(at: [map]) { YOLOLoss.v3([level])($0, truth).total }
    let boxes = random([1, 2, 2, 2, 5], seed: 2, in: 0.2...0.8)
    let small = [[Annotation(box: Box(left: 0.1, top: 0.2, right: 0.4, bottom: 0.6), label: 0)]]
    let parts = YOLOv1Loss()(boxes: boxes, classes: .zeros([1, 2, 2, 3]), small)
    #expect(parts.positives == 1 && abs(parts.classification - 1) < 1e-6)
    expectGradient(at: [random([1, 2, 2, 3], seed: 3)]) {
      YOLOv1Loss()(boxes: boxes, classes: $0[0], small).total
    }
  }

  /// E19 and E20b: one prior of all levels, or every one whose sides differ by less than four
  /// times.
  @Test func matchesByHand() {
    let box = Box(left: 16, top: 8, right: 48, bottom: 40)
    let objects = [[], [Annotation(box: box, label: 3)]]
    let best = YOLOMatcher(
      levels: YOLOLossTests.levels, assignment: .bestPrior(ignoring: 0.5))(
        objects, rows: [3, 6], columns: [4, 8])
    #expect(best.map(\.count) == [1, 0])
    let match = best[0][0]
    #expect(match.picture == 1 && match.prior == 0 && match.label == 3)
    #expect(match.column == 2 && match.row == 1 && match.x == 2 && match.y == 1.5)
    let ratio = YOLOMatcher(levels: YOLOLossTests.levels, assignment: .ratio(below: 4))(
      objects, rows: [3, 6], columns: [4, 8])
    // 32 / 8 is four, not less.
    #expect(ratio.map { $0.map(\.prior) } == [[0, 1], [0]])
    let outside = Annotation(box: Box(left: 60, top: 8, right: 90, bottom: 40), label: 0)
    let flat = Annotation(box: Box(left: 10, top: 8, right: 10, bottom: 40), label: 0)
    let none = YOLOMatcher(levels: YOLOLossTests.levels, assignment: .ratio(below: 4))(
      [[outside, flat]], rows: [3, 6], columns: [4, 8])
    #expect(none.joined().isEmpty)
  }

  /// E78: positions and sizes grow by width, height, width, height: on a map that is no square, the
  /// other order finds other cells.
  @Test func gainsGoWidthFirst() {
    let level = YOLOLevel(stride: 8, priors: [.init(16, 24)])
    // A map of 4 rows and 10 columns; a box at 0.65 of the width and 0.75 of the height.
    let box = Box(left: 44, top: 12, right: 60, bottom: 36)
    let found = YOLOMatcher(levels: [level], assignment: .ratio(below: 4))(
      [[Annotation(box: box, label: 0)]], rows: [4], columns: [10])
    let match = found[0][0]
    let (x, y) = (Float(0.65) * 10, Float(0.75) * 4)
    #expect(abs(match.x - x) < 1e-6 && abs(match.y - y) < 1e-6)
    #expect(match.column == 6 && match.row == 3)
    #expect(match.width == 2 && match.height == 3)
    // The notes' [height, width, …] would put it into column 2 of row 7, below the map.
    #expect(Int(Float(0.65) * 4) == 2 && Int(Float(0.75) * 10) == 7)
    // The loss reads the prediction of that cell: of all others only objectness has a gradient.
    let map = Parameter(random([1, 1, 4, 10, 6], seed: 1))
    YOLOLoss.port([level])([map.value], [[Annotation(box: box, label: 0)]]).total.backward()
    for (i, g) in map.gradient!.floats.enumerated() where i % 6 != 4 {
      #expect((g != 0) == (i / 6 == 3 * 10 + 6) || i % 6 == 5 && g == 0, "\(i)")
    }
  }

  /// E79: a cell is the floor of the centre alone, one cell an object and prior; halves of a cell
  /// and neighbours are YOLOv5's.
  @Test func cellsAreFloorsOfCentres() {
    let level = YOLOLevel(stride: 8, priors: [.init(16, 16)])
    for (x, column) in [(16, 2), (16.1, 2), (19.9, 2), (20.1, 2), (23.9, 2), (24, 3)]
      as [(Float, Int)]
    {
      let box = Box(left: x - 8, top: 12, right: x + 8, bottom: 28)
      let objects = [[Annotation(box: box, label: 0)]]
      for assignment in [YOLOAssignment.ratio(below: 4), .bestPrior(ignoring: 0.5)] {
        let found = YOLOMatcher(levels: [level], assignment: assignment)(
          objects, rows: [6], columns: [6])[0]
        #expect(found.map(\.column) == [column] && found.map(\.row) == [2], "\(x)")
        // What is predicted is the way from the cell's corner: within the cell, as a sigmoid can
        // say.
        let way = found[0].x - Float(found[0].column)
        #expect(way >= 0 && way < 1)
      }
    }
  }

  @Test func overlappingPredictionsAreIgnored() {
    // Every prediction of one cell's prior lies on the object: only the match learns objectness.
    let level = YOLOLevel(stride: 16, priors: [.init(32, 32), .init(33, 33)])
    let truth = [[Annotation(box: Box(left: -8, top: -8, right: 24, bottom: 24), label: 0)]]
    let map = Parameter(.zeros([1, 2, 1, 1, 6]))
    let parts = YOLOLoss.v3([level])([map.value], truth)
    parts.total.backward()
    #expect(abs(parts.objectness - log(2)) < 1e-6)
    #expect(map.gradient!.floats[4] == -0.5 && map.gradient!.floats[10] == 0)
    let all = Parameter(.zeros([1, 2, 1, 1, 6]))
    YOLOLoss.v3([level], ignoring: 0.99)([all.value], truth).total.backward()
    #expect(all.gradient!.floats[10] == 0.5)
  }

  @Test func picturesWithoutObjectsTeachBackground() {
    let maps = [Parameter(.zeros([1, 2, 3, 4, 8])), Parameter(.zeros([1, 2, 6, 8, 8]))]
    let losses: [([YOLOLevel]) -> YOLOLoss] = [{ .v2($0) }, { .v3($0) }, { .port($0) }]
    for loss in losses {
      let parts = loss(YOLOLossTests.levels)(maps.map(\.value), [[]])
      #expect(parts.box == 0 && parts.classification == 0 && parts.objectness > 0)
      parts.total.backward()
      #expect(maps.allSatisfy { $0.gradient!.floats.allSatisfy { $0.isFinite } })
    }
    let first = YOLOv1Loss()(boxes: .ones([1, 2, 2, 1, 5]), classes: .zeros([1, 2, 2, 3]), [[]])
    #expect(first.total.item == 4 * 0.5 && first.positives == 0)
  }

  @Test func mistakesStop() async {
    expectStopped(
      saying: "YOLOLoss: expected a map [1, 2, rows, columns, 5 + classes], got [1, 3, 3, 4, 8]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = YOLOLoss.v3(YOLOLossTests.levels)(
          [.zeros([1, 3, 3, 4, 8]), .zeros([1, 2, 6, 8, 8])], [[]])
      })
    expectStopped(
      saying: "YOLOLoss: expected labels in 0..<3, got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let box = Box(left: 0, top: 0, right: 9, bottom: 9)
        _ = YOLOLoss.v3(YOLOLossTests.levels)(
          [.zeros([1, 2, 3, 4, 8]), .zeros([1, 2, 6, 8, 8])], [[Annotation(box: box, label: 3)]])
      })
  }
}
