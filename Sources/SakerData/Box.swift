/// A rectangle between pixels: a box that covers one whole pixel is 1 wide. The unit (pixels, or
/// 0...1 of the picture's side) is the owner's to say. Formats with inclusive integer corners are
/// converted when they are read.
public struct Box: Hashable, Codable, Sendable {
  public var left, top, right, bottom: Float

  public init(left: Float, top: Float, right: Float, bottom: Float) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  public var width: Float { right - left }
  public var height: Float { bottom - top }
  /// 0 for an empty or inverted box.
  public var area: Float { max(0, width) * max(0, height) }

  /// Intersection over union, 0...1; 0 if both are empty.
  public func iou(_ other: Box) -> Float {
    let w = max(0, min(right, other.right) - max(left, other.left))
    let h = max(0, min(bottom, other.bottom) - max(top, other.top))
    let union = area + other.area - w * h
    return union > 0 ? w * h / union : 0
  }
}

/// A labelled object in an image.
public struct Annotation: Hashable, Codable, Sendable {
  /// In pixels of its picture.
  public var box: Box
  /// Index into the data set's class names.
  public var label: Int
  /// Marked as hard to recognize; Pascal VOC's measure neither rewards nor punishes finding it.
  public var difficult: Bool

  public init(box: Box, label: Int, difficult: Bool = false) {
    self.box = box
    self.label = label
    self.difficult = difficult
  }
}

/// One object as a detector found it.
public struct Detection: Hashable, Codable, Sendable {
  /// In pixels of its picture.
  public var box: Box
  /// Index into the model's class names.
  public var label: Int
  /// Confidence, 0...1.
  public var score: Float

  public init(box: Box, label: Int, score: Float) {
    self.box = box
    self.label = label
    self.score = score
  }
}

extension Box {
  /// Both corners times a factor an axis.
  public func scaled(x: Float, y: Float) -> Box {
    Box(left: left * x, top: top * y, right: right * x, bottom: bottom * y)
  }

  public func moved(x: Float, y: Float) -> Box {
    Box(left: left + x, top: top + y, right: right + x, bottom: bottom + y)
  }

  /// The part between (0, 0) and (`width`, `height`); empty, but not inverted, if there is none.
  public func clipped(width: Float, height: Float) -> Box {
    Box(
      left: min(max(left, 0), width), top: min(max(top, 0), height),
      right: min(max(right, 0), width), bottom: min(max(bottom, 0), height))
  }

  /// From Pascal VOC's inclusive corners, which count pixels from 1: the box 1...1
  /// covers the first pixel.
  public init(vocLeft: Float, top: Float, right: Float, bottom: Float) {
    self.init(left: vocLeft - 1, top: top - 1, right: right, bottom: bottom)
  }
}
