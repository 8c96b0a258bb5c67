import SakerTensor

/// NumPy's files of arrays: `.npy` holds one, `.npz`, a ZIP file of such, many by name, as
/// `numpy.savez` and `savez_compressed` write it. NumPy's enhancement proposal 1.
struct NumpyFile {
  /// One array of a `.npy` file has the name `array`.
  let tensors: [NamedTensor]

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let longestHeader = 1 << 16

  /// Whether `start`, a file's first bytes, are those of one array.
  static func matches(_ start: [UInt8]) -> Bool { start.starts(with: magic) }

  init(array path: String) throws {
    let file = try InputFile(path)
    tensors = [try NumpyFile.read(Bytes(file, 0..<file.size), "array", path)]
  }

  /// What all compressed arrays together may become: weights are hardly compressible, and a small
  /// file could become any size.
  private static func budget(_ file: InputFile) -> Int { 64 << 20 + 32 * file.size }

  /// - Parameter directory: of a ZIP file.
  init(_ directory: ZipDirectory, _ file: InputFile, path: String) throws {
    // Entries that share their bytes could become any size.
    let claimed = directory.entries.reduce(0) { $0 + $1.range.count }
    guard claimed <= file.size else {
      throw CheckpointError(
        file: path, "is a damaged ZIP file",
        ["its entries overlap: they claim \(claimed) bytes, the file has \(file.size)"])
    }
    let unpacked = directory.entries.reduce(0) { $0 + ($1.isCompressed ? $1.size : 0) }
    guard unpacked <= NumpyFile.budget(file) else {
      throw CheckpointError(
        file: path, "cannot be read",
        ["its arrays claim \(unpacked) bytes when unpacked, more than \(NumpyFile.budget(file))"])
    }
    tensors = try directory.entries.map { entry in
      guard entry.name.hasSuffix(".npy") else {
        throw CheckpointError(
          file: path, "cannot be read", ["\(entry.name): expected only arrays, .npy"])
      }
      do {
        let bytes = try Bytes(file, entry)
        let tensor = try NumpyFile.read(bytes, String(entry.name.dropLast(4)), path)
        try bytes.finish(entry)
        return tensor
      } catch let failure as Inflate.Failure {
        throw CheckpointError(file: path, "is damaged", ["\(entry.name): \(failure.reason)"])
      }
    }
    guard !tensors.isEmpty else { throw CheckpointError(file: path, "has no tensors") }
  }

  private static func read(_ bytes: Bytes, _ name: String, _ path: String) throws -> NamedTensor {
    func fail(_ problem: String) -> CheckpointError {
      CheckpointError(file: path, "is damaged", ["\(name): \(problem)"])
    }
    let start = LittleEndian(try bytes.take(min(10, bytes.left)))
    guard start.bytes.starts(with: magic), start.bytes.count == 10 else {
      throw fail("expected NumPy's first bytes")
    }
    // Version 1 counts the header in 16 bits, later ones in 32.
    var length = start.u16(8) ?? 0
    guard (1...3).contains(start.bytes[6]) else {
      throw fail("expected version 1, 2 or 3 of the format, got \(start.bytes[6])")
    }
    if start.bytes[6] > 1 {
      length += (LittleEndian(try bytes.take(min(2, bytes.left))).u16(0) ?? 0) << 16
    }
    guard length <= min(longestHeader, bytes.left) else {
      throw fail("its header is too long: truncated?")
    }
    let text = String(decoding: try bytes.take(length), as: UTF8.self)
    guard let header = NumpyHeader(text) else { throw fail("unknown header \(text.prefix(80))") }
    guard let type = header.type else {
      throw fail("expected numbers, little endian, got '\(header.description)'")
    }
    // Columns first: the axes lie in the opposite order.
    let sizes = header.isFortran ? header.shape.reversed() : header.shape
    guard let stored = Shape(claimed: sizes, elementSize: type.size),
      stored.elements * type.size == bytes.left
    else {
      throw fail(
        "\(Shape(header.shape)) of \(type.size) bytes each does not fill \(bytes.left) bytes: truncated?"
      )
    }
    let tensor: Tensor
    if let dtype = type.dtype {
      tensor = try Tensor(stored, dtype) { try bytes.take(into: $0) }
    } else {
      tensor = try bytes.take(bytes.left).withUnsafeBytes { type.widened($0, stored) }
    }
    return NamedTensor(
      name, header.isFortran ? tensor.permute((0..<stored.rank).reversed()).contiguous() : tensor)
  }
}

/// The bytes of one array, stored or compressed, taken from front to back.
private final class Bytes {
  private let file: InputFile
  private var position: Int
  private let packed: Inflate?
  /// How many are still to come.
  private(set) var left: Int

  init(_ file: InputFile, _ range: Range<Int>) {
    (self.file, position, left) = (file, range.lowerBound, range.count)
    packed = nil
  }

  init(_ file: InputFile, _ entry: ZipDirectory.Entry) throws {
    (self.file, position, left) = (file, entry.range.lowerBound, entry.size)
    packed =
      entry.isCompressed
      ? try Inflate(file.read(entry.range.count, at: position) { Array($0) }, .none) : nil
  }

  /// - Parameter bytes: to be filled, at most as many as are left.
  func take(into bytes: UnsafeMutableRawBufferPointer) throws {
    left -= bytes.count
    guard let packed else {
      try file.read(into: bytes, at: position)
      position += bytes.count
      return
    }
    guard try packed.read(into: bytes) == bytes.count else {
      throw Inflate.Failure(reason: "unpacks to fewer bytes than it claims")
    }
  }

  func take(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { try take(into: $0) }
    return bytes
  }

  /// Checks that what was taken is all, and undamaged.
  func finish(_ entry: ZipDirectory.Entry) throws {
    guard let packed else { return }
    guard try packed.isOver() else {
      throw Inflate.Failure(reason: "unpacks to more bytes than it claims")
    }
    guard packed.checksum == entry.checksum else {
      throw Inflate.Failure(reason: "is damaged: its checksum differs")
    }
  }
}

/// The text before an array: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. Only
/// this form is read: it is a Python expression, and nothing is evaluated.
private struct NumpyHeader {
  var description = ""
  var isFortran = false
  var shape: [Int] = []

  init?(_ text: String) {
    var rest = Substring(text.filter { !$0.isWhitespace })
    func take(_ expected: String) -> Bool {
      guard rest.hasPrefix(expected) else { return false }
      rest = rest.dropFirst(expected.count)
      return true
    }
    guard take("{'descr':'") else { return nil }
    description = String(rest.prefix { $0 != "'" })
    rest = rest.dropFirst(description.count)
    guard take("','fortran_order':") else { return nil }
    isFortran = take("True")
    guard isFortran || take("False"), take(",'shape':(") else { return nil }
    let sizes = rest.prefix { $0 != ")" }
    rest = rest.dropFirst(sizes.count)
    guard take(")") else { return nil }
    _ = take(",")
    guard rest == "}" else { return nil }
    for size in sizes.split(separator: ",") {
      guard let size = Int(size), size >= 0, shape.count < 16 else { return nil }
      shape.append(size)
    }
  }

  /// The type of the elements; `nil` for objects, texts and big-endian numbers.
  var type: StoredType? {
    let types: [String: StoredType] = [
      "<f4": .f32, "<f8": .f64, "<f2": .f16, "|i1": .i8, "|u1": .u8, "<i2": .i16, "<u2": .u16,
      "<i4": .i32, "<u4": .u32, "<i8": .i64, "<u8": .u64, "|b1": .bool,
    ]
    return types[description]
  }
}
