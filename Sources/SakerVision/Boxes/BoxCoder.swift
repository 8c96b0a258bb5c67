import Foundation

/// Boxes as offsets from anchors, the numbers a detector learns (SSD, arXiv:1512.02325, section
/// 2.2, scaled by the deviations of its published code): centres move by `(x - xₐ) / wₐ / 0.1`,
/// sizes grow by `log(w / wₐ + ε) / 0.2`.
public struct BoxCoder: Hashable, Codable, Sendable {
  /// What one unit of a predicted offset means, in widths and heights of the anchor.
  public var centerDeviation: Float
  /// What one unit of a predicted offset means, in the logarithm of the size.
  public var sizeDeviation: Float
  /// Added to the ratio of sizes before the logarithm, so that an empty box has one.
  public var epsilon: Float
  /// A box is decoded at most this many times as large as its anchor, so that `exp` stays finite.
  public var largestGrowth: Float

  public init(
    centerDeviation: Float = 0.1, sizeDeviation: Float = 0.2, epsilon: Float = 1e-6,
    largestGrowth: Float = 1000 / 16
  ) {
    self.centerDeviation = centerDeviation
    self.sizeDeviation = sizeDeviation
    self.epsilon = epsilon
    self.largestGrowth = largestGrowth
  }

  /// Offsets of `boxes` from the anchors of the same index, `[count, 4]` row by row: x,
  /// y, width, height.
  public func encode(_ boxes: Boxes, _ anchors: Boxes) -> [Float] {
    precondition(boxes.count == anchors.count, "one anchor a box")
    return boxes.indices.flatMap { i in
      let offsets = encode(boxes.vector(i), anchors.vector(i))
      return [offsets[0], offsets[1], offsets[2], offsets[3]]
    }
  }

  /// Boxes at `offsets`, `[count, 4]`, from `anchors`.
  public func decode(_ offsets: [Float], _ anchors: Boxes) -> Boxes {
    precondition(offsets.count == 4 * anchors.count, "4 offsets an anchor")
    return Boxes(
      corners: anchors.indices.flatMap { i in
        let o = 4 * i
        let box = decode(
          [offsets[o], offsets[o + 1], offsets[o + 2], offsets[o + 3]], anchors.vector(i))
        return [box[0], box[1], box[2], box[3]]
      })
  }

  func encode(_ box: SIMD4<Float>, _ anchor: SIMD4<Float>) -> SIMD4<Float> {
    let size = box.highHalf - box.lowHalf
    let center = (box.lowHalf + box.highHalf) / 2
    let anchorSize = anchor.highHalf - anchor.lowHalf
    let anchorCenter = (anchor.lowHalf + anchor.highHalf) / 2
    let move = (1 / centerDeviation) * (center - anchorCenter) / anchorSize
    let growth = epsilon + size / anchorSize
    let scale = 1 / sizeDeviation
    return [move.x, move.y, scale * log(growth.x), scale * log(growth.y)]
  }

  func decode(_ offsets: SIMD4<Float>, _ anchor: SIMD4<Float>) -> SIMD4<Float> {
    let anchorSize = anchor.highHalf - anchor.lowHalf
    let center =
      (anchor.lowHalf + anchor.highHalf) / 2 + offsets.lowHalf * anchorSize * centerDeviation
    let limit = log(largestGrowth)
    let size =
      anchorSize
      * SIMD2(
        exp(min(offsets.z * sizeDeviation, limit)), exp(min(offsets.w * sizeDeviation, limit)))
    return SIMD4(lowHalf: center - size / 2, highHalf: center + size / 2)
  }
}
