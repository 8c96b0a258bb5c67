import SakerTensor

/// A picture on its way to a model, and its objects in pixels of that picture.
public struct DetectionSample: Hashable, Sendable {
  public var picture: Picture
  public var annotations: [Annotation]

  public init(picture: Picture, annotations: [Annotation]) {
    self.picture = picture
    self.annotations = annotations
  }
}

/// A change of a picture that its boxes follow. The same generator gives the same result.
public protocol DetectionTransform: Sendable {
  /// Whether anything is drawn. What comes before the first random transform is done once when pictures are cached.
  var isRandom: Bool { get }

  func apply(_ sample: inout DetectionSample, using random: inout Random)
}

extension DetectionTransform {
  public var isRandom: Bool { true }
}

extension DetectionSample {
  /// Cuts out columns `left..<right` and rows `top..<bottom`. An object stays if its centre lies in the part and at least `minimumVisibility`
  /// of its area does; its box is clipped.
  mutating func crop(
    left: Int, top: Int, right: Int, bottom: Int, minimumVisibility: Float
  ) {
    let (width, height) = (Float(right - left), Float(bottom - top))
    annotations = annotations.compactMap { annotation in
      let box = annotation.box.moved(x: -Float(left), y: -Float(top))
      let clipped = box.clipped(width: width, height: height)
      guard box.centerLies(inWidth: width, height: height), clipped.area > 0,
        clipped.area >= minimumVisibility * box.area
      else { return nil }
      var kept = annotation
      kept.box = clipped
      return kept
    }
    picture = picture.cropped(x: left, y: top, width: right - left, height: bottom - top)
  }
}

extension Box {
  func centerLies(inWidth width: Float, height: Float) -> Bool {
    let (x, y) = ((left + right) / 2, (top + bottom) / 2)
    return x > 0 && x < width && y > 0 && y < height
  }
}

/// Applies another transform with a probability.
public struct Sometimes: DetectionTransform {
  public let transform: any DetectionTransform
  public let probability: Float

  /// - Parameter probability: 0...1.
  public init(_ transform: any DetectionTransform, probability: Float) {
    precondition((0...1).contains(probability), "a probability is 0...1, got \(probability)")
    self.transform = transform
    self.probability = probability
  }

  public func apply(_ sample: inout DetectionSample, using random: inout Random) {
    if random.uniform() < probability { transform.apply(&sample, using: &random) }
  }
}

/// Brings pictures to the size of a model's input before anything else, so that a cache keeps small ones and later transforms are cheap.
public struct FitToInput: DetectionTransform {
  public let preprocessing: Preprocessing

  public init(_ preprocessing: Preprocessing) { self.preprocessing = preprocessing }

  public var isRandom: Bool { false }

  public func apply(_ sample: inout DetectionSample, using random: inout Random) {
    let size = PictureSize(width: sample.picture.width, height: sample.picture.height)
    let place = preprocessing.placement(of: size)
    for i in sample.annotations.indices {
      sample.annotations[i].box = place.toInput(sample.annotations[i].box)
    }
    sample.picture = preprocessing.fitted(sample.picture)
  }
}
