import CKernels

/// Large blocks cut from one range of addresses and joined again when they are free, so that what
/// one layer gave back serves the next one's other size: a training step's peak is what lives at a
/// time, not the sum over all sizes.
///
/// Not safe to use from two threads at once: its owner holds a lock.
struct Arena {
  /// Sizes and places are multiples of this.
  static let grain = 1 << 16

  private struct Hole {
    var start: Int
    var count: Int
    var end: Int { start + count }
  }

  private let base: UInt
  private let reserved: Int
  /// By rising start; no two touch.
  private var holes: [Hole] = []
  /// Where untouched addresses begin.
  private var top = 0

  /// - Returns: `nil` if the system does not give so many addresses.
  init?(reserving bytes: Int) {
    guard let start = saker_reserve(bytes) else { return nil }
    base = UInt(bitPattern: start)
    reserved = bytes
  }

  static func rounded(_ bytes: Int) -> Int { (bytes + grain - 1) / grain * grain }

  /// The address of `count` bytes, a multiple of `grain`: the smallest hole that fits, the
  /// lowest of equals.
  mutating func take(_ count: Int) -> UInt? {
    var best: Int?
    for index in holes.indices where holes[index].count >= count {
      if best == nil || holes[index].count < holes[best!].count { best = index }
    }
    if let best {
      let start = holes[best].start
      holes[best].start += count
      holes[best].count -= count
      if holes[best].count == 0 { holes.remove(at: best) }
      return base + UInt(start)
    }
    // A hole at the end grows by what it lacks.
    var start = top
    if let last = holes.last, last.end == top { start = last.start }
    guard start + count <= reserved, saker_commit(base + UInt(top), start + count - top) == 0 else {
      return nil
    }
    if start < top { holes.removeLast() }
    top = start + count
    return base + UInt(start)
  }

  mutating func give(_ address: UInt, _ count: Int) {
    var hole = Hole(start: Int(address - base), count: count)
    var index = holes.partitioningIndex { $0.start > hole.start }
    if index < holes.count, holes[index].start == hole.end {
      hole.count += holes.remove(at: index).count
    }
    if index > 0, holes[index - 1].end == hole.start {
      index -= 1
      hole = Hole(start: holes[index].start, count: holes[index].count + hole.count)
      holes.remove(at: index)
    }
    holes.insert(hole, at: index)
  }

  func contains(_ address: UInt) -> Bool { address >= base && address < base + UInt(reserved) }

  /// Gives the memory of all holes back to the system; the addresses stay.
  func release() {
    for hole in holes { saker_decommit(base + UInt(hole.start), hole.count) }
  }
}

extension Array {
  /// The first index whose element and all after it fulfil `condition`.
  fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
