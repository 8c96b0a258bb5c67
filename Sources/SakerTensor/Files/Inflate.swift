import CZlib

/// Unpacks compressed bytes piece by piece with zlib, so that nothing is allocated that nobody asks
/// for: a file of a kilobyte can unpack to a megabyte.
package final class Inflate {
  package struct Failure: Error {
    package let reason: String
    package init(reason: String) { self.reason = reason }
  }

  /// What surrounds the compressed bytes.
  package enum Wrapper {
    /// Nothing, as in ZIP files. RFC 1951.
    case none
    /// gzip's header and checksum; members may follow each other, their contents are joined. RFC
    /// 1952.
    case gzip
  }

  private let bytes: [UInt8]
  private let wrapper: Wrapper
  /// zlib remembers where this lies: it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isAtEnd = false
  /// Bytes of the members before this one.
  private var earlier = 0
  /// CRC-32 of what was read so far.
  package private(set) var checksum: UInt32 = 0

  package init(_ bytes: [UInt8], _ wrapper: Wrapper) throws(Failure) {
    self.bytes = bytes
    self.wrapper = wrapper
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = inflateInit2_(
      stream, wrapper == .gzip ? 16 + MAX_WBITS : -MAX_WBITS, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw Failure(reason: "cannot be unpacked: zlib fails (\(code))") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// What `count` compressed bytes can unpack to at most: DEFLATE's longest repetition, 258 bytes,
  /// takes two bits.
  package static func most(from count: Int) -> Int { 1032 * count }

  /// Fills `buffer` with what comes next.
  ///
  /// - Returns: how many bytes; fewer than the buffer holds only where the contents end.
  /// - Throws: `Failure` if the bytes are damaged or end too early.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var done = 0
    while done < buffer.count, !isAtEnd {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: buffer[done..<min(buffer.count, done + 1 << 30)])
      done += try step(part)
    }
    // Without bytes zlib would begin anew.
    if done > 0 {
      let filled = buffer.bindMemory(to: UInt8.self).baseAddress
      checksum = UInt32(crc32_z(UInt(checksum), filled, done))
    }
    return done
  }

  /// The next bytes, `count` of them or fewer where the contents end.
  ///
  /// - Throws: as above.
  package func read(_ count: Int) throws(Failure) -> [UInt8] {
    var result = Result<Void, Failure>.success(())
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      do throws(Failure) {
        done = try read(into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        result = .failure(error)
      }
    }
    try result.get()
    return bytes
  }

  /// Whether nothing follows what was read. A gzip member's checksum is compared here at the
  /// latest.
  package func isOver() throws(Failure) -> Bool { try read(1).isEmpty }

  /// One call of zlib: the bytes that it wrote.
  private func step(_ part: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let used = Int(stream.pointee.total_in) + earlier
    let rest = bytes.count - used
    let code = bytes.withUnsafeBufferPointer { input in
      // zlib reads only; its interface is older than `const`.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + used })
      stream.pointee.avail_in = UInt32(min(rest, 1 << 30))
      stream.pointee.next_out = part.bindMemory(to: UInt8.self).baseAddress
      stream.pointee.avail_out = UInt32(part.count)
      return inflate(stream, Z_NO_FLUSH)
    }
    let written = part.count - Int(stream.pointee.avail_out)
    switch code {
    case Z_OK: return written
    case Z_STREAM_END:
      endMember()
      return written
    case Z_BUF_ERROR: throw Failure(reason: "is truncated: its compressed bytes end too early")
    default:
      let detail = stream.pointee.msg.map { String(cString: $0) } ?? "error \(code)"
      throw Failure(reason: "is damaged: \(detail)")
    }
  }

  private func endMember() {
    earlier += Int(stream.pointee.total_in)
    guard wrapper == .gzip, earlier < bytes.count, bytes[earlier] == 0x1F else {
      isAtEnd = true
      return
    }
    inflateReset(stream)
  }
}
