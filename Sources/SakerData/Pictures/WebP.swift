import CWebP

/// WebP by libwebp, with or without loss. Of an animation, the first frame.
enum WebP {
  typealias Failure = FileBytes.Failure

  /// RFC 9649, sections 2.3 to 2.7: chunks of name, length and data. EXIF stands in a chunk of
  /// the extended format.
  static func header(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    let ends = try window.little32(4) + 8 <= window.count
    func header(_ width: Int, _ height: Int) -> PictureHeader {
      PictureHeader(format: .webp, width: width, height: height, ends: ends)
    }
    if try window.matches(Array("VP8X".utf8), at: 12) {
      var extended = header(try window.little24(24) + 1, try window.little24(27) + 1)
      let flags = try window.byte(20)
      if flags & 0x02 != 0 {
        extended.isAnimated = true
        extended.note = "is animated; its first frame is read"
      }
      if flags & 0x08 != 0 {
        extended.orientation = (try? orientation(&window)) ?? .upright
      }
      return extended
    }
    if try window.matches(Array("VP8L".utf8), at: 12) {
      guard try window.byte(20) == 0x2F else { throw Failure("is a broken WebP: no signature") }
      let bits = try window.little32(21)
      return header(bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
    }
    guard try window.matches(Array("VP8 ".utf8), at: 12),
      try window.matches([0x9D, 0x01, 0x2A], at: 23)
    else { throw Failure("is a broken WebP: no picture in its first chunk") }
    return header(try window.little16(26) & 0x3FFF, try window.little16(28) & 0x3FFF)
  }

  private static func orientation(_ window: inout ByteWindow) throws(Failure) -> Orientation {
    var at = 12
    while at + 8 <= window.count {
      let length = try window.little32(at + 4)
      if try window.matches(Array("EXIF".utf8), at: at), length >= 8 {
        // Some programs write the six bytes that EXIF has in a JPEG.
        let skip = try window.matches([0x45, 0x78, 0x69, 0x66, 0, 0], at: at + 8) ? 6 : 0
        return window.orientation(at: at + 8 + skip, count: length - skip)
      }
      at += 8 + length + length % 2
    }
    return .upright
  }

  /// As stored, orientation not applied; alpha is dropped.
  static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ header: PictureHeader) throws -> Picture
  {
    let (width, height) = (Int32(header.width), Int32(header.height))
    return try Picture(width: header.width, height: header.height) { pixels in
      let read = header.isAnimated ? saker_webp_read_first : saker_webp_read
      let status = read(bytes.baseAddress, bytes.count, pixels.baseAddress, width, height)
      guard status == 0 else {
        throw Failure(
          header.ends && status != Int32(VP8_STATUS_NOT_ENOUGH_DATA.rawValue)
            ? "is a broken WebP" : "is a truncated WebP (\(bytes.count) bytes)")
      }
    }
  }
}
