import Foundation
import SakerData
import SakerTensor
import SakerVision
import TestSupport
import Testing

@Suite struct AnchorFitTests {
  /// The boxes of the embedded set's training pictures, as fractions: enough of the XML for this set's regular files.
  static func bloodCells() throws -> (objects: [Annotation], names: [String]) {
    let folder = Fixtures.package.appending(path: "Sources/SakerData/Resources/bccd")
    let names = ["RBC", "WBC", "Platelets"]
    let stems = try String(
      contentsOf: folder.appending(path: "ImageSets/Main/train.txt"), encoding: .utf8
    ).split(whereSeparator: \.isWhitespace)
    var objects: [Annotation] = []
    for stem in stems {
      let text = try String(
        contentsOf: folder.appending(path: "Annotations/\(stem).xml"), encoding: .utf8)
      for object in text.components(separatedBy: "<object>").dropFirst() {
        func value(_ tag: String) -> Substring {
          let start = object.range(of: "<\(tag)>")!.upperBound
          return object[start..<object.range(of: "</\(tag)>")!.lowerBound]
        }
        let corners = ["xmin", "ymin", "xmax", "ymax"].map { Int(value($0))! }
        let box = Boxes(vocInclusive: corners).scaled(x: 1 / 640, y: 1 / 480)[0]
        guard corners[2] > corners[0], corners[3] > corners[1] else { continue }
        objects.append(Annotation(box: box, label: names.firstIndex(of: String(value("name")))!))
      }
    }
    return (objects, names)
  }

  private func report(_ levels: [AnchorLevel], _ objects: [Annotation], _ names: [String])
    -> AnchorReport
  {
    AnchorReport(
      objects, AnchorGrid(levels, maps: TinySSD.maps(height: 256, width: 256)), classNames: names)
  }

  /// The sizes for this set, which train to 0.90 and more, reach 99.2 % of the boxes; the published ones no platelet.
  @Test func aFitReachesWhatGoodSizesReach() throws {
    let (objects, names) = try AnchorFitTests.bloodCells()
    #expect(objects.count == 2804)
    let fitted = try TinySSD.levels(.fit, height: 256, width: 256, objects: objects)
    let reference = [[0.07, 0.10], [0.15, 0.19], [0.24, 0.30], [0.38, 0.50], [0.65, 0.85]]
      .map { AnchorLevel(sizes: $0) }
    let (fit, good, notes) = (
      report(fitted, objects, names), report(reference, objects, names),
      report(.tinySSD, objects, names)
    )
    #expect(fit.all.reached >= good.all.reached)
    #expect(fit.all.meanBestIoU >= good.all.meanBestIoU)
    for (a, b) in zip(fit.classes, good.classes) { #expect(a.reached >= b.reached) }
    #expect(abs(good.all.reached - 0.992) < 0.001)
    #expect(notes.classes[2].reached < 0.01)
    #expect(notes.all.boxes == 2804 && notes.classes.map(\.boxes) == [2381, 214, 209])
    #expect(fit.description.split(separator: "\n").count == 6)
  }

  @Test func theSameSeedGivesTheSameSizes() throws {
    let (objects, _) = try AnchorFitTests.bloodCells()
    let runs = try (0..<2).map { _ in
      try TinySSD.levels(.fit, height: 256, width: 256, objects: objects, seed: 5)
    }
    #expect(runs[0] == runs[1])
    // Small sizes belong to the fine maps.
    let sizes = runs[0].flatMap(\.sizes)
    #expect(sizes == sizes.sorted())
  }

  @Test func clustersAreFound() throws {
    // 0.1 and 0.3 of the height on a map of 8 x 8 and of 2 x 2 cells.
    let boxes = Boxes(
      (0..<20).map { i in
        let side: Float = (i % 2 == 0 ? 0.1 : 0.2) + 0.0001 * Float(i)
        return Box(left: 0.3, top: 0.3, right: 0.3 + side, bottom: 0.3 + side)
      })
    let levels = try AnchorFit(maps: [.init(rows: 8, columns: 8), .init(rows: 2, columns: 2)])(
      boxes)
    expectClose(levels[0].sizes, [0.101, 0.201], relative: 0.02)
    #expect(levels[1].sizes.allSatisfy { $0 >= 0.75 })
  }

  @Test func fewBoxesAndNone() throws {
    let fit = AnchorFit(maps: TinySSD.maps(height: 256, width: 256))
    let one = try fit(Boxes(corners: [0.1, 0.1, 0.4, 0.4]))
    #expect(one.count == 5 && one.allSatisfy { $0.sizes.count == 2 })
    #expect(one[2].sizes[0] < 0.3 && one[2].sizes[1] > 0.3)
    #expect(throws: AnchorError.self) { try fit(Boxes()) }
    #expect(throws: AnchorError.self) { try fit(Boxes(corners: [0.3, 0.3, 0.3, 0.4])) }
  }

  @Test func explicitListsNeedFiveLevels() throws {
    #expect(throws: AnchorError.self) {
      try TinySSD.levels(
        .levels([.init(sizes: [0.1])]), height: 256, width: 256, objects: [])
    }
    #expect(try TinySSD.levels(.notes, height: 256, width: 256, objects: []) == .tinySSD)
  }
}
