import CKernels

// Sorting works on keys: unsigned integers in the order of the elements, so that one loop serves
// all types, what is not a number stands after everything else, and a descending order is the keys'
// complement, stable as well.

/// The positions that put an axis in order: int64. Equal elements keep their order.
struct Argsort: TensorOperation {
  let axis: Int
  let descending: Bool

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].comparable.dense
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, lanes.size, .int64)
    let to = result.pointer(Int64.self)
    OrderKeys.run(x, lanes, descending: descending) { keys, first in
      let positions = RadixSort.positions(keys)
      for (step, position) in positions.enumerated() {
        to[first + step * lanes.inner] = Int64(position)
      }
    }
    return result
  }
}

/// The positions of the largest or smallest elements along an axis, in their order: int64. Of equal
/// ones the first.
struct ArgTop: TensorOperation {
  let axis: Int
  let count: Int
  let largest: Bool

  var name: String { "topK" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].comparable.dense
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, count, .int64)
    let to = result.pointer(Int64.self)
    OrderKeys.run(x, lanes, descending: largest) { keys, first in
      let block = first / Swift.max(lanes.size * lanes.inner, 1)
      let lane = first - block * lanes.size * lanes.inner
      let start = block * count * lanes.inner + lane
      for (step, position) in leading(keys).enumerated() {
        to[start + step * lanes.inner] = Int64(position)
      }
    }
    return result
  }

  private func leading(_ keys: UnsafeMutableBufferPointer<UInt64>) -> [Int] {
    if count > keys.count / 8 { return Array(RadixSort.positions(keys).prefix(count)) }
    return SmallestKeys.positions(keys, count)
  }
}

/// Keys in the order of the elements.
enum OrderKeys {
  /// Calls `body(keys of a lane, the lane's first element)` for every lane.
  static func run(
    _ x: Tensor, _ lanes: Lanes, descending: Bool,
    _ body: (UnsafeMutableBufferPointer<UInt64>, Int) -> Void
  ) {
    let isFloat = x.dtype == .float32
    let (floats, integers) = (x.raw.assumingMemoryBound(to: UInt32.self), x.pointer(Int64.self))
    guard lanes.size > 0 else { return }
    lanes.run { block, part in
      let keys = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: lanes.size)
      defer { keys.deallocate() }
      for lane in part {
        let first = block * lanes.size * lanes.inner + lane
        for step in 0..<lanes.size {
          let i = first + step * lanes.inner
          keys[step] = isFloat ? key(floats[i], descending) : key(integers[i], descending)
        }
        body(keys, first)
      }
    }
  }

  /// A float's bits grow with it once the sign is turned: all bits of negative numbers, the first
  /// of others. -0 is 0.
  @inline(__always)
  private static func key(_ bits: UInt32, _ descending: Bool) -> UInt64 {
    let magnitude = bits & 0x7FFF_FFFF
    let key: UInt32 =
      magnitude > 0x7F80_0000
      ? .max : magnitude == 0 ? 0x8000_0000 : bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
    return UInt64(descending ? ~key : key)
  }

  @inline(__always)
  private static func key(_ value: Int64, _ descending: Bool) -> UInt64 {
    let key = UInt64(bitPattern: value) ^ (1 << 63)
    return descending ? ~key : key
  }
}

/// Sorts by digits of eleven bits from the lowest, skipping those that all keys share; short rows
/// by insertion.
enum RadixSort {
  private static let bits = 11
  private static let digits = 6

  /// The positions that put `keys` in ascending order; equal ones keep theirs. Overwrites `keys`.
  static func positions(_ keys: UnsafeMutableBufferPointer<UInt64>) -> [Int] {
    let count = keys.count
    if count <= 48 { return inserted(keys) }
    let buckets = 1 << bits
    var counts = [Int](repeating: 0, count: digits * buckets)
    let spare = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
    let order = UnsafeMutableBufferPointer<Int>.allocate(capacity: 2 * count)
    defer {
      spare.deallocate()
      order.deallocate()
    }
    var (keys, otherKeys) = (keys.baseAddress!, spare.baseAddress!)
    var (places, otherPlaces) = (order.baseAddress!, order.baseAddress! + count)
    for i in 0..<count { places[i] = i }
    counts.withUnsafeMutableBufferPointer { counts in
      var varying: UInt64 = 0
      for i in 0..<count { varying |= keys[i] ^ keys[0] }
      let used = (0..<digits).filter { bucket(of: varying, at: UInt64($0 * bits)) != 0 }
      for digit in used {
        for i in 0..<count {
          counts[digit * buckets + bucket(of: keys[i], at: UInt64(digit * bits))] &+= 1
        }
      }
      for digit in used {
        let counts = counts.baseAddress! + digit * buckets
        let shift = UInt64(digit * bits)
        if counts[bucket(of: keys[0], at: shift)] == count { continue }
        var start = 0
        for bucket in 0..<buckets {
          let size = counts[bucket]
          counts[bucket] = start
          start += size
        }
        for i in 0..<count {
          let bucket = Self.bucket(of: keys[i], at: shift)
          let place = counts[bucket]
          counts[bucket] = place &+ 1
          otherKeys[place] = keys[i]
          otherPlaces[place] = places[i]
        }
        swap(&keys, &otherKeys)
        swap(&places, &otherPlaces)
      }
    }
    return Array(UnsafeBufferPointer(start: places, count: count))
  }

