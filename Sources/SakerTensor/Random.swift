/// A seeded source of random numbers: xoshiro256** (Blackman & Vigna, "Scrambled linear
/// pseudorandom number generators"), started by SplitMix64. The same seed gives the same numbers on
/// every machine; the state can be stored and restored.
public struct Random: RandomNumberGenerator, Hashable, Codable, Sendable {
  /// The four words of the state; never all zero.
  public private(set) var state: [UInt64]

  /// - Parameters:
  ///   - seed: any number.
  ///   - streams: further numbers, for example epoch and sample, that select an independent stream
  ///     of the same seed.
  public init(seed: UInt64, _ streams: Int...) {
    var mixed = seed
    for stream in streams {
      mixed = Random.splitMix(&mixed) ^ UInt64(bitPattern: Int64(stream))
    }
    state = (0..<4).map { _ in Random.splitMix(&mixed) }
  }

  public mutating func next() -> UInt64 {
    let result = Random.rotate(state[1] &* 5, 7) &* 9
    let shifted = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = Random.rotate(state[3], 45)
    return result
  }

  /// Uniform in `0..<1`, with 24 random bits.
  public mutating func uniform() -> Float {
    Float(next() >> 40) * 0x1p-24
  }

  /// Uniform in `range`.
  public mutating func uniform(_ range: ClosedRange<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  private static func rotate(_ x: UInt64, _ bits: UInt64) -> UInt64 {
    (x << bits) | (x >> (64 - bits))
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
