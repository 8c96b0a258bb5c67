import CTIFF

/// TIFF by libtiff: every compression and kind of samples that it turns into RGB. Of a pyramid or
/// of several pages, the first.
enum TIFF {
  typealias Failure = FileBytes.Failure

  static func header(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    let directory = try TIFFDirectory(&window, count: window.count)
    guard let width = directory.value(.width, &window),
      let height = directory.value(.height, &window)
    else { throw Failure("is a broken TIFF: its first page has no size") }
    var header = PictureHeader(
      format: .tiff, width: width, height: height, orientation: directory.orientation(&window),
      ends: directory.hasAllData(&window))
    if directory.hasMore { header.note = "holds more than one page; the first is read" }
    return header
  }

  /// As stored, orientation not applied. Alpha is dropped; colours that were multiplied by it are
  /// divided by it, as Pillow does.
  static func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ header: PictureHeader) throws -> Picture
  {
    let (width, height) = (header.width, header.height)
    var job = saker_tiff_job()
    (job.input, job.count) = (bytes.baseAddress, bytes.count)
    var isMultiplied: Int32 = 0
    let raster = try [UInt32](unsafeUninitializedCapacity: width * height) { buffer, count in
      let result = saker_tiff_read(
        &job, buffer.baseAddress, UInt32(width), UInt32(height), &isMultiplied)
      guard result == 0 else {
        let reason = withUnsafeBytes(of: job.message) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        throw Failure(
          header.ends
            ? "is a TIFF that cannot be read: \(reason)"
            : "is a truncated or broken TIFF (\(bytes.count) bytes): \(reason)")
      }
      count = width * height
    }
    return Picture(width: width, height: height) { pixels in
      for (index, color) in raster.enumerated() {
        let alpha = color >> 24
        for channel in 0..<3 {
          let level = color >> (8 * UInt32(channel)) & 255
          pixels[3 * index + channel] = UInt8(
            isMultiplied == 0 || alpha == 255
              ? level : alpha == 0 ? 0 : min(level * 255 / alpha, 255))
        }
      }
    }
  }
}
