import CKernels

/// A picture in memory: 8-bit RGB, row by row from the top, channels interleaved.
public struct Picture: Hashable, Sendable {
  public let width, height: Int
  /// `height * width * 3` bytes.
  public var pixels: [UInt8]

  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "a \(width)x\(height) picture has \(width * height * 3) bytes, got \(pixels.count)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, filledWith color: RGB = .black) {
    self.init(width: width, height: height) { pixels in
      for x in 0..<width {
        pixels[3 * x] = color.red
        pixels[3 * x + 1] = color.green
        pixels[3 * x + 2] = color.blue
      }
      // A stride of 0 repeats the first row.
      let row = pixels.baseAddress!
      saker_copy_rows(row, 0, row + 3 * width, 3 * width, 3 * width, Int32(height - 1))
    }
  }

  /// A picture whose `height * width * 3` bytes `write` fills, all of them.
  init(
    width: Int, height: Int, writing write: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    let count = width * height * 3
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try write(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// The pixel in column `x` of row `y`, both counted from 0 at the top left.
  public subscript(x: Int, y: Int) -> RGB {
    get {
      let at = offset(x, y)
      return RGB(pixels[at], pixels[at + 1], pixels[at + 2])
    }
    set {
      let at = offset(x, y)
      pixels[at] = newValue.red
      pixels[at + 1] = newValue.green
      pixels[at + 2] = newValue.blue
    }
  }

  private func offset(_ x: Int, _ y: Int) -> Int {
    precondition(
      x >= 0 && x < width && y >= 0 && y < height,
      "pixel (\(x), \(y)) is outside a \(width)x\(height) picture")
    return 3 * (y * width + x)
  }

  /// The part from column `x`, row `y` on, `width` wide and `height` high; it must lie inside.
  public func cropped(x: Int, y: Int, width: Int, height: Int) -> Picture {
    precondition(
      x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= self.width
        && y + height <= self.height,
      "a \(width)x\(height) part at (\(x), \(y)) is not inside \(self.width)x\(self.height)")
    return Picture(width: width, height: height) { result in
      pixels.withUnsafeBufferPointer {
        saker_copy_rows(
          $0.baseAddress! + 3 * (y * self.width + x), 3 * self.width, result.baseAddress!,
          3 * width, 3 * width, Int32(height))
      }
    }
  }

  /// Left and right swapped.
  public func flippedHorizontally() -> Picture { oriented(.mirrored) }

  /// Top and bottom swapped.
  public func flippedVertically() -> Picture { oriented(.flipped) }

  /// Left and right swapped in place.
  mutating func flipHorizontally() {
    let (width, height) = (Int32(width), Int32(height))
    pixels.withUnsafeMutableBufferPointer { saker_flip_rgb($0.baseAddress, width, height) }
  }

  /// Top and bottom swapped in place.
  mutating func flipVertically() {
    let (bytes, height) = (3 * width, Int32(height))
    pixels.withUnsafeMutableBufferPointer { saker_flip_rows($0.baseAddress, bytes, height) }
  }

  /// The picture as it is meant to be seen when it was stored in `orientation`.
  public func oriented(_ orientation: Orientation) -> Picture {
    let (w, h) = (width, height)
    switch orientation {
    case .upright: return self
    case .mirrored: return mirrored(first: 0, stride: w)
    case .halfTurn: return mirrored(first: (h - 1) * w, stride: -w)
    case .flipped:
      return Picture(width: w, height: h) { result in
        pixels.withUnsafeBufferPointer {
          saker_copy_rows(
            $0.baseAddress! + 3 * (h - 1) * w, -3 * w, result.baseAddress, 3 * w, 3 * w, Int32(h))
        }
      }
    case .transposed: return turned(start: 0, stepX: w, isBackwards: false)
    case .rightTurn: return turned(start: (h - 1) * w, stepX: -w, isBackwards: false)
    case .transversed: return turned(start: w * h - 1, stepX: -w, isBackwards: true)
    case .leftTurn: return turned(start: w - 1, stepX: w, isBackwards: true)
    }
  }

  private func mirrored(first: Int, stride: Int) -> Picture {
    Picture(width: width, height: height) { result in
      pixels.withUnsafeBufferPointer {
        saker_mirror_rgb(
          $0.baseAddress! + 3 * first, 3 * stride, result.baseAddress, Int32(width), Int32(height))
      }
    }
  }

  private func turned(start: Int, stepX: Int, isBackwards: Bool) -> Picture {
    Picture(width: height, height: width) { result in
      pixels.withUnsafeBufferPointer {
        saker_turn_rgb(
          $0.baseAddress, result.baseAddress, Int32(height), Int32(width), start, stepX,
          isBackwards ? 1 : 0)
      }
    }
  }
}

/// One pixel, 0...255 a channel.
public struct RGB: Hashable, Codable, Sendable {
  public var red, green, blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  public static let black = RGB(0, 0, 0)
  public static let white = RGB(255, 255, 255)
  /// 114, the border that the field's letterboxes use.
  public static let letterboxGray = RGB(114, 114, 114)
}

/// How a stored picture must be turned to be seen upright: the values 1 to 8 of EXIF's tag 0x0112
/// (EXIF 2.32, section 4.6.4).
public enum Orientation: Int, CaseIterable, Sendable {
  case upright = 1
  /// Left and right are swapped.
  case mirrored
  /// Turned by 180°.
  case halfTurn
  /// Top and bottom are swapped.
  case flipped
  /// Mirrored along the diagonal from the top left.
  case transposed
  /// To be turned clockwise by 90°.
  case rightTurn
  /// Mirrored along the diagonal from the top right.
  case transversed
  /// To be turned counter-clockwise by 90°.
  case leftTurn

  /// Whether width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }
}
