/// What the first bytes of a picture's file tell, without decoding it.
struct PictureHeader: Equatable {
  var format: PictureFormat
  /// As stored, before `orientation`.
  var width, height: Int
  /// Channels as stored: 1, 3 or 4; used for JPEG only.
  var components = 0
  var orientation = Orientation.upright
  /// Whether the end of the file was seen where the format wants it; a file that says no
  /// may still be whole.
  var ends: Bool
  /// Used for WebP only.
  var isAnimated = false
  /// What of the file isn't read, for people: `is animated; its first frame is read`.
  var note: String?

  /// As seen, after `orientation`.
  var size: PictureSize {
    orientation.swapsSides
      ? PictureSize(width: height, height: width) : PictureSize(width: width, height: height)
  }
}

/// Width and height in pixels.
public struct PictureSize: Hashable, Codable, CustomStringConvertible, Sendable {
  public var width, height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  public var description: String { "\(width)x\(height)" }
}

extension Picture {
  /// A side longer than this is refused before any memory is asked for.
  public static let maximumSide = 50_000
  /// More pixels than this are refused before any memory is asked for.
  public static let maximumPixels = 200_000_000
}

extension PictureHeader {
  typealias Failure = FileBytes.Failure

  /// Reads the header through a window, so that a large file costs a few kilobytes.
  init(_ window: inout ByteWindow) throws(Failure) {
    guard window.count > 0 else { throw Failure("is empty (zero bytes)") }
    switch try PictureFormat(&window) {
    case .jpeg: self = try PictureHeader.jpeg(&window)
    case .png: self = try PictureHeader.png(&window)
    case .gif: self = try GIF.header(&window)
    case .webp: self = try WebP.header(&window)
    case .bmp: self = try BMP.header(&window)
    case .tiff: self = try TIFF.header(&window)
    case nil: throw Failure(try FileKind.refusal(&window))
    }
    guard width > 0 && height > 0 else { throw Failure("has no size (\(width)x\(height))") }
    guard
      width <= Picture.maximumSide && height <= Picture.maximumSide
        && width * height <= Picture.maximumPixels
    else {
      throw Failure(
        "is \(width)x\(height) pixels; at most \(Picture.maximumSide) a side and "
          + "\(Picture.maximumPixels / 1_000_000) million in all are read")
    }
  }

  /// ITU-T T.81, annex B: markers up to the frame header; EXIF stands in the first
  /// APP1 that says so.
  private static func jpeg(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    var at = 2
    var orientation = Orientation.upright
    while true {
      guard try window.byte(at) == 0xFF else {
        throw Failure("is a broken JPEG: no marker at byte \(at)")
      }
      let marker = try window.byte(at + 1)
      switch marker {
      case 0xFF:
        at += 1  // fill bytes may stand before a marker
        continue
      case 0x01, 0xD0...0xD7:
        at += 2
        continue
      case 0xD9, 0xDA:
        throw Failure("is a broken JPEG: no frame header before its data")
      default: break
      }
      let length = try window.big16(at + 2)
      guard length >= 2 else { throw Failure("is a broken JPEG: a segment of \(length) bytes") }
      switch marker {
      case 0xE1 where length >= 16 && orientation == .upright:
        if try window.matches([0x45, 0x78, 0x69, 0x66, 0, 0], at: at + 4) {
          orientation = window.orientation(at: at + 10, count: length - 8)
        }
      case 0xC0...0xCF where marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
        return PictureHeader(
          format: .jpeg, width: try window.big16(at + 7), height: try window.big16(at + 5),
          components: Int(try window.byte(at + 9)), orientation: orientation,
          ends: try window.endsWithEndOfImage())
      default: break
      }
      at += 2 + length
    }
  }

  /// PNG specification, third edition, section 5: a chunk is length, type, data, check sum.
  private static func png(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    guard try window.matches(Array("IHDR".utf8), at: 12) else {
      throw Failure("is a broken PNG: no IHDR chunk at its start")
    }
    var header = PictureHeader(
      format: .png, width: try window.big32(16), height: try window.big32(20), ends: false)
    var at = 8
    while at + 12 <= window.count {
      let length = try window.big32(at)
      if try window.matches(Array("IEND".utf8), at: at + 4) {
        header.ends = true
        break
      }
      if try window.matches(Array("eXIf".utf8), at: at + 4), at + 12 + length <= window.count {
        header.orientation = window.orientation(at: at + 8, count: length)
      }
      if try window.matches(Array("acTL".utf8), at: at + 4), try window.big32(at + 8) > 1 {
        header.note = "is animated; its still picture is read"
      }
      at += 12 + length
    }
    return header
  }
}
