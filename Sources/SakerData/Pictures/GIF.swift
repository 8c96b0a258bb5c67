/// The first frame of a GIF, on its screen. CompuServe's "Graphics Interchange Format", version
/// 89a. Written here because it is shorter than what calling a library takes (docs/decisions/0024).
enum GIF {
  typealias Failure = FileBytes.Failure

  static func header(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    let frame = try GIFFrame(&window)
    var header = PictureHeader(
      format: .gif, width: max(frame.screen.width, frame.left + frame.width),
      height: max(frame.screen.height, frame.top + frame.height), ends: frame.ends)
    if frame.hasMore { header.note = "is animated; its first frame is read" }
    return header
  }

  /// Where the frame doesn't reach, the screen has the transparent colour, or the first
  /// one, as in Pillow.
  static func decode(_ bytes: [UInt8], _ header: PictureHeader) throws -> Picture {
    var window = ByteWindow(bytes)
    let frame = try GIFFrame(&window)
    let indices = try indices(bytes, at: frame.data, count: frame.width * frame.height)
    var colors = [RGB](repeating: .black, count: 256)
    if let table = frame.colors {
      for i in 0..<table.count {
        let at = table.at + 3 * i
        colors[i] = RGB(bytes[at], bytes[at + 1], bytes[at + 2])
      }
    } else {
      for i in 0..<256 { colors[i] = RGB(UInt8(i), UInt8(i), UInt8(i)) }
    }
    var picture = Picture(
      width: header.width, height: header.height, filledWith: colors[Int(frame.transparent ?? 0)])
    for (index, row) in frame.rows.enumerated() {
      for x in 0..<frame.width {
        picture[frame.left + x, frame.top + row] = colors[Int(indices[index * frame.width + x])]
      }
    }
    return picture
  }

  /// Appendix F: codes of growing width, least bit first, in blocks of up to 255 bytes; each stands
  /// for a string of indices.
  private static func indices(_ bytes: [UInt8], at data: Int, count: Int) throws(Failure) -> [UInt8]
  {
    func cut(_ done: Int) -> Failure {
      Failure("is a truncated GIF (\(bytes.count) bytes; \(done) of \(count) pixels)")
    }
    let least = Int(bytes[data])
    guard (1...8).contains(least) else {
      throw Failure("is a broken GIF: codes of \(least) bits")
    }
    let (clear, end, most) = (1 << least, 1 << least + 1, 4096)
    // Of each code: the code without its last index, the last and first index, and how many there
    // are.
    var before = [UInt16](repeating: 0, count: most)
    var last = (0..<most).map { UInt8(truncatingIfNeeded: $0) }
    var first = last
    var length = [UInt16](repeating: 1, count: most)
    var (next, width, previous) = (clear + 2, least + 1, -1)
    var (bits, held, at, left, done) = (0, 0, data + 1, 0, 0)
    var result = [UInt8](repeating: 0, count: count)
    while done < count {
      while held < width {
        if left == 0 {
          guard at < bytes.count, bytes[at] > 0 else { throw cut(done) }
          left = Int(bytes[at])
          at += 1
        }
        guard at < bytes.count else { throw cut(done) }
        bits |= Int(bytes[at]) << held
        (held, at, left) = (held + 8, at + 1, left - 1)
      }
      let code = bits & (1 << width - 1)
      (bits, held) = (bits >> width, held - width)
      if code == clear {
        (next, width, previous) = (clear + 2, least + 1, -1)
        continue
      }
      guard code != end else { throw cut(done) }
      guard code < (previous < 0 ? clear : next + 1) else {
        throw Failure("is a broken GIF: code \(code) before it is defined")
      }
      // A code that is about to be defined is the previous string and its own first index.
      let known = code < next || previous < 0 ? code : previous
      var (string, place) = (known, done + Int(length[known]))
      if known != code, place < count { result[place] = first[known] }
      done = place + (known == code ? 0 : 1)
      while true {
        place -= 1
        if place < count { result[place] = last[string] }
        if length[string] == 1 { break }
        string = Int(before[string])
      }
      if previous >= 0, next < most {
        before[next] = UInt16(previous)
        (last[next], first[next]) = (first[known], first[previous])
        length[next] = length[previous] + 1
        next += 1
        if next == 1 << width, width < 12 { width += 1 }
      }
      previous = code
    }
    return result
  }
}

/// Where the first frame of a GIF stands and how it is to be read.
private struct GIFFrame {
  typealias Failure = FileBytes.Failure

  let screen: PictureSize
  private(set) var left, top, width, height: Int
  private(set) var isInterlaced: Bool
  /// The table in use, entries of three bytes; without one, indices are levels of gray.
  private(set) var colors: (at: Int, count: Int)?
  private(set) var transparent: UInt8?
  /// Where the width of the first codes stands, which the data follow.
  private(set) var data: Int
  /// Whether the data end before the file does.
  private(set) var ends = false
  private(set) var hasMore = false

  init(_ window: inout ByteWindow) throws(Failure) {
    screen = PictureSize(width: try window.little16(6), height: try window.little16(8))
    var at = 13
    /// A table as bits 0...2 and 7 of `flags` tell, behind which `at` goes.
    func table(_ flags: UInt8, _ window: ByteWindow) throws(Failure) -> (at: Int, count: Int)? {
      guard flags & 0x80 != 0 else { return nil }
      let found = (at, 2 << Int(flags & 7))
      at += 3 * found.1
      guard at <= window.count else { throw Failure("is a truncated GIF (\(window.count) bytes)") }
      return found
    }
    colors = try table(window.byte(10), window)
    while try window.byte(at) != 0x2C {
      switch try window.byte(at) {
      case 0x21:
        if try window.byte(at + 1) == 0xF9, try window.byte(at + 2) >= 4,
          try window.byte(at + 3) & 1 != 0
        {
          transparent = try window.byte(at + 6)
        }
        at = try GIFFrame.behindBlocks(&window, at + 2)
      case 0: at += 1  // some programs write one empty block too many
      case 0x3B: throw Failure("is a GIF without a picture")
      case let other: throw Failure("is a broken GIF: no block begins with \(other)")
      }
    }
    (left, top) = (try window.little16(at + 1), try window.little16(at + 3))
    (width, height) = (try window.little16(at + 5), try window.little16(at + 7))
    guard width > 0, height > 0 else { throw Failure("has no size (\(width)x\(height))") }
    let flags = try window.byte(at + 9)
    isInterlaced = flags & 0x40 != 0
    at += 10
    colors = try table(flags, window) ?? colors
    data = at
    _ = try window.byte(data)
    // What is behind the first frame is no reason to refuse it.
    guard var next = try? GIFFrame.behindBlocks(&window, data + 1) else { return }
    ends = true
    while let mark = try? window.byte(next), mark == 0x21,
      let behind = try? GIFFrame.behindBlocks(&window, next + 2)
    {
      next = behind
    }
    hasMore = (try? window.byte(next)) == 0x2C
  }

  /// The place behind blocks that begin at `start`, the last of which is empty.
  private static func behindBlocks(_ window: inout ByteWindow, _ start: Int) throws(Failure) -> Int
  {
    var at = start
    while true {
      let count = Int(try window.byte(at))
      at += 1 + count
      if count == 0 { return at }
    }
  }

  /// Rows in the order in which they are stored.
  var rows: [Int] {
    guard isInterlaced else { return Array(0..<height) }
    return [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { first, step in
      Array(stride(from: first, to: height, by: step))
    }
  }
}
