import Foundation
import SakerData
import SakerTensor
import Testing

@Suite("Outlines of masks") struct MaskOutlineTests {
  @Test("a ring has an outline outside and one around its hole")
  func ring() {
    let rows: [UInt8] = [
      1, 1, 1, 0,
      1, 0, 1, 0,
      1, 1, 1, 0,
    ]
    let loops = RunLengthMask(rows: rows, height: 3, width: 4).outlines
    #expect(loops == [[0, 0, 3, 0, 3, 3, 0, 3], [1, 2, 2, 2, 2, 1, 1, 1]])
  }

  @Test("pixels that touch at a corner are two outlines; an empty mask has none")
  func corners() {
    let loops = RunLengthMask(rows: [1, 0, 0, 1], height: 2, width: 2).outlines
    #expect(loops == [[0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 2, 1, 2, 2, 1, 2]])
    #expect(RunLengthMask(rows: [0, 0], height: 1, width: 2).outlines.isEmpty)
  }

  /// Twice the area that loops enclose, holes negative.
  private func doubleArea(_ loops: [[Double]]) -> Double {
    loops.reduce(0) { sum, loop in
      let n = loop.count / 2
      return sum
        + (0..<n).reduce(0) {
          let next = ($1 + 1) % n
          return $0 + loop[2 * $1] * loop[2 * next + 1] - loop[2 * next] * loop[2 * $1 + 1]
        }
    }
  }

  @Test("200 random masks: the area is that of the pixels, and the parts filled are the mask")
  func random() throws {
    var random = Random(seed: 5)
    for turn in 0..<200 {
      let (height, width) = (1 + turn % 13, 1 + turn % 17)
      let share = Float(turn % 10) / 10
      let rows = (0..<height * width).map { _ in
        UInt8(Float.random(in: 0..<1, using: &random) < share ? 1 : 0)
      }
      let mask = RunLengthMask(rows: rows, height: height, width: width)
      let loops = mask.outlines
      #expect(doubleArea(loops) == Double(2 * mask.area))
      // Outer loops filled, holes taken out.
      var filled = [Int](repeating: 0, count: height * width)
      for loop in loops {
        let sign = doubleArea([loop]) > 0 ? 1 : -1
        let part = try #require(
          RunLengthMask(polygon: loop, height: height, width: width))
        for (i, value) in part.rows.enumerated() { filled[i] += sign * Int(value) }
      }
      #expect(filled == rows.map(Int.init), "\(height) x \(width)")
    }
  }

  @Test("a mask written as YOLO's outline comes back to the pixel")
  func yolo() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "saker-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let rows = (0..<40 * 30).map { i -> UInt8 in
      let (x, y) = (Double(i % 40) - 18, Double(i / 40) - 14)
      let r = x * x + y * y
      return r < 150 && r > 20 ? 1 : 0
    }
    let mask = RunLengthMask(rows: rows, height: 30, width: 40)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Picture(width: 40, height: 30, filledWith: RGB(1, 2, 3)).write(to: folder + "/a.png")
    let set = LabelSet(
      classes: [LabelClass("ring")],
      pictures: [
        LabeledPicture(
          file: "a.png", path: folder + "/a.png", size: PictureSize(width: 40, height: 30),
          split: "train",
          objects: [LabeledObject(label: 0, box: LabelBox(mask.box), shape: .mask(mask))])
      ])
    let report = try set.write(to: folder + "/yolo", as: .yolo)
    #expect(report.lost.map(\.what) == ["masks that became outlines along their pixels"])
    let back = try LabelSet(path: folder + "/yolo")
    let object = try #require(back.pictures.first?.objects.first)
    #expect(object.mask(PictureSize(width: 40, height: 30))?.rows == mask.rows)
  }
}
