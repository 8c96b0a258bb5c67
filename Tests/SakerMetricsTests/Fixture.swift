import Foundation
import SakerData
import SakerMetrics

/// A set of Tests/Fixtures/metrics: boxes, and the results its source states.
struct Fixture {
  let classNames: [String]
  let results: [PictureResult]
  /// The values under "expected", by path: `["recomputed_plain_iou", "every_point", "0.5"]`.
  let expected: [String: Any]

  init(_ name: String, file: String = #filePath) throws {
    let tests = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
    let url = tests.appendingPathComponent("Fixtures/metrics/\(name).json")
    struct Content: Decodable {
      struct Picture: Decodable { let truths, detections: [[Float]] }
      let classNames: [String]
      let pictures: [Picture]
    }
    let data = try Data(contentsOf: url)
    let content = try JSONDecoder().decode(Content.self, from: data)
    let all = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    expected = all?["expected"] as? [String: Any] ?? [:]
    classNames = content.classNames
    results = content.pictures.map {
      PictureResult(
        detections: $0.detections.map {
          Detection(box: Box($0[2...]), label: Int($0[0]), score: $0[1])
        },
        truths: $0.truths.map { Annotation(box: Box($0[1...]), label: Int($0[0])) })
    }
  }

  func value(_ path: String...) throws -> Double {
    var here: Any = expected
    for key in path {
      guard let next = (here as? [String: Any])?[key] else { throw MissingValue(path: path) }
      here = next
    }
    guard let number = here as? NSNumber else { throw MissingValue(path: path) }
    return number.doubleValue
  }

  struct MissingValue: Error { let path: [String] }
}

extension Box {
  init(_ corners: ArraySlice<Float>) {
    let c = Array(corners)
    self.init(left: c[0], top: c[1], right: c[2], bottom: c[3])
  }
}
