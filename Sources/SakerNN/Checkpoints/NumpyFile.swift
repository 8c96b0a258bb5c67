import SakerTensor

/// NumPy's files of arrays: `.npy` holds one, `.npz`, a ZIP file of such, many by name. Of ZIP files those that `numpy.savez` writes;
/// what `savez_compressed` writes is refused, as a small file could become a large one. NumPy's enhancement proposal 1.
struct NumpyFile {
  /// One array of a `.npy` file has the name `array`.
  let tensors: [NamedTensor]

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let longestHeader = 1 << 16

  /// Whether `start`, a file's first bytes, are those of one array.
  static func matches(_ start: [UInt8]) -> Bool { start.starts(with: magic) }

  init(array path: String) throws {
    let file = try InputFile(path)
    tensors = [try NumpyFile.read(file, 0..<file.size, "array", path)]
  }

  /// - Parameter directory: of a ZIP file.
  init(_ directory: ZipDirectory, _ file: InputFile, path: String) throws {
    // Entries that share their bytes could become any size.
    let claimed = directory.entries.reduce(0) { $0 + $1.range.count }
    guard claimed <= file.size else {
      throw CheckpointError(
        file: path, "is a damaged ZIP file",
        ["its entries overlap: they claim \(claimed) bytes, the file has \(file.size)"])
    }
    tensors = try directory.entries.map { entry in
      guard entry.name.hasSuffix(".npy") else {
        throw CheckpointError(
          file: path, "cannot be read", ["\(entry.name): expected only arrays, .npy"])
      }
      return try NumpyFile.read(file, entry.range, String(entry.name.dropLast(4)), path)
    }
    guard !tensors.isEmpty else { throw CheckpointError(file: path, "has no tensors") }
  }

  private static func read(
    _ file: InputFile, _ range: Range<Int>, _ name: String, _ path: String
  ) throws -> NamedTensor {
    func fail(_ problem: String) -> CheckpointError {
      CheckpointError(file: path, "is damaged", ["\(name): \(problem)"])
    }
    let start = try file.read(min(12, range.count), at: range.lowerBound) {
      LittleEndian(Array($0))
    }
    guard start.bytes.starts(with: magic), start.bytes.count == 12 else {
      throw fail("expected NumPy's first bytes")
    }
    // Version 1 counts the header in 16 bits, later ones in 32.
    let isFirst = start.bytes[6] == 1
    let before = isFirst ? 10 : 12
    guard (1...3).contains(start.bytes[6]),
      let length = isFirst ? start.u16(8) : start.u32(8).map({ Int($0) }),
      length <= min(longestHeader, range.count - before)
    else { throw fail("its header is too long: truncated?") }
    let text = try file.read(length, at: range.lowerBound + before) {
      String(decoding: $0, as: UTF8.self)
    }
    guard let header = NumpyHeader(text) else { throw fail("unknown header \(text.prefix(80))") }
    guard let type = header.type else {
      throw fail("expected numbers, little endian, got '\(header.description)'")
    }
    let data = range.lowerBound + before + length..<range.upperBound
    // Columns first: the axes lie in the opposite order.
    let sizes = header.isFortran ? header.shape.reversed() : header.shape
    guard let stored = Shape(claimed: sizes, elementSize: type.size),
      stored.elements * type.size == data.count
    else {
      throw fail(
        "\(Shape(header.shape)) of \(type.size) bytes each does not fill \(data.count) bytes: truncated?"
      )
    }
    let tensor: Tensor
    if let dtype = type.dtype {
      tensor = try Tensor(stored, dtype) { (elements: UnsafeMutableRawBufferPointer) in
        try file.read(into: elements, at: data.lowerBound)
      }
    } else {
      tensor = try file.read(data.count, at: data.lowerBound) { type.widened($0, stored) }
    }
    return NamedTensor(
      name, header.isFortran ? tensor.permute((0..<stored.rank).reversed()).contiguous() : tensor)
  }
}

/// The text before an array: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. Only this form is read: it is a Python
/// expression, and nothing is evaluated.
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
