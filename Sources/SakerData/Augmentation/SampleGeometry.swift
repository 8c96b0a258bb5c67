import CKernels
import SakerTensor

/// How a pixel between pixels is made.
public enum Interpolation: String, Hashable, Codable, Sendable, CaseIterable {
  /// The pixel it falls on.
  case nearest
  /// The four around it, mixed.
  case bilinear
}

extension Picture {
  /// The picture seen through a map, on a canvas of a size.
  ///
  /// - Parameters:
  ///   - map: from this picture to the result. One that folds the plane onto a line
  ///     leaves only `fill`.
  ///   - fill: shown where the map brings nothing; bilinear borders are mixed with it.
  public func warped(
    by map: PlaneMap, to size: PictureSize, fill: RGB = .black,
    interpolation: Interpolation = .bilinear
  ) -> Picture {
    guard let back = map.inverse else {
      return Picture(width: size.width, height: size.height, filledWith: fill)
    }
    return Picture(width: size.width, height: size.height) { result in
      pixels.withUnsafeBufferPointer { source in
        var warp = saker_warp(
          back, source.baseAddress!, width, height, channels: 3, result.baseAddress!, size,
          interpolation)
        warp.fill = (fill.red, fill.green, fill.blue, 0)
        saker_warp_rgb(&warp)
      }
    }
  }

  /// Draws a part of another picture over this one: pixels whose middle the map does not reach
  /// stay.
  ///
  /// - Parameter map: from the part, its corner at (0, 0).
  mutating func draw(_ part: PixelBox, of other: Picture, through map: PlaneMap) {
    guard let back = map.inverse, part.width > 0, part.height > 0 else { return }
    let size = PictureSize(width: width, height: height)
    let reach = map(Box(left: 0, top: 0, right: Float(part.width), bottom: Float(part.height)))
    pixels.withUnsafeMutableBufferPointer { result in
      other.pixels.withUnsafeBufferPointer { source in
        var warp = saker_warp(
          back, source.baseAddress! + 3 * (part.top * other.width + part.left), part.width,
          part.height, channels: 3, result.baseAddress!, size, .bilinear)
        warp.source_stride = 3 * other.width
        warp.keeps = 1
        if reach.left.isFinite {
          let seen = reach.clipped(width: Float(width), height: Float(height))
          warp.left = Int32(seen.left)
          warp.top = Int32(seen.top)
          warp.right = Int32(seen.right.rounded(.up))
          warp.bottom = Int32(seen.bottom.rounded(.up))
        }
        saker_warp_rgb(&warp)
      }
    }
  }
}

extension Mask {
  /// The mask seen through a map: each pixel shows the one it falls on.
  ///
  /// - Parameter fill: shown where the map brings nothing.
  public func warped(by map: PlaneMap, to size: PictureSize, fill: UInt8 = 0) -> Mask {
    var result = Mask(width: size.width, height: size.height, filledWith: fill)
    guard let back = map.inverse else { return result }
    result.values.withUnsafeMutableBufferPointer { result in
      values.withUnsafeBufferPointer { source in
        var warp = saker_warp(
          back, source.baseAddress!, width, height, channels: 1, result.baseAddress!, size, .nearest
        )
        warp.fill.0 = fill
        saker_warp_mask(&warp)
      }
    }
    return result
  }
}

extension Mask {
  /// Draws another mask through a map over this one.
  mutating func draw(_ other: Mask, through map: PlaneMap) {
    guard let back = map.inverse else { return }
    let size = PictureSize(width: width, height: height)
    values.withUnsafeMutableBufferPointer { result in
      other.values.withUnsafeBufferPointer { source in
        var warp = saker_warp(
          back, source.baseAddress!, other.width, other.height, channels: 1, result.baseAddress!,
          size, .nearest)
        warp.keeps = 1
        saker_warp_mask(&warp)
      }
    }
  }
}

extension saker_warp {
  fileprivate init(
    _ back: PlaneMap, _ source: UnsafePointer<UInt8>, _ width: Int, _ height: Int, channels: Int,
    _ result: UnsafeMutablePointer<UInt8>, _ size: PictureSize, _ interpolation: Interpolation
  ) {
    self.init()
    self.source = source
    source_stride = width * channels
    source_width = Int32(width)
    source_height = Int32(height)
    self.result = result
    stride = size.width * channels
    right = Int32(size.width)
    bottom = Int32(size.height)
    let m = back.elements.map { Float($0) }
    map = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8])
    bilinear = interpolation == .bilinear ? 1 : 0
  }
}

