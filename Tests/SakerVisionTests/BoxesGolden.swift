import Foundation
import TestSupport

@testable import SakerVision

/// What Scripts/golden/boxes.py wrote.
struct BoxesGolden: Decodable {
  struct IoU: Decodable { var a, b, iou: [Float] }
  struct Nms: Decodable {
    var boxes, scores: [Float]
    var labels: [Int]
    var iou: Float
    var nms, batched: [Int]
  }
  struct Offsets: Decodable { var anchors, boxes, offsets: [Float] }
  struct Assignment: Decodable {
    var anchors, truths: [Float]
    var threshold: Float
    var matched: [Int]
  }
  var iou: IoU
  var nms: [Nms]
  var offsets: Offsets
  var assignment: [Assignment]

  static func read() throws -> BoxesGolden {
    try JSONDecoder().decode(
      BoxesGolden.self, from: Data(contentsOf: Fixtures.url("golden/boxes.json")))
  }
}
