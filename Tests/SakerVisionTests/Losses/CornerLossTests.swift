import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

struct CornerLossTests {
  /// Scripts/golden/detection_losses.py
  @Test(arguments: ["pull", "push"])
  func embeddings(_ part: String) throws {
    let golden = try GoldenFile("golden/detection_losses.safetensors")
    let (top, bottom) = (
      Parameter(golden["corner.\(part)/top"]), Parameter(golden["corner.\(part)/bottom"])
    )
    let losses = cornerEmbeddingLoss(
      topLeft: top.value, bottomRight: bottom.value,
      isObject: golden["corner.\(part)/mask"] .> 0, reduction: .none)
    let loss = part == "pull" ? losses.pull : losses.push
    expectClose(loss, golden["corner.\(part)/y"])
    loss.backward(golden["corner.\(part)/gy"])
    expectClose(top.gradient!, golden["corner.\(part)/gtop"])
    expectClose(bottom.gradient!, golden["corner.\(part)/gbottom"])
  }

  @Test func embeddingsByHand() {
    // Objects with corners (0, 2) and (1.5, 1.5): e = 1 and 1.5, half a unit apart.
    let top = Tensor([0, 1.5] as [Float], [1, 2])
    let bottom = Tensor([2, 1.5] as [Float], [1, 2])
    let both = Tensor([true, true], [1, 2])
    let (pull, push) = cornerEmbeddingLoss(topLeft: top, bottomRight: bottom, isObject: both)
    #expect(pull.item == 1 && push.item == 0.5)
    let none = cornerEmbeddingLoss(
      topLeft: top, bottomRight: bottom, isObject: Tensor([false, false], [1, 2]))
    #expect(none.pull.item == 0 && none.push.item == 0)
    let bad = cornerEmbeddingLoss(
      topLeft: Tensor([.nan, 0] as [Float], [1, 2]), bottomRight: bottom, isObject: both)
    #expect(bad.pull.item.isNaN && bad.push.item.isNaN)
    expectGradient(at: [random([2, 3], seed: 1), random([2, 3], seed: 2)]) {
      cornerEmbeddingLoss(
        topLeft: $0[0], bottomRight: $0[1], isObject: .ones([2, 3], .bool), margin: 4
      ).push
    }
  }

  @Test func offsetsByHand() {
    let offsets = Tensor([0.5, 0, 0.25, 2] as [Float], [2, 2])
    #expect(cornerOffsetLoss(offsets, .zeros([2, 2])).item == (0.125 + 0.03125 + 1.5) / 2)
    #expect(cornerOffsetLoss(.zeros([0, 2]), .zeros([0, 2])).item == 0)
  }

  /// Moved by the radius in the worst way, a box keeps just the wanted IoU; moved in
  /// any other way, more.
  @Test(arguments: [(100, 60), (7, 90), (33, 33)], [0.3, 0.5, 0.7, 0.9] as [Float])
  func radiusKeepsTheOverlap(_ size: (Float, Float), _ wanted: Float) {
    let (w, h) = size
    let r = CornerHeatmap.radius(width: w, height: h, iou: wanted)
    let shifts: [Float] = [-1, -0.5, 0, 0.5, 1]
    var least: Float = 1
    for a in shifts {
      for b in shifts {
        for c in shifts {
          for d in shifts {
            let moved = Boxes(corners: [a * r, b * r, w + c * r, h + d * r])
            least = min(least, moved.iou(Boxes(corners: [0, 0, w, h]))[0])
          }
        }
      }
    }
    #expect(abs(least - wanted) < 1e-3, "radius \(r): \(least)")
  }

  @Test func radiusOfNothing() {
    #expect(CornerHeatmap.radius(width: 0, height: 0) == 0)
    #expect(CornerHeatmap.radius(width: 0, height: 5) == 0)
  }

  @Test func bumpsByHand() {
    let map = CornerHeatmap.targets(
      [
        .init(label: 1, x: 2, y: 1, radius: 1), .init(label: 1, x: 3, y: 1, radius: 0),
        .init(label: 0, x: 0, y: 0, radius: 2),
      ], classes: 3, height: 3, width: 5)
    #expect(map.shape == [3, 3, 5])
    // σ = 1/2: one cell away e^−2, diagonally e^−4.
    let (near, corner) = (Float(exp(-2.0)), Float(exp(-4.0)))
    expectClose(
      map[1],
      [0, corner, near, corner, 0, 0, near, 1, 1, 0, 0, corner, near, corner, 0])
    #expect(map[0].floats[0] == 1 && map[0].floats[3] == 0 && map[2].sum().item == 0)
  }

  /// FCOS: the middle, a quarter, the edge, outside.
  @Test func centernessByHand() {
    let distances = Tensor(
      [5, 2, 5, 2, 1, 2, 4, 2, 0, 2, 4, 2, -1, 2, 4, 2, 0, 0, 0, 0] as [Float], [5, 4])
    #expect(centerness(distances).floats == [1, 0.5, 0, 0, 0])
    expectClose(centernessLoss(.zeros([5]), distances), Tensor(log(2)))
    // 2 × 2 inside 4 × 4 with the same corner: a quarter.
    let a = Tensor([1, 1, 1, 1] as [Float], [1, 4])
    let b = Tensor([1, 1, 3, 3] as [Float], [1, 4])
    expectClose(distancesIoULoss(a, b), Tensor(log(4)))
    expectClose(distancesIoULoss(a, b, form: .linear), Tensor(0.75))
    expectGradient(at: [a, b * 1.1]) { distancesIoULoss($0[0], $0[1]) }
  }
}
