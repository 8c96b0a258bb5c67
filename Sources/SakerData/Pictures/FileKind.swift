/// What a file is that isn't a picture Saker reads, by its first bytes: an error that says so saves
/// a look at the file.
enum FileKind {
  typealias Failure = FileBytes.Failure

  /// Why the file is refused as a picture.
  static func refusal(_ window: inout ByteWindow) throws(Failure) -> String {
    let head = try start(&window)
    if let format = pictures.first(where: { $0.matches(head) })?.name {
      return "is \(format) picture, which is not read here (\(PictureFormat.names) is)"
    }
    if let kind = others.first(where: { $0.matches(head) })?.name ?? text(head) {
      return "is not a picture but \(kind)"
    }
    return "is not a picture that can be read here (\(PictureFormat.names))"
  }

  private struct Mark {
    var name: String
    var at = 0
    var bytes: [UInt8]

    init(_ name: String, _ text: String, at: Int = 0) {
      (self.name, self.at, bytes) = (name, at, Array(text.utf8))
    }

    init(_ name: String, _ bytes: [UInt8]) {
      (self.name, self.bytes) = (name, bytes)
    }

    func matches(_ head: [UInt8]) -> Bool { head.dropFirst(at).starts(with: bytes) }
  }

  private static let pictures = [
    Mark("a HEIC", "ftypheic", at: 4), Mark("a HEIC", "ftypheix", at: 4),
    Mark("a HEIC", "ftyphevc", at: 4), Mark("a HEIF", "ftypmif1", at: 4),
    Mark("a HEIF", "ftypmsf1", at: 4), Mark("an AVIF", "ftypavif", at: 4),
    Mark("an AVIF", "ftypavis", at: 4), Mark("a JPEG XL", [0xFF, 0x0A]),
    Mark("a JPEG XL", [0, 0, 0, 12] + Array("JXL ".utf8)),
    Mark("a JPEG 2000", [0, 0, 0, 12] + Array("jP  ".utf8)),
    Mark("a JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51]), Mark("a Photoshop", "8BPS"),
    Mark("an OpenEXR", [0x76, 0x2F, 0x31, 0x01]), Mark("a Radiance", "#?RADIANCE"),
    Mark("an icon's", [0, 0, 1, 0]), Mark("a PBM", "P4\n"), Mark("a PGM", "P5\n"),
    Mark("a PPM", "P6\n"), Mark("a DICOM", "DICM", at: 128),
  ]

  private static let others = [
    Mark("a Git LFS pointer (run 'git lfs pull')", "version https://git-lfs"),
    Mark("a PDF", "%PDF"), Mark("a ZIP archive", [0x50, 0x4B, 3, 4]),
    Mark("gzip data", [0x1F, 0x8B]), Mark("an xz archive", [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
    Mark("a 7z archive", [0x37, 0x7A, 0xBC, 0xAF]), Mark("a RAR archive", "Rar!"),
    Mark("an MP4 or QuickTime video", "ftyp", at: 4), Mark("an AVI video", "AVI ", at: 8),
    Mark("a Matroska video", [0x1A, 0x45, 0xDF, 0xA3]),
    Mark("an HDF5 file", [0x89, 0x48, 0x44, 0x46]),
    Mark("a NumPy array", [0x93] + Array("NUMPY".utf8)),
  ]

  /// HTML, XML, JSON or other text; `nil` for bytes that are no text.
  private static func text(_ head: [UInt8]) -> String? {
    // A character may be cut at the end.
    let whole = (0..<4).lazy.compactMap { cut in
      String(validating: head.dropLast(cut), as: UTF8.self)
    }.first
    guard let whole, !head.contains(where: { $0 < 32 && !(9...13).contains($0) }) else {
      return nil
    }
    var shown = whole.lowercased()[...]
    shown = shown.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if shown.hasPrefix("<") {
      return shown.contains("<svg")
        ? "an SVG drawing"
        : shown.contains("<html") || shown.contains("<!doctype html") ? "an HTML page" : "XML text"
    }
    return shown.hasPrefix("{") ? "JSON text" : "text"
  }

  private static func start(_ window: inout ByteWindow) throws(Failure) -> [UInt8] {
    var head: [UInt8] = []
    for at in 0..<min(window.count, 512) { head.append(try window.byte(at)) }
    return head
  }
}
