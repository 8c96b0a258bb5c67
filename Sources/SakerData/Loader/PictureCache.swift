import Foundation

/// Keeps decoded pictures, in memory or in files, up to a number of bytes. What does not fit is
/// decoded each time: keeping the first pictures serves passes over a whole set better than keeping
/// the last ones, which the next pass needs last.
public final class PictureCache: Sendable {
  public enum Place: Hashable, Sendable {
    case memory
    /// Files in a folder, which is made if it is not there. They stay for later runs; a picture
    /// that has changed since is decoded again.
    case folder(String)
  }

  public let place: Place
  /// The most bytes that are kept.
  public let limit: Int

  private struct State {
    var pictures: [String: Picture] = [:]
    var used = 0
    var hits = 0
    var misses = 0
  }
  private let lock = NSLock()
  nonisolated(unsafe) private var state = State()

  /// - Throws: `PictureError` if the folder cannot be made.
  public init(_ place: Place, limit: Int) throws {
    precondition(limit >= 0, "limit: expected 0 or more bytes, got \(limit)")
    self.place = place
    self.limit = limit
    guard case .folder(let folder) = place else { return }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw PictureError(file: folder, reason: "cannot be made: \(error.localizedDescription)")
    }
    for name in LabelFolder.names(folder) where name.hasSuffix(".rgb") {
      state.used += (try? FileBytes.Handle(folder + "/" + name).count) ?? 0
    }
  }

  /// Bytes kept, and how often a picture was found or had to be decoded.
  public var usage: (bytes: Int, hits: Int, misses: Int) {
    lock.withLock { (state.used, state.hits, state.misses) }
  }

  /// The picture of a file, from the cache if it is there.
  ///
  /// - Throws: `PictureError` as `Picture(file:)` does.
  public func picture(_ path: String) throws -> Picture {
    switch place {
    case .memory:
      if let kept = lock.withLock({ state.pictures[path] }) {
        lock.withLock { state.hits += 1 }
        return kept
      }
      let picture = try Picture(file: path)
      lock.withLock {
        state.misses += 1
        guard state.used + picture.pixels.count <= limit, state.pictures[path] == nil else {
          return
        }
        state.used += picture.pixels.count
        state.pictures[path] = picture
      }
      return picture
    case .folder(let folder): return try stored(path, folder)
    }
  }

  private func stored(_ path: String, _ folder: String) throws -> Picture {
    guard let key = PictureCache.key(path) else { return try Picture(file: path) }
    let file = "\(folder)/\(key).rgb"
    if let bytes = try? FileBytes.read(file), let picture = PictureCache.unpack(bytes) {
      lock.withLock { state.hits += 1 }
      return picture
    }
    let picture = try Picture(file: path)
    let bytes = PictureCache.pack(picture)
    let fits = lock.withLock {
      state.misses += 1
      guard state.used + bytes.count <= limit else { return false }
      state.used += bytes.count
      return true
    }
    if fits {
      // Under another name first: another process may look at the same moment.
      let partial = "\(file).\(getpid()).\(UInt64.random(in: 0 ... .max)).partial"
      if (try? FileBytes.put(bytes, to: partial)) == nil || rename(partial, file) != 0 {
        unlink(partial)
        lock.withLock { state.used -= bytes.count }
      }
    }
    return picture
  }

  /// Path, size and time of the last change, as one number of 64 bits twice (FNV-1a
  /// from two starts).
  private static func key(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let text = "\(path)\0\(status.st_size)\0\(status.st_mtim.tv_sec)\0\(status.st_mtim.tv_nsec)"
    let halves = [UInt64(0xCBF2_9CE4_8422_2325), 0x9AE1_6A3B_2F90_404F].map { start in
      text.utf8.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
    return halves.map { String($0, radix: 16) }.joined(separator: "-")
  }

  private static let mark = Array("SAKERRGB".utf8)

  private static func pack(_ picture: Picture) -> [UInt8] {
    var bytes = mark
    for side in [picture.width, picture.height] {
      for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: side >> shift)) }
    }
    return bytes + picture.pixels
  }

  private static func unpack(_ bytes: [UInt8]) -> Picture? {
    guard bytes.count > 16, bytes.starts(with: mark) else { return nil }
    func side(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    let (width, height) = (side(8), side(12))
    guard width > 0, height > 0, width <= Picture.maximumSide, height <= Picture.maximumSide,
      bytes.count == 16 + width * height * 3
    else { return nil }
    return Picture(width: width, height: height, pixels: Array(bytes[16...]))
  }
}
