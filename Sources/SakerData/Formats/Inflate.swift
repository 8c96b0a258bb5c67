/// Unpacks gzip (RFC 1952) and its compressed blocks (RFC 1951), for MNIST's files.
struct Inflate {
  struct Failure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private var at: Int
  private var bits: UInt64 = 0
  private var bitCount = 0
  private let limit: Int
  /// Whether reaching the limit ends the work instead of being an error.
  private let stops: Bool

  /// - Parameter limit: bytes of the result; a file of a kilobyte can unpack to a megabyte.
  static func gzip(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
    try unpacked(bytes, limit, stops: false)
  }

  /// The first bytes of what is packed, `count` or fewer: enough to see what it is before all of it
  /// is unpacked.
  static func start(of bytes: [UInt8], count: Int) throws(Failure) -> [UInt8] {
    Array(try unpacked(bytes, count, stops: true).prefix(count))
  }

  private static func unpacked(
    _ bytes: [UInt8], _ limit: Int, stops: Bool
  ) throws(Failure) -> [UInt8] {
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<[UInt8], Failure> in
      Result { () throws(Failure) in try gunzip(buffer, limit, stops) }
    }
    return try result.get()
  }

  private static func gunzip(
    _ bytes: UnsafeBufferPointer<UInt8>, _ limit: Int, _ stops: Bool
  ) throws(Failure) -> [UInt8] {
    var output: [UInt8] = []
    var at = 0
    // Members may follow each other; their contents are joined.
    repeat {
      guard bytes.count >= at + 18, bytes[at] == 0x1F, bytes[at + 1] == 0x8B, bytes[at + 2] == 8
      else { throw Failure("is no gzip file, or a truncated one") }
      let flags = bytes[at + 3]
      at += 10
      if flags & 4 != 0 {
        guard at + 2 <= bytes.count else { throw Failure("is a truncated gzip file") }
        at += 2 + Int(bytes[at]) + Int(bytes[at + 1]) << 8
      }
      for flag: UInt8 in [8, 16] where flags & flag != 0 {
        while at < bytes.count, bytes[at] != 0 { at += 1 }
        at += 1
      }
      if flags & 2 != 0 { at += 2 }
      guard at < bytes.count else { throw Failure("is a truncated gzip file") }
      var member = Inflate(bytes: bytes, at: at, limit: limit, stops: stops)
      let start = output.count
      try member.unpack(into: &output)
      if stops && output.count >= limit { return output }
      at = member.endOfInput
      guard at + 8 <= bytes.count else { throw Failure("is a truncated gzip file") }
      func word(_ place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
      }
      guard word(at + 4) == UInt32(truncatingIfNeeded: output.count - start),
        word(at) == checksum(output[start...])
      else { throw Failure("is a damaged gzip file: its checksum differs") }
      at += 8
    } while at < bytes.count && bytes[at] == 0x1F
    return output
  }

  private init(bytes: UnsafeBufferPointer<UInt8>, at: Int, limit: Int, stops: Bool) {
    self.bytes = bytes
    self.at = at
    self.limit = limit
    self.stops = stops
  }

  private var endOfInput: Int { at - bitCount / 8 }

  private mutating func fill() {
    while bitCount <= 56, at < bytes.count {
      bits |= UInt64(bytes[at]) << UInt64(bitCount)
      bitCount += 8
      at += 1
    }
  }

  private mutating func take(_ count: Int) throws(Failure) -> Int {
    if bitCount < count { fill() }
    guard bitCount >= count else { throw Failure("is a truncated gzip file") }
    let value = Int(bits & (1 << UInt64(count) - 1))
    bits >>= UInt64(count)
    bitCount -= count
    return value
  }

  /// Codes of a Huffman table by length, the first of each and where its symbols begin.
  private struct Codes {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) throws(Failure) {
      for length in lengths { counts[length] += 1 }
      counts[0] = 0
      var (starts, left) = ([Int](repeating: 0, count: 17), 1)
      for length in 1...15 {
        left = left * 2 - counts[length]
        if left < 0 { throw Failure("is a broken gzip file: impossible codes") }
        starts[length + 1] = starts[length] + counts[length]
      }
      symbols = [Int](repeating: 0, count: lengths.count)
      for (symbol, length) in lengths.enumerated() where length > 0 {
        symbols[starts[length]] = symbol
        starts[length] += 1
      }
    }
  }

  private mutating func symbol(_ codes: Codes) throws(Failure) -> Int {
    if bitCount < 15 { fill() }
    var (code, first, index) = (0, 0, 0)
    var window = bits
    for length in 1...15 {
      guard length <= bitCount else { throw Failure("is a truncated gzip file") }
      code |= Int(window & 1)
      window >>= 1
      let count = codes.counts[length]
      if code - count < first {
        bits >>= UInt64(length)
        bitCount -= length
        return codes.symbols[index + code - first]
      }
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    throw Failure("is a broken gzip file: no such code")
  }

  private static let lengthBase = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  private static let distanceBase = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]
  private static let order = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]

  private mutating func unpack(into output: inout [UInt8]) throws(Failure) {
    let start = output.count
    var isLast = false
    while !isLast && !isDone(output) {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0:
        _ = try take(bitCount % 8)
        let count = try take(16)
        guard try take(16) == count ^ 0xFFFF else {
          throw Failure("is a broken gzip file: a stored block's length")
        }
        for _ in 0..<count { output.append(UInt8(try take(8))) }
        try checkSize(output)
      case 1:
        let lengths =
          [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112)
          + [Int](repeating: 7, count: 24) + [Int](repeating: 8, count: 8)
        try block(
          try Codes(lengths), try Codes([Int](repeating: 5, count: 30)), &output, start)
      case 2:
        let (literals, distances) = (try take(5) + 257, try take(5) + 1)
        var small = [Int](repeating: 0, count: 19)
        for i in 0..<(try take(4) + 4) { small[Self.order[i]] = try take(3) }
        let codes = try Codes(small)
        var lengths: [Int] = []
        while lengths.count < literals + distances {
          let symbol = try symbol(codes)
          switch symbol {
          case 16:
            guard let last = lengths.last else {
              throw Failure("is a broken gzip file: nothing to repeat")
            }
            for _ in 0..<(try take(2) + 3) { lengths.append(last) }
          case 17: for _ in 0..<(try take(3) + 3) { lengths.append(0) }
          case 18: for _ in 0..<(try take(7) + 11) { lengths.append(0) }
          default: lengths.append(symbol)
          }
        }
        guard lengths.count == literals + distances else {
          throw Failure("is a broken gzip file: too many codes")
        }
        try block(
          try Codes(Array(lengths[..<literals])), try Codes(Array(lengths[literals...])), &output,
          start)
      default: throw Failure("is a broken gzip file: an unknown block")
      }
    }
  }

  private func isDone(_ output: [UInt8]) -> Bool { stops && output.count >= limit }

  private func checkSize(_ output: [UInt8]) throws(Failure) {
    guard output.count <= limit || stops else {
      throw Failure("unpacks to more than \(limit) bytes")
    }
  }

  private mutating func block(
    _ literals: Codes, _ distances: Codes, _ output: inout [UInt8], _ start: Int
  ) throws(Failure) {
    while true {
      let symbol = try symbol(literals)
      if symbol < 256 {
        output.append(UInt8(symbol))
        continue
      }
      try checkSize(output)
      if symbol == 256 || isDone(output) { return }
      guard symbol < 286 else { throw Failure("is a broken gzip file: a length") }
      let place = symbol - 257
      let extra = place < 8 || place == 28 ? 0 : (place - 4) / 4
      let length = Self.lengthBase[place] + (try take(extra))
      let step = try self.symbol(distances)
      guard step < 30 else { throw Failure("is a broken gzip file: a distance") }
      let distance = Self.distanceBase[step] + (try take(step < 2 ? 0 : (step - 2) / 2))
      guard distance <= output.count - start else {
        throw Failure("is a broken gzip file: a distance before its start")
      }
      for _ in 0..<length { output.append(output[output.count - distance]) }
    }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
    return sum ^ 0xFFFF_FFFF
  }

  private static let table: [UInt32] = (0..<256).map { value in
    (0..<8).reduce(UInt32(value)) { sum, _ in
      sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1
    }
  }
}
