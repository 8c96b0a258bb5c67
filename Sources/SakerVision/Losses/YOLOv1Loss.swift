import SakerData
import SakerNN
import SakerTensor

/// The parts of a YOLO loss. `total` is recorded: call `backward()` on it.
public struct YOLOLossParts {
  /// `[]`, the sum of the weighed parts
  public var total: Tensor
  /// Weighed, as they stand in the total.
  public var box, objectness, classification: Float
  /// How many predictions had an object to find.
  public var positives: Int
}

/// YOLO's first loss: sums of squared errors, divided by the number of pictures. Redmon et al.,
/// arXiv:1506.02640, equation 3.
///
/// The cell with an object's centre predicts it: of its boxes the one of highest IoU with the
/// object is responsible, and its confidence is to be that IoU. A cell has one object only; the
/// first one listed stays.
public struct YOLOv1Loss: Hashable, Sendable {
  /// λ_coord
  public var coordinates: Float
  /// λ_noobj
  public var noObject: Float

  public init(coordinates: Float = 5, noObject: Float = 0.5) {
    (self.coordinates, self.noObject) = (coordinates, noObject)
  }

  /// - Parameters:
  ///   - boxes: `[N, S, S, B, 5]` (rows, then columns): x, y of the centre in the cell, 0...1;
  ///     √width and √height in fractions of the picture, so that the same error counts more in a
  ///     small box; confidence.
  ///   - classes: probabilities, `[N, S, S, C]`.
  ///   - objects: of each picture, boxes in fractions of it. Those whose centre is
  ///     outside are left out.
  public func callAsFunction(
    boxes: Tensor, classes: Tensor, _ objects: [[Annotation]]
  ) -> YOLOLossParts {
    check(
      boxes.rank == 5 && boxes.shape[4] == 5 && boxes.shape[1] == boxes.shape[2]
        && boxes.shape[0] == objects.count
        && Array(classes.shape.prefix(3)) == Array(boxes.shape.prefix(3)) && classes.rank == 4,
      op: "YOLOv1Loss", expected: "boxes [N, S, S, B, 5], classes [N, S, S, C], N lists of objects",
      got: "\(boxes.shape), \(classes.shape), \(objects.count)")
    let (cells, perCell, kinds) = (boxes.shape[1], boxes.shape[3], classes.shape[3])
    let predicted = boxes.floats
    var goals = [Float](repeating: 0, count: predicted.count)
    var weights = [Float](repeating: 0, count: predicted.count)
    for i in stride(from: 4, to: weights.count, by: 5) { weights[i] = noObject }
    var classGoals = [Float](repeating: 0, count: classes.count)
    var classWeights = [Float](repeating: 0, count: classes.count)
    var taken: Set<Int> = []
    for (picture, objects) in objects.enumerated() {
      for object in objects {
        let goal = CellGoal(object.box, cells)
        guard let goal else { continue }
        let cell = (picture * cells + goal.row) * cells + goal.column
        guard taken.insert(cell).inserted else { continue }
        check(
          (0..<kinds).contains(object.label), op: "YOLOv1Loss", expected: "labels in 0..<\(kinds)",
          got: object.label)
        let ious = (0..<perCell).map { k in
          object.box.iou(
            goal.box(predicted[(5 * (cell * perCell + k))..<(5 * (cell * perCell + k) + 4)], cells))
        }
        var best = 0
        for k in ious.indices where ious[k] > ious[best] { best = k }
        let first = 5 * (cell * perCell + best)
        goals.replaceSubrange(
          first..<first + 5,
          with: [
            goal.x, goal.y, object.box.width.squareRoot(), object.box.height.squareRoot(),
            ious[best],
          ])
        for i in 0..<4 { weights[first + i] = coordinates }
        weights[first + 4] = 1
        classGoals[cell * kinds + object.label] = 1
        for c in 0..<kinds { classWeights[cell * kinds + c] = 1 }
      }
    }
    let errors = meanSquaredError(
      boxes, Tensor(goals, boxes.shape), weight: Tensor(weights, boxes.shape), reduction: .none)
    let pictures = Float(max(1, objects.count))
    let box = errors.narrow(4, 0..<4).sum() / pictures
    let objectness = errors.narrow(4, 4..<5).sum() / pictures
    let classification =
      meanSquaredError(
        classes, Tensor(classGoals, classes.shape), weight: Tensor(classWeights, classes.shape),
        reduction: .sum) / pictures
    return YOLOLossParts(
      total: box + objectness + classification, box: box.item, objectness: objectness.item,
      classification: classification.item, positives: taken.count)
  }
}

/// The cell that an object's centre lies in.
private struct CellGoal {
  let row, column: Int
  /// Of the centre in the cell.
  let x, y: Float

  /// `nil` for a box whose centre is outside the picture, or that is inverted.
  init?(_ box: Box, _ cells: Int) {
    let (cx, cy) = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    guard (0...1).contains(cx), (0...1).contains(cy), box.width >= 0, box.height >= 0 else {
      return nil
    }
    column = min(cells - 1, Int(cx * Float(cells)))
    row = min(cells - 1, Int(cy * Float(cells)))
    x = cx * Float(cells) - Float(column)
    y = cy * Float(cells) - Float(row)
  }

  /// The box that four numbers of the cell mean, in fractions of the picture.
  func box(_ numbers: ArraySlice<Float>, _ cells: Int) -> Box {
    let first = numbers.startIndex
    let (cx, cy) = (
      (numbers[first] + Float(column)) / Float(cells),
      (numbers[first + 1] + Float(row)) / Float(cells)
    )
    let (w, h) = (
      numbers[first + 2] * numbers[first + 2] / 2, numbers[first + 3] * numbers[first + 3] / 2
    )
    return Box(left: cx - w, top: cy - h, right: cx + w, bottom: cy + h)
  }
}
