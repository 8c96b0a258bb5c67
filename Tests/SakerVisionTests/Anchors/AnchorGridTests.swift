import SakerTensor
import SakerVision
import TestSupport
import Testing

@Suite struct AnchorGridTests {
  /// n + m - 1 anchors a cell; "Dive into Deep Learning", section 14.4: 561 x 728 cells, and one
  /// box as printed there.
  @Test func theBooksExample() {
    let level = AnchorLevel(sizes: [0.75, 0.5, 0.25], ratios: [1, 2, 0.5])
    let grid = AnchorGrid([level], maps: [.init(rows: 561, columns: 728)])
    #expect(level.perCell == 5)
    #expect(grid.count == 2_042_040)
    let box = grid.boxes[(250 * 728 + 250) * 5]
    expectClose(
      [box.left, box.top, box.right, box.bottom], [0.06, 0.07, 0.63, 0.82], relative: 0,
      absolute: 5e-3)
  }

  @Test func aCellsAnchorsByHand() {
    let grid = AnchorGrid(
      [AnchorLevel(sizes: [0.4, 0.6], ratios: [1, 4])], maps: [.init(rows: 2, columns: 2)])
    expectClose(
      Array(grid.boxes.corners.prefix(12)),
      [0.05, 0.05, 0.45, 0.45, -0.05, -0.05, 0.55, 0.55, -0.15, 0.15, 0.65, 0.35], relative: 1e-6)
    // Column before row: the second cell lies to the right.
    expectClose(Array(grid.boxes.centers[6..<8]), [0.75, 0.25], relative: 1e-6)
  }

  /// A square anchor is a square of pixels on an input that isn't square.
  @Test func squaresStaySquareOnWideInputs() {
    let grid = AnchorGrid([AnchorLevel(sizes: [0.5])], maps: [.init(rows: 4, columns: 8)])
    let box = grid.boxes[0]
    #expect(abs(box.width * 512 - box.height * 256) < 1e-3)
  }

  @Test func tinySSDHas5444AnchorsAt256() {
    let maps = TinySSD.maps(height: 256, width: 256)
    #expect(maps.map(\.rows) == [32, 16, 8, 4, 1])
    #expect(AnchorGrid(.tinySSD, maps: maps).count == 5444)
  }

  /// The second size is the geometric mean with the next level's first, √(.2 × .37), not √(.2 ×
  /// .54) (catalogue E65).
  @Test func publishedSizesAreGeometricMeans() {
    let levels = [AnchorLevel].tinySSD
    for (level, next) in zip(levels, levels.dropFirst().map { $0.sizes[0] } + [1.05]) {
      let mean = (level.sizes[0] * next).squareRoot()
      #expect(abs(level.sizes[1] - mean) < 1e-3)
    }
  }

  @Test func choicesReadWhatTheyWrite() throws {
    for text in [
      "fit", "fit-shapes", "notes", "0.07/0.1,0.15/0.19", "0.07x0.1/0.1x0.07,0.2x0.3",
      "0.1/0.2,0.5x0.25",
    ] {
      #expect(try Anchors(text).description == text)
    }
    #expect(
      try Anchors(".07/.10,.5") == .levels([.init(sizes: [0.07, 0.1]), .init(sizes: [0.5])]))
    #expect(
      try Anchors(".07x.10")
        == .levels([.init(shapes: [.init(width: 0.07, height: 0.1)])]))
    for text in [
      "", "fits", "0.1/,0.2", "-1/2", "nan", "0.1 0.2", "0", "inf", "0.1x", "x0.1", "0.1x0.2x0.3",
      "0.1x0.2/0.3", "0.1x-0.2", "0x0.1", "0.1x5",
    ] {
      #expect(throws: AnchorError.self) { try Anchors(text) }
    }
  }

  /// Widths and heights are in units of the height: on a map twice as wide as high a width is half
  /// as much of the input's.
  @Test func shapesAreTheAnchors() {
    let level = AnchorLevel(shapes: [
      .init(width: 0.4, height: 0.2), .init(width: 0.1, height: 0.6),
    ])
    #expect(level.perCell == 2)
    let grid = AnchorGrid([level], maps: [.init(rows: 1, columns: 2)])
    expectClose(
      grid.boxes.corners,
      [
        0.15, 0.4, 0.35, 0.6, 0.225, 0.2, 0.275, 0.8, 0.65, 0.4, 0.85, 0.6, 0.725, 0.2, 0.775, 0.8,
      ], relative: 1e-6)
    // The same numbers as by size and ratio.
    let sizes = AnchorLevel(sizes: [0.4, 0.6], ratios: [1, 4])
    let shapes = AnchorLevel(shapes: [
      .init(width: 0.4, height: 0.4), .init(width: 0.6, height: 0.6),
      .init(width: 0.8, height: 0.2),
    ])
    let maps = [AnchorGrid.MapSize(rows: 3, columns: 3)]
    expectClose(
      AnchorGrid([shapes], maps: maps).boxes.corners,
      AnchorGrid([sizes], maps: maps).boxes.corners, relative: 1e-6)
  }
}
