/// A picture in memory: 8-bit RGB, row by row from the top, channels interleaved.
public struct Picture: Hashable, Sendable {
  public let width, height: Int
  /// `height * width * 3` bytes.
  public var pixels: [UInt8]

  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == width * height * 3,
      "a \(width)x\(height) picture has \(width * height * 3) bytes")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