extension Sample {
  /// Sees everything through a map, on a canvas of a size.
  public mutating func warp(
    by map: PlaneMap, to size: PictureSize, fill: RGB = .black,
    interpolation: Interpolation = .bilinear, rule: VisibilityRule = VisibilityRule()
  ) {
    picture = picture.warped(by: map, to: size, fill: fill, interpolation: interpolation)
    moveMarks(by: map, to: size, rule: rule)
  }

  /// Moves everything but the picture's pixels, which have been moved.
  mutating func moveMarks(by map: PlaneMap, to size: PictureSize, rule: VisibilityRule) {
    labelMap = labelMap?.warped(by: map, to: size, fill: Mask.ignored)
    changeObjects(width: size.width, height: size.height, rule, isUpright: map.keepsAxes) {
      object in
      object.box = map(object.box)
      object.mask = object.mask?.warped(by: map, to: size)
      for i in object.keypoints.indices {
        object.keypoints[i].point = map(object.keypoints[i].point)
      }
    }
  }

  /// Resizes everything.
  mutating func resize(to size: PictureSize) {
    guard size != self.size else { return }
    let map = PlaneMap.scaled(
      x: Double(size.width) / Double(picture.width), y: Double(size.height) / Double(picture.height)
    )
    picture = picture.resized(width: size.width, height: size.height)
    // Nothing leaves the picture, so nothing is dropped.
    moveMarks(by: map, to: size, rule: VisibilityRule(share: 0, side: 0))
  }

  /// Looks through a window from column `x`, row `y` on: cuts out, or adds `fill` where the
  /// window reaches outside.
  public mutating func show(
    x: Int, y: Int, width: Int, height: Int, fill: RGB = .black,
    rule: VisibilityRule = VisibilityRule()
  ) {
    if x >= 0, y >= 0, x + width <= picture.width, y + height <= picture.height {
      picture = picture.cropped(x: x, y: y, width: width, height: height)
    } else {
      var result = Picture(width: width, height: height, filledWith: fill)
      copyRows(
        picture.pixels, picture.width, picture.height, into: &result.pixels, width, height, x: x,
        y: y, bytes: 3)
      picture = result
    }
    showMarks(x: x, y: y, width: width, height: height, rule: rule)
  }

  /// As `show`, for everything but the picture, which has been changed.
  mutating func showMarks(x: Int, y: Int, width: Int, height: Int, rule: VisibilityRule) {
    labelMap = labelMap?.cropped(x: x, y: y, width: width, height: height, fill: Mask.ignored)
    changeObjects(width: width, height: height, rule, isUpright: true) { object in
      object.box = object.box.moved(x: -Float(x), y: -Float(y))
      object.mask = object.mask?.cropped(x: x, y: y, width: width, height: height, fill: 0)
      for i in object.keypoints.indices {
        object.keypoints[i].point.x -= Float(x)
        object.keypoints[i].point.y -= Float(y)
      }
    }
  }

  /// Changes each object, then clips or drops it by the rule.
  ///
  /// - Parameter isUpright: whether the change keeps boxes tight. If not, an object with a mask
  ///   gets the box around its mask.
  mutating func changeObjects(
    width: Int, height: Int, _ rule: VisibilityRule, isUpright: Bool,
    _ change: (inout SampleObject) -> Void
  ) {
    let (right, bottom) = (Float(width), Float(height))
    objects = objects.compactMap { object in
      var object = object
      change(&object)
      guard
        let visible = rule.visible(
          object.box, width: right, height: bottom, of: object.visibleShare)
      else { return nil }
      object.visibleShare *= min(1, visible.area / object.box.area)
      object.box = visible
      if let mask = object.mask {
        guard let extent = mask.extent() else { return nil }
        if !isUpright { object.box = extent.box }
      }
      for i in object.keypoints.indices {
        let point = object.keypoints[i].point
        // NaN, too, is outside.
        if !(point.x >= 0 && point.x < right && point.y >= 0 && point.y < bottom) {
          object.keypoints[i].visibility = .unknown
        }
      }
      return object
    }
  }
}
