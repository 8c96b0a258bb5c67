import SakerTensor

/// The form in which RoI operations take boxes: `[R, 5]`, float32, the picture's number before each
/// box, picture by picture.
///
/// - Parameter boxes: of each picture of the batch, in pixels.
public func regions(_ boxes: [Boxes]) -> Tensor {
  var rows: [Float] = []
  for (picture, boxes) in boxes.enumerated() {
    for box in boxes { rows += [Float(picture), box.left, box.top, box.right, box.bottom] }
  }
  return Tensor(rows, [rows.count / 5, 5])
}

/// `roiAlign(_:_:size:scale:samplingRatio:aligned:)` for the boxes of each picture of the batch,
/// `[R, C, rows, columns]` in their order.
public func roiAlign(
  _ x: Tensor, _ boxes: [Boxes], size: (Int, Int), scale: Double = 1, samplingRatio: Int = 0,
  aligned: Bool = false
) -> Tensor {
  roiAlign(
    x, regions(boxes), size: size, scale: scale, samplingRatio: samplingRatio, aligned: aligned)
}

/// `roiPool(_:_:size:scale:)` for the boxes of each picture of the batch.
public func roiPool(
  _ x: Tensor, _ boxes: [Boxes], size: (Int, Int), scale: Double = 1
) -> Tensor {
  roiPool(x, regions(boxes), size: size, scale: scale)
}
