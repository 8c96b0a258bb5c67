import SakerTensor

/// The field's plain file of named tensors: a u64 length, little endian, a JSON header of that
/// length with type, shape and place of each tensor, and the bytes.
/// https://github.com/huggingface/safetensors
public struct Safetensors: Sendable {
  /// In the order of the header.
  public var tensors: [NamedTensor]
  /// Texts that go with them.
  public var metadata: [String: String]

  public init(_ tensors: [NamedTensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The first tensor of that name.
  public subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }

  /// The tensors whose names start with `prefix`, under what follows it.
  public func tensors(under prefix: String) -> [NamedTensor] {
    tensors.filter { $0.name.hasPrefix(prefix) }
      .map { NamedTensor(String($0.name.dropFirst(prefix.count)), $0.tensor) }
  }
}

// MARK: - Reading

extension Safetensors {
  /// Reads and checks a whole file. Types that `DType` lacks become the next wider one it has: F64
  /// and the 8-bit floats float32, I16 and U16 int32, U32 and U64 int64.
  /// - Throws: `CheckpointError` with everything that is wrong with the file.
  public init(contentsOf path: String) throws {
    let file = try InputFile(path)
    let start = try file.read(min(9, file.size), at: 0) { Array($0) }
    if let format = WeightsFile.otherFormat(start) {
      throw CheckpointError(
        file: path, "is no safetensors file",
        [
          "it is one of \(format.program)'s: 'saker weights convert' makes a safetensors file of its tensors"
        ])
    }
    guard file.size >= 8 else {
      throw CheckpointError(
        file: path, "is no safetensors file", ["expected at least 8 bytes, got \(file.size)"])
    }
    let length = try file.read(8, at: 0) { bytes in
      UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }
    guard length <= UInt64(file.size - 8) else {
      throw CheckpointError(
        file: path, "is no safetensors file, or a truncated one",
        ["the header claims \(length) bytes, the file has \(file.size - 8) after its length"])
    }
    guard length <= SafetensorsHeader.longest else {
      throw CheckpointError(
        file: path, "is no safetensors file",
        ["the header claims \(length) bytes, more than \(SafetensorsHeader.longest)"])
    }
    let text = try file.read(Int(length), at: 8) { Array($0) }
    let header = try SafetensorsHeader(text, file: path)
    try header.check(dataSize: file.size - 8 - Int(length), file: path)
    metadata = header.metadata
    tensors = try header.entries.map { entry in
      NamedTensor(entry.name, try entry.read(from: file, dataStart: 8 + Int(length)))
    }
  }
}

extension SafetensorsHeader.Entry {
  fileprivate func read(from file: InputFile, dataStart: Int) throws -> Tensor {
    if let dtype = type.dtype {
      return try Tensor(shape, dtype) { (bytes: UnsafeMutableRawBufferPointer) in
        try file.read(into: bytes, at: dataStart + range.lowerBound)
      }
    }
    return try file.read(range.count, at: dataStart + range.lowerBound) { bytes in
      type.widened(bytes, shape)
    }
  }
}

// MARK: - Writing

extension Safetensors {
  /// Writes the file under another name, flushes and renames it: who reads `path` finds the old
  /// file or the new one, whole.
  /// - Throws: `CheckpointError` if the directory is read-only, the disk full, a name given twice.
  public func write(to path: String) throws {
    var names: Set<String> = []
    let twice = tensors.map(\.name).filter { !names.insert($0).inserted || $0 == "__metadata__" }
    guard twice.isEmpty else {
      throw CheckpointError(
        file: path, "cannot be written", twice.map { "\($0): the name is taken" })
    }
    // Wide types first: every tensor then lies at a multiple of its element's size, as
    // some readers want.
    let order = tensors.indices.sorted {
      let (a, b) = (tensors[$0].tensor.dtype.size, tensors[$1].tensor.dtype.size)
      return a == b ? $0 < $1 : a > b
    }
    var ranges = [Range<Int>](repeating: 0..<0, count: tensors.count)
    var end = 0
    for index in order {
      ranges[index] = end..<end + tensors[index].tensor.bytes
      end += tensors[index].tensor.bytes
    }
    let header = SafetensorsHeader.text(tensors, ranges, metadata)
    do {
      try AtomicFile.write(path) { output in
        try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try output.write($0) }
        try header.withUnsafeBytes { try output.write($0) }
        for index in order {
          try tensors[index].tensor.withBytes { try output.write($0) }
        }
      }
    } catch let failure as AtomicFile.Failure {
      throw CheckpointError(file: path, "cannot be written", [failure.reason])
    }
  }
}
