import SakerTensor

/// Swaps left and right with a probability.
public struct HorizontalFlip: ParameterizedTransform {
  public var probability: Float
  /// For each key point the index of the one it becomes, because a left elbow becomes a right one;
  /// empty leaves the order.
  public var keypointOrder: [Int]

  /// - Parameter probability: 0...1.
  public init(probability: Float = 0.5, keypointOrder: [Int] = []) {
    self.probability = probability
    self.keypointOrder = keypointOrder
    checkParameters()
  }

  public static let standard = HorizontalFlip()
  public var problem: String? {
    probabilityProblem(probability)
      ?? unless(
        keypointOrder.sorted() == Array(0..<keypointOrder.count),
        "a key point order holds each of 0..<\(keypointOrder.count) once, got \(keypointOrder)")
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.flipHorizontally(keypointOrder: keypointOrder)
  }
}

/// Swaps top and bottom with a probability.
public struct VerticalFlip: ParameterizedTransform {
  public var probability: Float

  /// - Parameter probability: 0...1.
  public init(probability: Float = 0.5) {
    self.probability = probability
    checkParameters()
  }

  public static let standard = VerticalFlip()
  public var problem: String? { probabilityProblem(probability) }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.flipVertically()
  }
}

/// Turns by 0°, 90°, 180° or 270°, each as likely; nothing is lost, sides may change places.
public struct QuarterTurns: ParameterizedTransform {
  /// How many quarters, clockwise; one of them is drawn.
  public var turns: [Int]

  public init(_ turns: [Int] = [0, 1, 2, 3]) {
    self.turns = turns
    checkParameters()
  }

  public static let standard = QuarterTurns()
  public var problem: String? { unless(!turns.isEmpty, "no turn to choose from") }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    sample.turn(quarters: turns[random.index(below: turns.count)])
  }
}

extension Sample {
  /// Left and right swapped.
  ///
  /// - Parameter keypointOrder: for each key point the index of the one it becomes; objects with
  ///   another number of points keep their order.
  public mutating func flipHorizontally(keypointOrder: [Int] = []) {
    picture.flipHorizontally()
    labelMap?.flipHorizontally()
    let width = Float(picture.width)
    for i in objects.indices {
      let box = objects[i].box
      objects[i].box.left = width - box.right
      objects[i].box.right = width - box.left
      objects[i].mask?.flipHorizontally()
      for k in objects[i].keypoints.indices {
        objects[i].keypoints[k].point.x = width - objects[i].keypoints[k].point.x
      }
      if objects[i].keypoints.count == keypointOrder.count {
        objects[i].keypoints = keypointOrder.map { objects[i].keypoints[$0] }
      }
    }
  }

  /// Top and bottom swapped.
  public mutating func flipVertically() {
    picture.flipVertically()
    labelMap?.flipVertically()
    let height = Float(picture.height)
    for i in objects.indices {
      let box = objects[i].box
      objects[i].box.top = height - box.bottom
      objects[i].box.bottom = height - box.top
      objects[i].mask?.flipVertically()
      for k in objects[i].keypoints.indices {
        objects[i].keypoints[k].point.y = height - objects[i].keypoints[k].point.y
      }
    }
  }

  /// Turned clockwise by quarters of the circle.
  public mutating func turn(quarters: Int) {
    let (width, height) = (Double(picture.width), Double(picture.height))
    let map: PlaneMap
    switch ((quarters % 4) + 4) % 4 {
    case 1:
      map = PlaneMap([0, -1, height, 1, 0, 0, 0, 0, 1])
      picture = picture.oriented(.rightTurn)
    case 2:
      flipHorizontally()
      flipVertically()
      return
    case 3:
      map = PlaneMap([0, 1, 0, -1, 0, width, 0, 0, 1])
      picture = picture.oriented(.leftTurn)
    default: return
    }
    labelMap = labelMap?.warped(by: map, to: size, fill: Mask.ignored)
    for i in objects.indices {
      objects[i].box = map(objects[i].box)
      objects[i].mask = objects[i].mask?.warped(by: map, to: size)
      for k in objects[i].keypoints.indices {
        objects[i].keypoints[k].point = map(objects[i].keypoints[k].point)
      }
    }
  }
}
