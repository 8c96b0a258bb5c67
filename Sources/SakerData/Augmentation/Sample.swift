import SakerTensor

/// An image with all its labels, on its way to a model: transforms change all of it together.
public struct Sample: Hashable, Sendable {
  public var picture: Picture
  public var objects: [SampleObject]
  /// A class for each pixel, as large as the picture.
  public var labelMap: Mask?
  /// Classes of the whole picture and their shares: one with share 1, or several after
  /// `MixUp` and `CutMix`.
  public var classes: [ClassShare]

  public init(
    picture: Picture, objects: [SampleObject] = [], labelMap: Mask? = nil,
    classes: [ClassShare] = []
  ) {
    self.picture = picture
    self.objects = objects
    self.labelMap = labelMap
    self.classes = classes
    let masks = objects.compactMap(\.mask) + (labelMap.map { [$0] } ?? [])
    precondition(
      masks.allSatisfy { $0.width == picture.width && $0.height == picture.height },
      "masks are as large as their \(picture.width)x\(picture.height) picture")
  }

  /// A picture with boxes.
  public init(picture: Picture, annotations: [Annotation]) {
    self.init(picture: picture, objects: annotations.map { SampleObject($0) })
  }

  /// A picture of a class.
  public init(picture: Picture, label: Int) {
    self.init(picture: picture, classes: [ClassShare(label: label, share: 1)])
  }

  /// Boxes and labels of the objects.
  public var annotations: [Annotation] { objects.map(\.annotation) }

  public var size: PictureSize { PictureSize(width: picture.width, height: picture.height) }
}

/// One object in a picture, in pixels of the picture.
public struct SampleObject: Hashable, Sendable {
  public var annotation: Annotation
  /// Where the object shows, as large as the picture.
  public var mask: Mask?
  /// In the data set's order.
  public var keypoints: [KeyPoint]
  /// How much of the marked box is still in the picture and not covered, 0...1, as transforms go
  /// on: two crops that each leave half leave a quarter.
  public var visibleShare: Float = 1

  public init(_ annotation: Annotation, mask: Mask? = nil, keypoints: [KeyPoint] = []) {
    self.annotation = annotation
    self.mask = mask
    self.keypoints = keypoints
  }

  public var box: Box {
    get { annotation.box }
    set { annotation.box = newValue }
  }
}

/// A marked point of an object, such as a left elbow.
public struct KeyPoint: Hashable, Codable, Sendable {
  /// COCO's numbers.
  public enum Visibility: Int, Codable, Sendable {
    /// Not marked, or outside the picture: its place means nothing.
    case unknown
    /// Marked, but hidden.
    case hidden
    case visible
  }
  public var point: PicturePoint
  public var visibility: Visibility

  public init(_ point: PicturePoint, _ visibility: Visibility = .visible) {
    self.point = point
    self.visibility = visibility
  }
}

/// How much of a class a picture shows.
public struct ClassShare: Hashable, Codable, Sendable {
  public var label: Int
  /// 0...1; a picture's shares sum to 1.
  public var share: Float

  public init(label: Int, share: Float) {
    self.label = label
    self.share = share
  }
}

/// Names from the time when samples had boxes only.
public typealias DetectionSample = Sample
public typealias DetectionTransform = SampleTransform

/// Which objects stay when a picture loses parts of them: those of whose box at least `share` is
/// left, over all transforms so far, with both sides of what is left at least `side` long, and, on
/// demand, the box's centre. What is left becomes the box; boxes never leave the picture and are
/// never inverted or empty. Objects with a mask need a pixel of it, too.
public struct VisibilityRule: Hashable, Codable, Sendable {
  /// 0...1, of the area of the box.
  public var share: Float
  /// Pixels.
  public var side: Float
  /// Whether the centre of the box must be in the picture, too.
  public var needsCentre: Bool

  public init(share: Float = 0.1, side: Float = 2, needsCentre: Bool = false) {
    self.share = share
    self.side = side
    self.needsCentre = needsCentre
  }

  var problem: String? {
    unless((0...1).contains(share) && side >= 0, "a visible share is 0...1 and a side 0 or more")
  }

  /// What stays of a box in a picture; `nil` if the object goes.
  ///
  /// - Parameter part: how much of the object the box shows, 0...1.
  public func visible(_ box: Box, width: Float, height: Float, of part: Float = 1) -> Box? {
    let clipped = box.clipped(width: width, height: height)
    guard clipped.area > 0, clipped.area * part >= share * box.area,
      clipped.width >= side, clipped.height >= side,
      !needsCentre || box.centerLies(inWidth: width, height: height)
    else { return nil }
    return clipped
  }
}

extension Box {
  func centerLies(inWidth width: Float, height: Float) -> Bool {
    let (x, y) = ((left + right) / 2, (top + bottom) / 2)
    return x > 0 && x < width && y > 0 && y < height
  }
}

/// `reason` if `condition` does not hold: how transforms say what is wrong with their parameters.
func unless(_ condition: Bool, _ reason: @autoclosure () -> String) -> String? {
  condition ? nil : reason()
}
