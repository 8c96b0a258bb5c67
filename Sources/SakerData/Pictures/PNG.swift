import CPNG
import Foundation

/// PNG by libpng. Gamma and colour profiles are not applied, 16 bits keep their high byte and alpha
/// is dropped, not composited: what Pillow's `convert("RGB")`, torchvision's RGB mode and OpenCV
/// do, so that pixels equal those other tools train on.
enum PNG {
  typealias Failure = FileBytes.Failure

  static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ header: PictureHeader) throws -> Picture
  {
    guard header.ends else { throw Failure("is a truncated PNG (\(bytes.count) bytes)") }
    var job = saker_png_job()
    job.input = bytes.baseAddress
    job.count = bytes.count
    var rows = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: header.height)
    return try Picture(width: header.width, height: header.height) { pixels in
      let result = saker_png_read(
        &job, pixels.baseAddress, &rows, UInt32(header.width), UInt32(header.height))
      guard result == 0 else { throw Failure("is a broken PNG: \(job.reason)") }
    }
  }

  /// Levels of a gray PNG of 16 bits without alpha, row by row from the top.
  static func gray16(_ bytes: [UInt8], _ header: PictureHeader) throws -> [UInt16] {
    guard header.ends else { throw Failure("is a truncated PNG (\(bytes.count) bytes)") }
    var job = saker_png_job()
    var rows = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: header.height)
    var levels = [UInt16](repeating: 0, count: header.width * header.height)
    let result = bytes.withUnsafeBufferPointer {
      job.input = $0.baseAddress
      job.count = $0.count
      return saker_png_read_gray16(
        &job, &levels, &rows, UInt32(header.width), UInt32(header.height))
    }
    guard result == 0 else { throw Failure("is a broken PNG: \(job.reason)") }
    return levels
  }

  /// - Parameter level: zlib's, 0 (fast) ... 9 (small).
  static func encode(_ picture: Picture, level: Int) throws -> [UInt8] {
    var job = saker_png_job()
    defer { free(job.output) }
    let result = picture.pixels.withUnsafeBufferPointer {
      saker_png_write(
        &job, $0.baseAddress, UInt32(picture.width), UInt32(picture.height), Int32(level))
    }
    guard result == 0 else { throw Failure("cannot be encoded as PNG: \(job.reason)") }
    return Array(UnsafeBufferPointer(start: job.output, count: job.count))
  }
}

extension saker_png_job {
  fileprivate var reason: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
