import CKernels

/// A byte for each pixel of a picture. An object's mask is 1 where the object shows and 0
/// elsewhere; a label map of the whole picture holds a class at each pixel, and `Mask.ignored`
/// where there is none.
public struct Mask: Hashable, Sendable {
  public let width, height: Int
  /// `height * width` bytes, row by row from the top.
  public var values: [UInt8]

  /// The label of ignored pixels, whose class is unknown: 255, as in Pascal VOC and Cityscapes.
  public static let ignored: UInt8 = 255

  public init(width: Int, height: Int, values: [UInt8]) {
    precondition(
      width > 0 && height > 0 && values.count == width * height,
      "a \(width)x\(height) mask has \(width * height) bytes, got \(values.count)")
    self.width = width
    self.height = height
    self.values = values
  }

  public init(width: Int, height: Int, filledWith value: UInt8 = 0) {
    self.init(
      width: width, height: height, values: Array(repeating: value, count: width * height))
  }

  /// The inside of polygons in pixels of the picture: 1 where a pixel's middle lies inside one of
  /// them (each by the even-odd rule). Fewer than three corners enclose nothing; corners may lie
  /// outside the picture.
  public init(width: Int, height: Int, polygons: [[PicturePoint]]) {
    self.init(width: width, height: height)
    for polygon in polygons where polygon.count >= 3 { fill(polygon) }
  }

  private mutating func fill(_ polygon: [PicturePoint]) {
    var crossings: [Float] = []
    for y in 0..<height {
      let level = Float(y) + 0.5
      crossings.removeAll(keepingCapacity: true)
      var a = polygon[polygon.count - 1]
      for b in polygon {
        if (a.y <= level) != (b.y <= level) {
          crossings.append(a.x + (level - a.y) * (b.x - a.x) / (b.y - a.y))
        }
        a = b
      }
      crossings.sort()
      for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
        // A pixel is inside from the first middle at or behind the crossing on.
        let first = min(max((crossings[pair] - 0.5).rounded(.up), 0), Float(width))
        let end = min(max((crossings[pair + 1] - 0.5).rounded(.up), 0), Float(width))
        guard first < end else { continue }
        for x in Int(first)..<Int(end) { values[y * width + x] = 1 }
      }
    }
  }

  public subscript(x: Int, y: Int) -> UInt8 {
    get {
      check(x, y)
      return values[y * width + x]
    }
    set {
      check(x, y)
      values[y * width + x] = newValue
    }
  }

  private func check(_ x: Int, _ y: Int) {
    precondition(
      x >= 0 && x < width && y >= 0 && y < height,
      "pixel (\(x), \(y)) is outside a \(width)x\(height) mask")
  }

  /// The smallest box around the pixels of a value and how many they are; `nil` if there are none.
  public func extent(of value: UInt8 = 1) -> (box: Box, pixels: Int)? {
    var bounds: [Int32] = [0, 0, 0, 0]
    let pixels = saker_mask_bounds(values, Int32(width), Int32(height), value, &bounds)
    guard pixels > 0 else { return nil }
    let edges = bounds.map(Float.init)
    return (Box(left: edges[0], top: edges[1], right: edges[2], bottom: edges[3]), Int(pixels))
  }

  mutating func flipHorizontally() {
    let (width, height) = (Int32(width), Int32(height))
    values.withUnsafeMutableBufferPointer { saker_flip_mask($0.baseAddress, width, height) }
  }

  mutating func flipVertically() {
    let (width, height) = (width, Int32(height))
    values.withUnsafeMutableBufferPointer { saker_flip_rows($0.baseAddress, width, height) }
  }

  /// The part from column `x`, row `y` on; what lies outside the mask is `fill`.
  func cropped(x: Int, y: Int, width: Int, height: Int, fill: UInt8) -> Mask {
    var result = Mask(width: width, height: height, filledWith: fill)
    copyRows(
      values, self.width, self.height, into: &result.values, width, height, x: x, y: y, bytes: 1)
    return result
  }
}

/// Copies the part of a picture of `bytes` bytes a pixel that a window from (`x`, `y`) on shows.
func copyRows(
  _ source: [UInt8], _ sourceWidth: Int, _ sourceHeight: Int, into result: inout [UInt8],
  _ width: Int, _ height: Int, x: Int, y: Int, bytes: Int
) {
  let (left, right) = (max(0, x), min(sourceWidth, x + width))
  let (top, bottom) = (max(0, y), min(sourceHeight, y + height))
  guard left < right, top < bottom else { return }
  source.withUnsafeBufferPointer { source in
    result.withUnsafeMutableBufferPointer { result in
      saker_copy_rows(
        source.baseAddress! + bytes * (top * sourceWidth + left), bytes * sourceWidth,
        result.baseAddress! + bytes * ((top - y) * width + left - x), bytes * width,
        bytes * (right - left), Int32(bottom - top))
    }
  }
}
