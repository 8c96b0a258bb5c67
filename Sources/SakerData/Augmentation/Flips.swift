import SakerTensor

/// Swaps left and right with a probability.
public struct HorizontalFlip: DetectionTransform {
  public let probability: Float

  /// - Parameter probability: 0...1.
  public init(probability: Float = 0.5) {
    precondition((0...1).contains(probability), "a probability is 0...1, got \(probability)")
    self.probability = probability
  }

  public func apply(_ sample: inout DetectionSample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.flipHorizontally()
    let width = Float(sample.picture.width)
    for i in sample.annotations.indices {
      let box = sample.annotations[i].box
      sample.annotations[i].box.left = width - box.right
      sample.annotations[i].box.right = width - box.left
    }
  }
}

/// Swaps top and bottom with a probability.
public struct VerticalFlip: DetectionTransform {
  public let probability: Float

  /// - Parameter probability: 0...1.
  public init(probability: Float = 0.5) {
    precondition((0...1).contains(probability), "a probability is 0...1, got \(probability)")
    self.probability = probability
  }

  public func apply(_ sample: inout DetectionSample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture = sample.picture.flippedVertically()
    let height = Float(sample.picture.height)
    for i in sample.annotations.indices {
      let box = sample.annotations[i].box
      sample.annotations[i].box.top = height - box.bottom
      sample.annotations[i].box.bottom = height - box.top
    }
  }
}
