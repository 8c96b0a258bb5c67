import Foundation

extension Picture {
  /// Formats that can be written.
  public enum Encoding: Hashable, Sendable {
    /// `quality` 1...100; chroma at half resolution.
    case jpeg(quality: Int = 92)
    /// Without loss; `level` is zlib's, 0 (fast) ... 9 (small). Beyond 4 a photograph shrinks by 5
    /// % more and takes 3 to 15 times as long.
    case png(level: Int = 4)

    /// By a file's extension: `jpg`, `jpeg` or `png`, in any case; `nil` for others.
    public init?(path: String) {
      switch (path as NSString).pathExtension.lowercased() {
      case "jpg", "jpeg": self = .jpeg()
      case "png": self = .png()
      default: return nil
      }
    }
  }

  /// Decodes a JPEG, PNG, GIF, WebP, BMP or TIFF file, told by its content, to upright RGB: EXIF's
  /// orientation is honoured, gray and palettes are expanded, CMYK is converted, 16 bits keep their
  /// high byte, alpha is dropped. Of several frames or pages, the first.
  ///
  /// - Throws: `PictureError` when the file cannot be read, is not a picture, is truncated or
  ///   broken, or is larger than `maximumSide` or `maximumPixels`.
  public init(file path: String) throws {
    self = try Picture.read(path).picture
  }

  /// As `init(file:)`, with what isn't read of the file or was filled in, in words:
  /// `is animated; its first frame is read`.
  public static func read(_ path: String) throws -> (picture: Picture, notes: [String]) {
    do {
      // A large file that is no picture is refused by its first bytes, before all of it is read.
      var window = ByteWindow(try FileBytes.Handle(path))
      _ = try PictureHeader(&window)
      return try decode(FileBytes.read(path))
    } catch let failure as FileBytes.Failure {
      throw PictureError(file: path, reason: failure.reason)
    }
  }

  /// Decodes a picture's file that is already in memory; as `init(file:)`, and `name` stands for
  /// the file in errors.
  public init(bytes: [UInt8], name: String = "picture in memory") throws {
    do {
      self = try Picture.decode(bytes).picture
    } catch let failure as FileBytes.Failure {
      throw PictureError(file: name, reason: failure.reason)
    }
  }

  private static func decode(_ bytes: [UInt8]) throws -> (picture: Picture, notes: [String]) {
    var window = ByteWindow(bytes)
    let header = try PictureHeader(&window)
    var notes = [header.note].compactMap(\.self)
    let stored =
      switch header.format {
      case .jpeg: try bytes.withUnsafeBufferPointer { try JPEG.decode($0, header, &notes) }
      case .png: try bytes.withUnsafeBufferPointer { try PNG.decode($0, header) }
      case .gif: try GIF.decode(bytes, header)
      case .webp: try bytes.withUnsafeBufferPointer { try WebP.decode($0, header) }
      case .bmp: try BMP.decode(bytes, header)
      case .tiff: try bytes.withUnsafeBufferPointer { try TIFF.decode($0, header) }
      }
    return (stored.oriented(header.orientation), notes)
  }

  /// Width and height of the upright picture, from the header alone: some kilobytes are read,
  /// nothing is decoded.
  ///
  /// - Throws: `PictureError` as `init(file:)`, as far as the header tells.
  public static func size(ofFile path: String) throws -> PictureSize {
    try header(ofFile: path).size
  }

  /// Numbers that a gray PNG of 16 bits holds, with its size; `nil` for other pictures.
  ///
  /// - Throws: `PictureError`.
  static func gray16(ofFile path: String) throws -> (levels: [UInt16], size: PictureSize)? {
    do {
      var window = ByteWindow(try FileBytes.Handle(path))
      let header = try PictureHeader(&window)
      // Depth and colour type of the header chunk. Numbers that a program wrote are not turned.
      guard header.format == .png, header.orientation == .upright,
        try window.matches([16, 0], at: 24)
      else { return nil }
      return (try PNG.gray16(FileBytes.read(path), header), header.size)
    } catch let failure as FileBytes.Failure {
      throw PictureError(file: path, reason: failure.reason)
    }
  }

  static func header(ofFile path: String) throws -> PictureHeader {
    do {
      var window = ByteWindow(try FileBytes.Handle(path))
      return try PictureHeader(&window)
    } catch {
      throw PictureError(file: path, reason: error.reason)
    }
  }

  /// Writes the image atomically: under a temporary name, which is then renamed.
  ///
  /// - Parameter encoding: by default what the path's extension says.
  /// - Throws: `PictureError` when the extension is neither JPEG's nor PNG's, or the file
  ///   cannot be written.
  public func write(to path: String, as encoding: Encoding? = nil) throws {
    guard let encoding = encoding ?? Encoding(path: path) else {
      throw PictureError(
        file: path, reason: "cannot be written: expected a name that ends in .jpg, .jpeg or .png")
    }
    do {
      try FileBytes.write(encoded(as: encoding), to: path)
    } catch let failure as FileBytes.Failure {
      throw PictureError(file: path, reason: failure.reason)
    }
  }

  /// The picture as the bytes of a file.
  ///
  /// - Throws: `PictureError` when the format cannot hold it (JPEG: a side above 65,500).
  public func encoded(as encoding: Encoding) throws -> [UInt8] {
    do {
      switch encoding {
      case .jpeg(let quality):
        precondition((1...100).contains(quality), "JPEG quality is 1...100, got \(quality)")
        return try JPEG.encode(self, quality: quality)
      case .png(let level):
        precondition((0...9).contains(level), "PNG level is 0...9, got \(level)")
        return try PNG.encode(self, level: level)
      }
    } catch let failure as FileBytes.Failure {
      throw PictureError(file: "picture in memory", reason: failure.reason)
    }
  }
}
