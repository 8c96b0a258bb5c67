import SakerTensor

/// Shows a detector several views of one picture and brings what it finds back: slower, and usually
/// a little more accurate. YOLOv5's views are the default: the picture at its size, mirrored at
/// 0.83, and at 0.67 of it.
public struct TestTimeAugmentation: Hashable, Codable, Sendable {
  public struct View: Hashable, Codable, Sendable {
    /// Scale of both sides; above 1 enlarges.
    public var scale: Float
    public var isMirrored: Bool
    public var isFlipped: Bool

    /// - Parameters:
    ///   - isMirrored: left and right are swapped.
    ///   - isFlipped: top and bottom are swapped.
    public init(scale: Float = 1, isMirrored: Bool = false, isFlipped: Bool = false) {
      precondition(scale > 0 && scale.isFinite, "a view's scale is above 0, got \(scale)")
      self.scale = scale
      self.isMirrored = isMirrored
      self.isFlipped = isFlipped
    }

    private func size(of picture: PictureSize) -> PictureSize {
      PictureSize(
        width: max(1, Int((Float(picture.width) * scale).rounded())),
        height: max(1, Int((Float(picture.height) * scale).rounded())))
    }

    /// What the detector sees.
    public func picture(of picture: Picture) -> Picture {
      let size = size(of: PictureSize(width: picture.width, height: picture.height))
      var view = picture.resized(width: size.width, height: size.height)
      if isMirrored { view.flipHorizontally() }
      if isFlipped { view.flipVertically() }
      return view
    }

    /// From pixels of the view to pixels of the picture, clipped to it.
    public func toPicture(_ box: Box, size picture: PictureSize) -> Box {
      let size = size(of: picture)
      let (width, height) = (Float(size.width), Float(size.height))
      var box = box
      if isMirrored { (box.left, box.right) = (width - box.right, width - box.left) }
      if isFlipped { (box.top, box.bottom) = (height - box.bottom, height - box.top) }
      return box.scaled(x: Float(picture.width) / width, y: Float(picture.height) / height)
        .clipped(width: Float(picture.width), height: Float(picture.height))
    }
  }

  public var views: [View]

  public init(
    _ views: [View] = [View(), View(scale: 0.83, isMirrored: true), View(scale: 0.67)]
  ) {
    precondition(!views.isEmpty, "test-time augmentation needs at least one view")
    self.views = views
  }

  /// Detects in all views, brings the boxes back, and of boxes of one class that
  /// overlap keeps the best.
  ///
  /// - Parameters:
  ///   - iou: of two boxes of one class with a larger IoU, the better one stays.
  ///   - detect: what a detector finds in a view, in pixels of the view.
  /// - Returns: in order of confidence; equal ones in order of the views.
  public func detect(
    in picture: Picture, iou: Float = 0.6, using detect: (Picture) throws -> [Detection]
  ) rethrows -> [Detection] {
    let size = PictureSize(width: picture.width, height: picture.height)
    var all: [Detection] = []
    for view in views {
      all += try detect(view.picture(of: picture)).map { found in
        var found = found
        found.box = view.toPicture(found.box, size: size)
        return found
      }
    }
    let order = all.indices.filter { all[$0].box.area > 0 }
      .sorted { (all[$1].score, $0) < (all[$0].score, $1) }
    var kept: [Detection] = []
    for index in order {
      let candidate = all[index]
      let isNew = kept.allSatisfy {
        $0.label != candidate.label || $0.box.iou(candidate.box) <= iou
      }
      if isNew { kept.append(candidate) }
    }
    return kept
  }
}
