import CKernels
import CTurboJPEG

/// JPEG by libjpeg-turbo: accurate transform, smooth chroma upsampling, so pixels equal those of
/// Pillow and OpenCV.
enum JPEG {
  typealias Failure = FileBytes.Failure

  /// Warnings of the library about data that are decoded completely all the same.
  private static let harmless = [
    "extraneous bytes", "Invalid SOS parameters", "Adobe color transform",
  ]

  /// Decodes to RGB as stored, orientation not applied. Gray is repeated; CMYK and YCCK are taken
  /// as inverted, as Adobe writes them.
  ///
  /// Of a progressive file that lacks its last scans, the whole picture is there in less detail: it
  /// is read as libjpeg does, and `notes` tell of it. What lacks a part of the picture is refused.
  static func decode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ header: PictureHeader, _ notes: inout [String]
  ) throws -> Picture {
    let scans = JPEGScans(bytes)
    if let scans, scans.showAll, !scans.areComplete {
      notes.append("lacks scans of a progressive JPEG: it is read without its finer details")
    }
    guard let codec = tjInitDecompress() else { throw Failure("no memory for the JPEG decoder") }
    defer { tjDestroy(codec) }
    let (width, height) = (header.width, header.height)
    // More than 500 scans are an attack on the decoder's time: the library stops there.
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS

    func decode(_ pixels: UnsafeMutablePointer<UInt8>?, _ format: TJPF) throws {
      let result = tjDecompress2(
        codec, bytes.baseAddress, UInt(bytes.count), pixels, Int32(width), 0, Int32(height),
        Int32(format.rawValue), flags)
      guard result != 0 else { return }
      let reason = String(cString: tjGetErrorStr2(codec))
      let isWarning = tjGetErrorCode(codec) == Int32(TJERR_WARNING.rawValue)
      // The library tells its first warning only, so behind a harmless one the end of the file
      // must be there too.
      if isWarning && reason.contains("Premature end"), let scans, scans.showAll { return }
      if isWarning && header.ends && harmless.contains(where: reason.contains) { return }
      throw Failure(
        reason.contains("Premature end")
          ? "is a truncated JPEG (\(bytes.count) bytes)" : "is a broken JPEG: \(reason)")
    }

    guard header.components == 4 else {
      return try Picture(width: width, height: height) { try decode($0.baseAddress, TJPF_RGB) }
    }
    let inks = try [UInt8](unsafeUninitializedCapacity: width * height * 4) { buffer, count in
      try decode(buffer.baseAddress, TJPF_CMYK)
      count = width * height * 4
    }
    return Picture(width: width, height: height) { pixels in
      inks.withUnsafeBufferPointer {
        saker_rgb_from_cmyk($0.baseAddress, pixels.baseAddress, width * height)
      }
    }
  }

  /// - Parameter quality: 1...100.
  static func encode(_ picture: Picture, quality: Int) throws -> [UInt8] {
    guard let codec = tjInitCompress() else { throw Failure("no memory for the JPEG encoder") }
    defer { tjDestroy(codec) }
    var output: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    defer { tjFree(output) }
    let result = picture.pixels.withUnsafeBufferPointer {
      tjCompress2(
        codec, $0.baseAddress, Int32(picture.width), 0, Int32(picture.height),
        Int32(TJPF_RGB.rawValue), &output, &count, Int32(TJSAMP_420.rawValue), Int32(quality),
        TJFLAG_ACCURATEDCT)
    }
    guard result == 0 else {
      throw Failure("cannot be encoded as JPEG: \(String(cString: tjGetErrorStr2(codec)))")
    }
    return Array(UnsafeBufferPointer(start: output, count: Int(count)))
  }
}
