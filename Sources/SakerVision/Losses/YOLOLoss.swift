import Foundation
import SakerData
import SakerNN
import SakerTensor

/// The loss of YOLO detectors with priors: errors of boxes, objectness and classes, over all
/// levels.
///
/// A prediction has x, y (the sigmoid is the place in the cell), w, h (the exponential times the
/// prior is the size), objectness and class logits.
public struct YOLOLoss: Hashable, Sendable {
  public enum BoxError: Hashable, Sendable {
    /// `(2 − area) Σ (σ(x) − x̂)² + … + (w − ŵ)² + …`, area the object's fraction of the picture:
    /// darknet's weight that keeps small boxes from counting little.
    case squared
    /// `1 − CIoU`
    case completeIoU
  }

  public enum ScoreError: Hashable, Sendable {
    /// Of sigmoid objectness and softmax classes, YOLOv2's.
    case squared
    /// Binary cross-entropy of each, YOLOv3's: an object may have several classes.
    case binaryCrossEntropy
  }

  public enum Normalization: Hashable, Sendable {
    /// Sums, divided by the number of pictures.
    case perPicture
    /// Means over matches (boxes, classes) and over predictions (objectness) of each level, times
    /// the number of pictures.
    case means
  }

  public var levels: [YOLOLevel]
  public var assignment: YOLOAssignment
  public var boxError: BoxError
  public var scoreError: ScoreError
  public var normalization: Normalization
  /// The weights of the parts.
  public var box, objectness, noObject, classification: Float
  /// Label smoothing of class targets: 1 becomes 1 − s/2, 0 becomes s/2.
  public var smoothing: Float = 0

  /// YOLOv2's squared errors, arXiv:1612.08242, weighed as in darknet's configuration: objectness
  /// 5, its absence 1.
  public static func v2(_ levels: [YOLOLevel]) -> YOLOLoss {
    YOLOLoss(
      levels: levels, assignment: .bestPrior(ignoring: 0.6), boxError: .squared,
      scoreError: .squared, normalization: .perPicture, box: 1, objectness: 5, noObject: 1,
      classification: 1)
  }

  /// YOLOv3's, arXiv:1804.02767: squared errors of boxes, binary cross-entropy of the rest.
  public static func v3(_ levels: [YOLOLevel], ignoring: Float = 0.5) -> YOLOLoss {
    YOLOLoss(
      levels: levels, assignment: .bestPrior(ignoring: ignoring), boxError: .squared,
      scoreError: .binaryCrossEntropy, normalization: .perPicture, box: 1, objectness: 1,
      noObject: 1, classification: 1)
  }

  /// The PyTorch ports' of YOLOv3: CIoU, objectness by IoU. Their weights .05, 1 and .5; the notes'
  /// 1.5 and .31 come from a scaling for two levels, which the ports have corrected (E20).
  public static func port(_ levels: [YOLOLevel]) -> YOLOLoss {
    YOLOLoss(
      levels: levels, assignment: .ratio(below: 4), boxError: .completeIoU,
      scoreError: .binaryCrossEntropy, normalization: .means, box: 0.05, objectness: 1,
      noObject: 1, classification: 0.5)
  }

  /// - Parameters:
  ///   - maps: of each level, `[N, priors, rows, columns, 5 + classes]`, before any sigmoid.
  ///   - objects: of each of the N pictures, boxes in pixels.
  public func callAsFunction(_ maps: [Tensor], _ objects: [[Annotation]]) -> YOLOLossParts {
    check(
      maps.count == levels.count, op: "YOLOLoss", expected: "\(levels.count) maps", got: maps.count)
    let classes = (maps.first?.shape.last ?? 6) - 5
    for (map, level) in zip(maps, levels) {
      check(
        map.rank == 5 && map.shape[0] == objects.count && map.shape[1] == level.priors.count
          && map.shape[4] == 5 + classes && classes > 0, op: "YOLOLoss",
        expected: "a map [\(objects.count), \(level.priors.count), rows, columns, 5 + classes]",
        got: map.shape)
    }
    for label in objects.joined().lazy.map(\.label) {
      check(
        (0..<classes).contains(label), op: "YOLOLoss", expected: "labels in 0..<\(classes)",
        got: label)
    }
    let matches = YOLOMatcher(levels: levels, assignment: assignment)(
      objects, rows: maps.map { $0.shape[2] }, columns: maps.map { $0.shape[3] })
    var parts = [Tensor(0), Tensor(0), Tensor(0)]
    for (i, map) in maps.enumerated() {
      let level = YOLOLevelLoss(
        settings: self, level: levels[i], map: map.converted(to: .float32), matches: matches[i],
        objects: objects)
      for (k, part) in level.parts.enumerated() { parts[k] += part }
    }
    let weights = [box, 1, classification]
    let scale = normalization == .means ? Float(objects.count) : 1 / Float(max(1, objects.count))
    let weighed = zip(parts, weights).map { $0 * ($1 * scale) }
    return YOLOLossParts(
      total: weighed[0] + weighed[1] + weighed[2], box: weighed[0].item,
      objectness: weighed[1].item, classification: weighed[2].item,
      positives: matches.reduce(0) { $0 + $1.count })
  }
}

/// One level's errors, not yet weighed but for objectness.
private struct YOLOLevelLoss {
  let settings: YOLOLoss
  let level: YOLOLevel
  /// `[N, priors, rows, columns, 5 + classes]`
  let map: Tensor
  let matches: [YOLOMatch]
  let objects: [[Annotation]]

