import Synchronization

/// A part of a picture on its way into a file of its own.
public struct PicturePiece: Hashable, Sendable {
  /// Path of the picture.
  public var picture: String
  /// Whole pixels of the upright picture; what lies outside of it is filled with gray (114).
  public var left, top, width, height: Int
  /// Path of the file to write.
  public var file: String

  public init(_ picture: String, left: Int, top: Int, width: Int, height: Int, file: String) {
    precondition(width > 0 && height > 0, "a piece is at least 1x1, got \(width)x\(height)")
    (self.picture, self.file) = (picture, file)
    (self.left, self.top, self.width, self.height) = (left, top, width, height)
  }

  /// Cuts the pieces out and writes them, each picture decoded once, on all cores.
  /// Folders must be there.
  ///
  /// - Parameters:
  ///   - side: the longer side of a piece is brought to at most so many pixels, with its
  ///     proportions.
  ///   - encoding: by default what a file's extension says.
  /// - Returns: why pictures could not be decoded; their pieces are missing.
  /// - Throws: `PictureError` when a file cannot be written.
  public static func write(
    _ pieces: [PicturePiece], side: Int? = nil, as encoding: Picture.Encoding? = nil
  ) throws -> [PictureError] {
    var (order, groups): ([String], [String: [PicturePiece]]) = ([], [:])
    for piece in pieces {
      if groups[piece.picture] == nil { order.append(piece.picture) }
      groups[piece.picture, default: []].append(piece)
    }
    let failed = Mutex<PictureError?>(nil)
    let (names, work) = (order, groups)
    let unread: [PictureError?] = Concurrently.map(order.count) { i in
      guard failed.withLock({ $0 == nil }) else { return nil }
      let name = names[i]
      let picture: Picture
      do {
        picture = try Picture(file: name)
      } catch {
        return error as? PictureError ?? PictureError(file: name, reason: "\(error)")
      }
      do {
        for piece in work[name] ?? [] {
          guard let encoding = encoding ?? Picture.Encoding(path: piece.file) else {
            throw PictureError(
              file: piece.file, reason: "expected a name that ends in .jpg, .jpeg or .png")
          }
          let bytes = try picture.cut(piece).fitting(side).encoded(as: encoding)
          do throws(FileBytes.Failure) {
            try FileBytes.put(bytes, to: piece.file)
          } catch {
            throw PictureError(file: piece.file, reason: "cannot be written: \(error.reason)")
          }
        }
      } catch {
        let reason = error as? PictureError ?? PictureError(file: name, reason: "\(error)")
        failed.withLock { if $0 == nil { $0 = reason } }
      }
      return nil
    }
    if let error = failed.withLock({ $0 }) { throw error }
    return unread.compactMap(\.self)
  }
}

extension Picture {
  /// The pixels of a piece; gray where it reaches out of the picture.
  func cut(_ piece: PicturePiece) -> Picture {
    let (left, top) = (max(piece.left, 0), max(piece.top, 0))
    let right = min(piece.left + piece.width, width)
    let bottom = min(piece.top + piece.height, height)
    guard left < right && top < bottom else {
      return Picture(width: piece.width, height: piece.height, filledWith: .letterboxGray)
    }
    let inside = cropped(x: left, y: top, width: right - left, height: bottom - top)
    if inside.width == piece.width && inside.height == piece.height { return inside }
    var whole = Picture(width: piece.width, height: piece.height, filledWith: .letterboxGray)
    for y in 0..<inside.height {
      let row = inside.pixels[3 * y * inside.width..<3 * (y + 1) * inside.width]
      let at = 3 * ((y + top - piece.top) * piece.width + left - piece.left)
      whole.pixels.replaceSubrange(at..<at + row.count, with: row)
    }
    return whole
  }

  /// Shrunk, with its proportions, until its longer side has at most so many pixels.
  func fitting(_ side: Int?) -> Picture {
    guard let side, max(width, height) > side else { return self }
    let scale = Double(side) / Double(max(width, height))
    return resized(
      width: max(1, Int((Double(width) * scale).rounded())),
      height: max(1, Int((Double(height) * scale).rounded())))
  }
}
