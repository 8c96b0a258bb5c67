extension Picture {
  /// Endings of file names, in lower case and without the dot, that Saker takes for pictures when
  /// it lists a folder, in the order in which they are tried for a name without one. What such a
  /// file holds is told by its content.
  public static let endings = [
    "jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", "jfif", "jpe", "dib", "apng",
  ]

  /// Endings of pictures that Saker knows and doesn't read; what lists a folder names these
  /// files as left out.
  public static let unreadEndings: Set<String> = [
    "avif", "heic", "heif", "jxl", "jp2", "j2k", "svg", "psd", "ico", "tga", "ppm", "pgm", "pbm",
    "pnm", "exr", "hdr", "dng", "cr2", "cr3", "nef", "arw", "orf", "raf", "rw2", "raw", "dcm",
    "eps",
  ]

  /// `.jpg, .jpeg, .png, ...`, for messages.
  public static let endingsInWords = endings.map { "." + $0 }.joined(separator: ", ")

  /// Whether a file's name ends as pictures that are read do, in any case; the disk isn't asked.
  public static func isNamed(_ path: String) -> Bool { PathName.isPicture(path) }

  /// Whether a file's name ends as pictures do that are known and not read, in any case.
  public static func isNamedUnread(_ path: String) -> Bool {
    unreadEndings.contains(PathName.ending(path))
  }
}

/// Formats that are read, told by the first bytes of a file.
enum PictureFormat: String {
  case jpeg = "JPEG"
  case png = "PNG"
  case gif = "GIF"
  case webp = "WebP"
  case bmp = "BMP"
  case tiff = "TIFF"

  static let names = "JPEG, PNG, GIF, WebP, BMP or TIFF"

  /// The first bytes, and where they stand.
  private static let marks: [(format: PictureFormat, at: Int, bytes: [UInt8])] = [
    (.jpeg, 0, [0xFF, 0xD8, 0xFF]),
    (.png, 0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
    (.gif, 0, Array("GIF87a".utf8)), (.gif, 0, Array("GIF89a".utf8)),
    (.webp, 8, Array("WEBP".utf8)),
    (.tiff, 0, [0x49, 0x49, 42, 0]), (.tiff, 0, [0x4D, 0x4D, 0, 42]),
    (.tiff, 0, [0x49, 0x49, 43, 0]), (.tiff, 0, [0x4D, 0x4D, 0, 43]),
  ]

  init?(_ window: inout ByteWindow) throws(FileBytes.Failure) {
    for mark in PictureFormat.marks where try window.matches(mark.bytes, at: mark.at) {
      self = mark.format
      return
    }
    guard try BMPLayout.begins(&window) else { return nil }
    self = .bmp
  }
}
