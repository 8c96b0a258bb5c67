/// Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits a pixel, run lengths, masks, rows from
/// below or from above. Written here because it is short and no library of Debian reads them
/// alone (docs/decisions/0024).
enum BMP {
  typealias Failure = FileBytes.Failure

  static func header(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    let layout = try BMPLayout(&window)
    // Larger ones are refused by whoever asks, and the place of their end may be no number.
    let isSmall = max(layout.width, layout.height) <= Picture.maximumSide
    return PictureHeader(
      format: .bmp, width: layout.width, height: layout.height,
      ends: isSmall && !layout.isRunLength && layout.end <= window.count)
  }

  static func decode(_ bytes: [UInt8], _ header: PictureHeader) throws -> Picture {
    var window = ByteWindow(bytes)
    let layout = try BMPLayout(&window)
    if layout.isRunLength {
      let indices = try runs(bytes, layout)
      return paint(layout) { x, y in layout.color(Int(indices[y * layout.width + x]), bytes) }
    }
    guard layout.end <= bytes.count else {
      throw Failure("is a truncated BMP (\(bytes.count) of \(layout.end) bytes)")
    }
    let bits = layout.bits
    return paint(layout) { x, y in
      let row = layout.pixels + y * layout.rowBytes
      switch bits {
      case 1, 4, 8:
        let place = x * bits
        let index = bytes[row + place / 8] >> UInt8(8 - bits - place % 8) & UInt8(1 << bits - 1)
        return layout.color(Int(index), bytes)
      case 24:
        let at = row + 3 * x
        return RGB(bytes[at + 2], bytes[at + 1], bytes[at])
      default:
        var value: UInt32 = 0
        for i in 0..<bits / 8 { value |= UInt32(bytes[row + x * bits / 8 + i]) << UInt32(8 * i) }
        return layout.masked(value)
      }
    }
  }

  /// - Parameter color: of the pixel in a column of a row as stored.
  private static func paint(_ layout: BMPLayout, _ color: (Int, Int) -> RGB) -> Picture {
    Picture(width: layout.width, height: layout.height) { pixels in
      for y in 0..<layout.height {
        let row = layout.isFromAbove ? y : layout.height - 1 - y
        for x in 0..<layout.width {
          let (value, at) = (color(x, row), 3 * (y * layout.width + x))
          (pixels[at], pixels[at + 1], pixels[at + 2]) = (value.red, value.green, value.blue)
        }
      }
    }
  }

  /// Indices of a picture of run lengths, in rows as stored. What is skipped stays 0.
  private static func runs(_ bytes: [UInt8], _ layout: BMPLayout) throws(Failure) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: layout.width * layout.height)
    var (x, y, at) = (0, 0, layout.pixels)
    let isNibbles = layout.bits == 4
    func put(_ index: UInt8) {
      if x < layout.width, y < layout.height { result[y * layout.width + x] = index }
      x += 1
    }
    func byte(_ at: Int) throws(Failure) -> UInt8 {
      guard at < bytes.count else { throw Failure("is a truncated BMP (\(bytes.count) bytes)") }
      return bytes[at]
    }
    while true {
      let (count, value) = (try byte(at), try byte(at + 1))
      at += 2
      switch (count, value) {
      case (0, 0): (x, y) = (0, y + 1)
      case (0, 1): return result
      case (0, 2):
        (x, y, at) = (x + Int(try byte(at)), y + Int(try byte(at + 1)), at + 2)
      case (0, _):
        for i in 0..<Int(value) {
          let packed = try byte(at + (isNibbles ? i / 2 : i))
          put(!isNibbles ? packed : i % 2 == 0 ? packed >> 4 : packed & 15)
        }
        let stored = isNibbles ? (Int(value) + 1) / 2 : Int(value)
        at += stored + stored % 2
      default:
        for i in 0..<Int(count) {
          put(!isNibbles ? value : i % 2 == 0 ? value >> 4 : value & 15)
        }
      }
    }
  }
}

/// What the headers of a bitmap say.
struct BMPLayout {
  typealias Failure = FileBytes.Failure

  let width, height, bits: Int
  let isFromAbove, isRunLength: Bool
  /// Where the pixels begin, and bytes of a row; not of run lengths.
  let pixels, rowBytes: Int
  private let colors: (at: Int, count: Int, bytes: Int)
  /// Of red, green and blue, in a pixel of 16 or 32 bits.
  private let masks: [UInt32]

  /// Behind the last pixel; the padding of the last row may be missing.
  var end: Int { pixels + rowBytes * (height - 1) + (width * bits + 7) / 8 }

  /// Sizes of the second header: OS/2's, Windows' first, and those with masks, alpha, colour
  /// spaces and profiles.
  private static let sizes = [12, 16, 64, 40, 52, 56, 108, 124]

  /// `BM`, and behind the first header one of the known second ones: two letters alone
  /// begin many texts.
  static func begins(_ window: inout ByteWindow) throws(Failure) -> Bool {
    guard try window.matches(Array("BM".utf8), at: 0), window.count >= 18 else { return false }
    return sizes.contains(try window.little32(14))
  }

  init(_ window: inout ByteWindow) throws(Failure) {
    let size = try window.little32(14)
    let isCore = size == 12
    if isCore {
      (width, height) = (try window.little16(18), try window.little16(20))
      (bits, isFromAbove) = (try window.little16(24), false)
    } else {
      let rows = Int32(truncatingIfNeeded: try window.little32(22))
      width = Int(Int32(truncatingIfNeeded: try window.little32(18)))
      (height, isFromAbove) = (abs(Int(rows)), rows < 0)
      bits = try window.little16(28)
    }
    let compression = size > 16 ? try window.little32(30) : 0
    // 1 and 2 are run lengths, 3 and 6 masks; OS/2 means other things by 3 and 4.
    isRunLength = (compression == 1 && bits == 8) || (compression == 2 && bits == 4)
    let hasMasks = (compression == 3 || compression == 6) && (bits == 16 || bits == 32)
    guard compression == 0 || isRunLength || (hasMasks && size != 64) else {
      throw Failure("is a BMP that cannot be read: compression \(compression) of \(bits) bits")
    }
    guard [1, 4, 8, 16, 24, 32].contains(bits) else {
      throw Failure("is a broken BMP: \(bits) bits a pixel")
    }
    pixels = try window.little32(10)
    rowBytes = (width * bits + 31) / 32 * 4
    if hasMasks {
      masks = [
        UInt32(try window.little32(54)), UInt32(try window.little32(58)),
        UInt32(try window.little32(62)),
      ]
    } else {
      masks = bits == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF0000, 0xFF00, 0xFF]
    }
    let stated = size > 36 ? try window.little32(46) : 0
    let count = bits > 8 ? 0 : min(stated == 0 ? 1 << bits : stated, 1 << bits)
    colors = (14 + size, count, isCore ? 3 : 4)
  }

  /// Black if the table is shorter.
  func color(_ index: Int, _ bytes: [UInt8]) -> RGB {
    let at = colors.at + index * colors.bytes
    guard index < colors.count, at + 2 < bytes.count else { return .black }
    return RGB(bytes[at + 2], bytes[at + 1], bytes[at])
  }

  /// The levels under the masks, stretched to 0...255.
  func masked(_ value: UInt32) -> RGB {
    func level(_ mask: UInt32) -> UInt8 {
      guard mask != 0 else { return 0 }
      let shift = UInt32(mask.trailingZeroBitCount)
      return UInt8(UInt64((value & mask) >> shift) * 255 / UInt64(mask >> shift))
    }
    return RGB(level(masks[0]), level(masks[1]), level(masks[2]))
  }
}