  @inline(__always)
  private static func bucket(of key: UInt64, at shift: UInt64) -> Int {
    Int(truncatingIfNeeded: (key >> shift) & ((1 << UInt64(bits)) - 1))
  }

  private static func inserted(_ keys: UnsafeMutableBufferPointer<UInt64>) -> [Int] {
    var places = Array(keys.indices)
    for i in keys.indices.dropFirst() {
      let key = keys[i]
      var j = i
      while j > 0 && keys[j - 1] > key {
        keys[j] = keys[j - 1]
        places[j] = places[j - 1]
        j -= 1
      }
      keys[j] = key
      places[j] = i
    }
    return places
  }
}

/// Finds the few smallest of many keys in one pass, with a heap whose top is the largest of those
/// found.
enum SmallestKeys {
  private struct Entry: Comparable {
    let key: UInt64
    let place: Int
    static func < (a: Entry, b: Entry) -> Bool {
      a.key < b.key || (a.key == b.key && a.place < b.place)
    }
  }

  static func positions(_ keys: UnsafeMutableBufferPointer<UInt64>, _ count: Int) -> [Int] {
    guard count > 0 else { return [] }
    var heap = (0..<count).map { Entry(key: keys[$0], place: $0) }
    heap.sort(by: >)
    heap.withUnsafeMutableBufferPointer { heap in
      var top = heap[0].key
      for i in count..<keys.count where keys[i] < top {
        let entry = Entry(key: keys[i], place: i)
        var parent = 0
        while 2 * parent + 1 < count {
          var child = 2 * parent + 1
          if child + 1 < count && heap[child] < heap[child + 1] { child += 1 }
          guard entry < heap[child] else { break }
          heap[parent] = heap[child]
          parent = child
        }
        heap[parent] = entry
        top = heap[0].key
      }
    }
    return heap.sorted().map(\.place)
  }
}

extension Tensor {
  /// The positions that put `axis` in order, int64; equal elements keep their order, what is not a
  /// number counts as the largest.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    apply(Argsort(axis: shape.axis(axis, op: "argsort"), descending: descending), self)
  }

  /// The elements in order along `axis` and where they stood (int64): as `argsort` orders.
  public func sorted(
    axis: Int = -1, descending: Bool = false
  ) -> (values: Tensor, indices: Tensor) {
    let indices = argsort(axis: axis, descending: descending)
    return (gather(indices, axis: axis), indices)
  }

  /// The `count` largest (or smallest) elements along `axis`, in their order, and where they stood
  /// (int64); of equal ones the first.
  public func topK(
    _ count: Int, axis: Int = -1, largest: Bool = true
  ) -> (values: Tensor, indices: Tensor) {
    let axis = shape.axis(axis, op: "topK")
    check(
      count >= 0 && count <= shape[axis], op: "topK",
      expected: "a count in 0...\(shape[axis]) for axis \(axis) of \(shape)", got: count)
    let indices = apply(ArgTop(axis: axis, count: count, largest: largest), self)
    return (gather(indices, axis: axis), indices)
  }

  /// Where elements are not zero, in row-major order: `[how many, rank]`, int64.
  public func nonzero() -> Tensor {
    let mask = converted(to: .bool).contiguous()
    let pointer = mask.pointer(UInt8.self)
    let found = saker_count_true(pointer, count)
    guard rank > 0, found > 0 else { return Tensor(uninitialized: [found, rank], .int64) }
    // One more row is written and not kept.
    let places = Tensor(uninitialized: [found + 1, rank], .int64)
    let to = places.pointer(Int64.self)
    let columns = shape[rank - 1]
    var position = [Int64](repeating: 0, count: rank)
    var next = 0
    for start in stride(from: 0, to: count, by: columns) {
      let new = saker_true_positions(
        pointer + start, columns, 0, rank, to + next * rank + rank - 1)
      for axis in 0..<rank - 1 {
        for i in next..<next + new { to[i * rank + axis] = position[axis] }
      }
      next += new
      var axis = rank - 2
      while axis >= 0 {
        position[axis] += 1
        if position[axis] < shape[axis] { break }
        position[axis] = 0
        axis -= 1
      }
    }
    return withExtendedLifetime(mask) { places.narrow(0, 0..<found) }
  }

  /// The distinct elements in ascending order, how often each occurs, and for each element its
  /// position among them (this tensor's shape), both int64. Carries no gradient.
  public func unique() -> (values: Tensor, counts: Tensor, inverse: Tensor) {
    let flat = detached().reshape([-1]).contiguous()
    let order = flat.argsort()
    let inverse = Tensor(uninitialized: shape, .int64)
    var (firsts, counts): ([Int64], [Int64]) = ([], [])
    func count<T: Scalar & Equatable>(_: T.Type) {
      let values = flat.comparable
      let (from, place) = (values.pointer(T.self), order.pointer(Int64.self))
      let to = inverse.pointer(Int64.self)
      var start = 0
      for i in 0..<flat.count {
        let at = Int(place[i])
        if i == 0 || from[at] != from[Int(place[i - 1])] {
          if i > 0 { counts.append(Int64(i - start)) }
          firsts.append(place[i])
          start = i
        }
        to[at] = Int64(firsts.count - 1)
      }
      if flat.count > 0 { counts.append(Int64(flat.count - start)) }
      withExtendedLifetime((values, order)) {}
    }
    if dtype.isFloating { count(Float.self) } else { count(Int64.self) }
    return (flat.indexSelect(Tensor(firsts)), Tensor(counts), inverse)
  }
}