  private var width: Int { map.shape[4] }
  private var predictions: Tensor { map.reshape([map.count / width, width]) }

  private func index(_ match: YOLOMatch) -> Int {
    ((match.picture * map.shape[1] + match.prior) * map.shape[2] + match.row) * map.shape[3]
      + match.column
  }

  /// Box, objectness, classification.
  var parts: [Tensor] {
    let places = matches.map(index)
    let all = predictions
    let own = all.indexSelect(Tensor(places.map(Int64.init), [places.count]))
    let (box, overlaps) = boxErrors(own)
    let objectness = objectnessErrors(all.select(axis: 1, at: 4), places, overlaps)
    return [box, objectness, classErrors(own.narrow(1, 5..<width))]
  }

  private func reduce(_ losses: Tensor) -> Tensor {
    switch settings.normalization {
    case .perPicture: losses.sum()
    case .means: losses.sum() / Float(max(1, losses.count))
    }
  }

  /// The errors of the matches' boxes, and how well each box lies on its object, 0...1.
  private func boxErrors(_ own: Tensor) -> (Tensor, [Float]) {
    let centres = sigmoid(own.narrow(1, 0..<2))
    let priors = matches.map { level.priors[$0.prior] }
    let sizes = Tensor(
      priors.flatMap { [$0.width / level.stride, $0.height / level.stride] }, [matches.count, 2])
    let places = Tensor(
      matches.flatMap { [$0.x - Float($0.column), $0.y - Float($0.row)] }, [matches.count, 2])
    let goals = Tensor(matches.flatMap { [$0.width, $0.height] }, [matches.count, 2])
    func corners(_ centres: Tensor, _ sizes: Tensor) -> Tensor {
      concatenate([centres - sizes * 0.5, centres + sizes * 0.5], axis: 1)
    }
    let boxes = corners(centres, exp(own.narrow(1, 2..<4)) * sizes)
    let truths = corners(places, goals)
    switch settings.boxError {
    case .completeIoU:
      let losses = completeBoxIoULoss(boxes, truths, reduction: .none)
      return (reduce(losses), losses.floats.map { max(0, 1 - $0) })
    case .squared:
      let overlaps = boxIoULoss(boxes.detached(), truths, reduction: .none).floats.map { 1 - $0 }
      let area = Float(map.shape[2] * map.shape[3])
      let weights = Tensor(
        matches.map { 2 - $0.width * $0.height / area }, [matches.count, 1])
      let errors =
        square(centres - places) + square(own.narrow(1, 2..<4) - log(goals / sizes))
      return (reduce(errors * weights), overlaps)
    }
  }

  private func objectnessErrors(
    _ logits: Tensor, _ places: [Int], _ overlaps: [Float]
  ) -> Tensor {
    var goals = [Float](repeating: 0, count: logits.count)
    var weights = [Float](repeating: settings.noObject, count: logits.count)
    if case .bestPrior(let limit) = settings.assignment {
      for place in overlapping(limit) { weights[place] = 0 }
    }
    for (place, overlap) in zip(places, overlaps) {
      weights[place] = settings.objectness
      switch settings.assignment {
      // YOLOv2 rescores: its objectness is to be the IoU; YOLOv3's is to be 1.
      case .bestPrior: goals[place] = settings.scoreError == .squared ? overlap : 1
      case .ratio: goals[place] = overlap
      }
    }
    let (goal, weight) = (Tensor(goals, logits.shape), Tensor(weights, logits.shape))
    switch settings.scoreError {
    case .squared:
      return reduce(meanSquaredError(sigmoid(logits), goal, weight: weight, reduction: .none))
    case .binaryCrossEntropy:
      return reduce(
        binaryCrossEntropy(logits: logits, goal, weight: weight, reduction: .none))
    }
  }

  private func classErrors(_ logits: Tensor) -> Tensor {
    let classes = width - 5
    var goals = [Float](repeating: settings.smoothing / 2, count: matches.count * classes)
    for (i, match) in matches.enumerated() {
      goals[i * classes + match.label] = 1 - settings.smoothing / 2
    }
    let goal = Tensor(goals, [matches.count, classes])
    switch settings.scoreError {
    case .squared: return reduce(meanSquaredError(softmax(logits), goal, reduction: .none))
    case .binaryCrossEntropy:
      return reduce(binaryCrossEntropy(logits: logits, goal, reduction: .none))
    }
  }

  /// Predictions whose box overlaps an object of its picture by more than `limit`.
  private func overlapping(_ limit: Float) -> [Int] {
    let numbers = map.floats
    let (priors, rows, columns) = (map.shape[1], map.shape[2], map.shape[3])
    var found: [Int] = []
    for (picture, objects) in objects.enumerated() where !objects.isEmpty {
      for cell in 0..<priors * rows * columns {
        let place = picture * priors * rows * columns + cell
        let prior = level.priors[cell / (rows * columns)]
        let i = place * width
        let x = (1 / (1 + exp(-numbers[i])) + Float(cell % columns)) * level.stride
        let y = (1 / (1 + exp(-numbers[i + 1])) + Float(cell / columns % rows)) * level.stride
        let w = exp(numbers[i + 2]) * prior.width / 2
        let h = exp(numbers[i + 3]) * prior.height / 2
        let box = Box(left: x - w, top: y - h, right: x + w, bottom: y + h)
        if objects.contains(where: { $0.box.iou(box) > limit }) { found.append(place) }
      }
    }
    return found
  }
}
