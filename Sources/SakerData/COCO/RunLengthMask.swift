/// A mask as lengths of runs down the columns, left to right: first 0s (maybe none), then 1s, and
/// so on. COCO's form.
public struct RunLengthMask: Hashable, Sendable {
  public let height, width: Int
  /// They add up to `height * width`; any of them may be 0.
  public let counts: [UInt32]

  /// Above this a picture's side is a mistake.
  public static let sideLimit = 1 << 20

  /// `nil` if the runs don't add up to the size, or the size is over 2^31 pixels.
  public init?(height: Int, width: Int, counts: [UInt32]) {
    guard (0...Self.sideLimit).contains(height), (0...Self.sideLimit).contains(width),
      height * width <= 1 << 31
    else { return nil }
    var sum = 0
    for count in counts { sum += Int(count) }
    guard sum == height * width else { return nil }
    self.init(unchecked: counts, height: height, width: width)
  }

  init(unchecked counts: [UInt32], height: Int, width: Int) {
    self.counts = counts
    self.height = height
    self.width = width
  }

  /// From pixels row by row; anything but 0 is inside.
  public init(rows: [UInt8], height: Int, width: Int) {
    precondition(
      rows.count == height * width, "\(rows.count) pixels are not \(height) * \(width)")
    var counts: [UInt32] = []
    var (last, run) = (false, UInt32(0))
    for x in 0..<width {
      for y in 0..<height {
        let inside = rows[y * width + x] != 0
        if inside != last {
          counts.append(run)
          (last, run) = (inside, 0)
        }
        run += 1
      }
    }
    counts.append(run)
    self.init(unchecked: counts, height: height, width: width)
  }

  /// 0 or 1 a pixel, row by row.
  public var rows: [UInt8] {
    var rows = [UInt8](repeating: 0, count: height * width)
    var place = 0
    for (index, count) in counts.enumerated() {
      if index % 2 == 1 {
        for pixel in place..<place + Int(count) {
          rows[pixel % height * width + pixel / height] = 1
        }
      }
      place += Int(count)
    }
    return rows
  }

  /// Pixels inside.
  public var area: Int {
    stride(from: 1, to: counts.count, by: 2).reduce(0) { $0 + Int(counts[$1]) }
  }

  /// The smallest box around the pixels inside; all 0 without any.
  public var box: COCOBox {
    var (left, top, right, bottom) = (width, height, -1, -1)
    var place = 0
    for (index, count) in counts.enumerated() {
      let start = place
      place += Int(count)
      guard index % 2 == 1, count > 0 else { continue }
      let end = place - 1
      let (first, last) = (start / height, end / height)
      left = min(left, first)
      right = max(right, last)
      if first < last {
        (top, bottom) = (0, height - 1)
      } else {
        top = min(top, start % height)
        bottom = max(bottom, end % height)
      }
    }
    guard right >= 0 else { return COCOBox(x: 0, y: 0, width: 0, height: 0) }
    return COCOBox(
      x: Double(left), y: Double(top), width: Double(right - left + 1),
      height: Double(bottom - top + 1))
  }

  /// Pixels inside both. The masks must have one size.
  public func intersection(_ other: RunLengthMask) -> Int {
    precondition(
      height == other.height && width == other.width,
      "masks of \(height) x \(width) and \(other.height) x \(other.width) don't cover each other")
    return counts.withUnsafeBufferPointer { a in
      other.counts.withUnsafeBufferPointer { b in
        // Both as runs of 1s, walked side by side.
        var (i, j, shared) = (1, 1, 0)
        var startA = a.isEmpty ? 0 : Int(a[0])
        var startB = b.isEmpty ? 0 : Int(b[0])
        while i < a.count && j < b.count {
          let endA = startA + Int(a[i])
          let endB = startB + Int(b[j])
          shared += max(0, min(endA, endB) - max(startA, startB))
          if endA <= endB {
            startA = i + 1 < a.count ? endA + Int(a[i + 1]) : endA
            i += 2
          } else {
            startB = j + 1 < b.count ? endB + Int(b[j + 1]) : endB
            j += 2
          }
        }
        return shared
      }
    }
  }

  /// Pixels inside any of them, which must have one size.
  public static func union(_ masks: [RunLengthMask]) -> RunLengthMask {
    precondition(!masks.isEmpty, "a union of no masks has no size")
    return masks.dropFirst().reduce(masks[0]) { $0.union($1) }
  }

  private func union(_ other: RunLengthMask) -> RunLengthMask {
    precondition(
      height == other.height && width == other.width,
      "masks of \(height) x \(width) and \(other.height) x \(other.width) don't cover each other")
    var merged: [UInt32] = []
    merged.reserveCapacity(max(counts.count, other.counts.count))
    counts.withUnsafeBufferPointer { a in
      other.counts.withUnsafeBufferPointer { b in
        var (i, j) = (0, 0)
        var (leftA, leftB) = (a.first ?? 0, b.first ?? 0)
        var (value, run) = (false, UInt32(0))
        var left = height * width
        while left > 0 {
          while leftA == 0 {
            i += 1
            leftA = a[i]
          }
          while leftB == 0 {
            j += 1
            leftB = b[j]
          }
          let inside = i % 2 == 1 || j % 2 == 1
          if inside != value {
            merged.append(run)
            (value, run) = (inside, 0)
          }
          let step = min(leftA, leftB)
          run += step
          leftA -= step
          leftB -= step
          left -= Int(step)
        }
        merged.append(run)
      }
    }
    return RunLengthMask(unchecked: merged, height: height, width: width)
  }
}

// MARK: As a string

extension RunLengthMask {
  /// COCO's string: from the third run on the difference to the one two before, five bits a
  /// character from the low ones up, a sixth bit where more follow, plus 48.
  public var compressed: String {
    var text: [UInt8] = []
    for (index, count) in counts.enumerated() {
      var value = Int(count)
      if index > 2 { value -= Int(counts[index - 2]) }
      while true {
        let low = UInt8(value & 0x1F)
        value >>= 5
        let isLast = low & 0x10 != 0 ? value == -1 : value == 0
        text.append((isLast ? low : low | 0x20) + 48)
        if isLast { break }
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The runs of such a string; `nil` if it is broken.
  static func counts(compressed text: some Sequence<UInt8>) -> [UInt32]? {
    var counts: [UInt32] = []
    var (value, shift) = (0, 0)
    for byte in text {
      let digit = Int(byte) - 48
      // Seven characters hold what a difference of 32-bit runs needs.
      guard (0..<64).contains(digit), shift < 40 else { return nil }
      value |= (digit & 0x1F) << shift
      shift += 5
      if digit & 0x20 != 0 { continue }
      if digit & 0x10 != 0 { value |= -1 << shift }
      if counts.count > 2 { value += Int(counts[counts.count - 2]) }
      guard let count = UInt32(exactly: value) else { return nil }
      counts.append(count)
      (value, shift) = (0, 0)
    }
    return shift == 0 ? counts : nil
  }
}
