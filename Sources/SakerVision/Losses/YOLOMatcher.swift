import SakerData
import SakerNN
import SakerTensor

/// A map of a YOLO detector: how far its cells are apart in pixels, and the sizes of its
/// priors in pixels.
public struct YOLOLevel: Hashable, Codable, Sendable {
  public struct Prior: Hashable, Codable, Sendable {
    public var width, height: Float
    public init(_ width: Float, _ height: Float) { (self.width, self.height) = (width, height) }
  }
  public var stride: Float
  public var priors: [Prior]

  public init(stride: Float, priors: [Prior]) { (self.stride, self.priors) = (stride, priors) }
}

/// Which predictions are to find an object: two ways that go by one name (E20b).
public enum YOLOAssignment: Hashable, Sendable {
  /// The papers': the one prior, of all levels, whose shape has the highest IoU with the object's;
  /// its objectness is to be 1. Other predictions whose box overlaps an object by more than this
  /// IoU have no objectness loss. YOLOv3: 0.5 in the paper, 0.7 in its configuration.
  case bestPrior(ignoring: Float)
  /// The PyTorch ports': in each level every prior whose width and height differ from the object's
  /// by less than this factor (4); its objectness is to be the IoU of its box with the object.
  case ratio(below: Float)
}

/// An object and the prediction that is to find it.
struct YOLOMatch {
  var picture, prior, row, column: Int
  var label: Int
  /// Centre and size in cells.
  var x, y, width, height: Float
}

struct YOLOMatcher {
  let levels: [YOLOLevel]
  let assignment: YOLOAssignment

  /// The matches of each level. Objects whose centre is outside a map, or without a size, have
  /// none.
  func callAsFunction(_ objects: [[Annotation]], rows: [Int], columns: [Int]) -> [[YOLOMatch]] {
    var matches = [[YOLOMatch]](repeating: [], count: levels.count)
    for (picture, objects) in objects.enumerated() {
      for object in objects where object.box.width > 0 && object.box.height > 0 {
        for (level, prior) in chosen(object.box) {
          let stride = levels[level].stride
          let x = (object.box.left + object.box.right) / 2 / stride
          let y = (object.box.top + object.box.bottom) / 2 / stride
          guard x >= 0, y >= 0, x < Float(columns[level]), y < Float(rows[level]) else { continue }
          matches[level].append(
            YOLOMatch(
              picture: picture, prior: prior, row: Int(y), column: Int(x), label: object.label,
              x: x, y: y, width: object.box.width / stride, height: object.box.height / stride))
        }
      }
    }
    return matches
  }

  private func chosen(_ box: Box) -> [(level: Int, prior: Int)] {
    let all = levels.indices.flatMap { level in
      levels[level].priors.indices.map { (level: level, prior: $0) }
    }
    func prior(_ place: (level: Int, prior: Int)) -> YOLOLevel.Prior {
      levels[place.level].priors[place.prior]
    }
    switch assignment {
    case .bestPrior:
      func overlap(_ prior: YOLOLevel.Prior) -> Float {
        let inner = min(prior.width, box.width) * min(prior.height, box.height)
        return inner / (prior.width * prior.height + box.width * box.height - inner)
      }
      // Of equal ones the first.
      var best: (place: (level: Int, prior: Int), iou: Float)?
      for place in all {
        let iou = overlap(prior(place))
        if iou > best?.iou ?? -1 { best = (place, iou) }
      }
      return best.map { [$0.place] } ?? []
    case .ratio(let limit):
      return all.filter { place in
        let (w, h) = (box.width / prior(place).width, box.height / prior(place).height)
        return max(w, 1 / w, h, 1 / h) < limit
      }
    }
  }
}
