import SakerTensor

/// A `.weights` file of Darknet, the program of YOLO's authors: a header of three 32-bit versions
/// and the number of pictures seen in training, then float32 numbers without names, little endian.
/// https://github.com/pjreddie/darknet, `parser.c`.
public struct DarknetFile: Sendable {
  public var major: Int32 = 0
  /// From 0.2 on the pictures are counted in 64 bits, before in 32.
  public var minor: Int32 = 2
  public var revision: Int32 = 0
  /// Pictures seen in training.
  public var seen: UInt64 = 0
  /// `[count]`
  public var values: Tensor

  public init(_ values: Tensor, seen: UInt64 = 0) {
    check(
      values.rank == 1 && values.dtype == .float32, op: "DarknetFile", expected: "float32 [count]",
      got: "\(values.dtype) \(values.shape)")
    self.values = values.contiguous()
    self.seen = seen
  }

  private static func countsLong(_ major: Int32, _ minor: Int32) -> Bool {
    // Those that wrote the versions in another order of bytes have huge ones.
    major * 10 + minor >= 2
  }

  /// Whether `start`, a file's first nine bytes or more, can be such a file's: versions 0.1 or 0.2.
  /// A safetensors file that begins so would have a header of gigabytes.
  static func matches(_ start: [UInt8]) -> Bool {
    start.count >= 9 && start[0..<4].allSatisfy { $0 == 0 } && (1...2).contains(start[4])
      && start[5..<8].allSatisfy { $0 == 0 }
  }

  /// - Throws: `CheckpointError` if it is no such file or does not end behind a whole number.
  public init(contentsOf path: String) throws {
    let file = try InputFile(path)
    let start = try file.read(min(20, file.size), at: 0) { LittleEndian(Array($0)) }
    guard DarknetFile.matches(start.bytes), let major = start.u32(0), let minor = start.u32(4),
      let revision = start.u32(8)
    else {
      throw CheckpointError(
        file: path, "is no Darknet file", ["expected a header of version 0.1 or 0.2"])
    }
    (self.major, self.minor) = (Int32(bitPattern: major), Int32(bitPattern: minor))
    self.revision = Int32(bitPattern: revision)
    let isLong = DarknetFile.countsLong(self.major, self.minor)
    let size = isLong ? 20 : 16
    guard let seen = isLong ? start.u64(12) : start.u32(12).map(UInt64.init) else {
      throw CheckpointError(
        file: path, "is damaged", ["expected a header of \(size) bytes, got \(file.size)"])
    }
    self.seen = seen
    guard (file.size - size) % 4 == 0 else {
      throw CheckpointError(
        file: path, "is damaged",
        [
          "expected whole numbers of 4 bytes behind its header, got \(file.size - size) bytes: truncated?"
        ])
    }
    let count = (file.size - size) / 4
    values = try Tensor([count], .float32) { (bytes: UnsafeMutableRawBufferPointer) in
      try file.read(into: bytes, at: size)
    }
  }

  /// Writes the file whole or not at all.
  /// - Throws: `CheckpointError` if the directory is read-only or the disk full.
  public func write(to path: String) throws {
    do {
      try AtomicFile.write(path) { output in
        for number in [major, minor, revision] {
          try withUnsafeBytes(of: number.littleEndian) { try output.write($0) }
        }
        if DarknetFile.countsLong(major, minor) {
          try withUnsafeBytes(of: seen.littleEndian) { try output.write($0) }
        } else {
          try withUnsafeBytes(of: UInt32(clamping: seen).littleEndian) { try output.write($0) }
        }
        try values.withBytes { try output.write($0) }
      }
    } catch let failure as AtomicFile.Failure {
      throw CheckpointError(file: path, "cannot be written", [failure.reason])
    }
  }

  var metadata: [String: String] {
    ["version": "\(major).\(minor).\(revision)", "seen": String(seen)]
  }
}
