import SakerTensor

/// A file that PyTorch's `save` wrote, `.pth`, `.pt` or `.bin`, in its present form (a ZIP file)
/// and the one before (pickles one after the other). Nothing in it is executed: see `Pickle`.
struct TorchFile {
  /// All tensors by their paths in the file, such as `state_dict.conv1.weight`.
  var tensors: [NamedTensor] = []
  /// Texts and numbers beside them.
  var metadata: [String: String] = [:]

  /// How deep dictionaries are looked into.
  private static let deepest = 32

  /// Whether `start`, a file's first bytes, are such a file's.
  static func matches(_ start: [UInt8]) -> Bool {
    // A safetensors file may begin with any byte, but its ninth opens a JSON object.
    guard start.count < 9 || start[8] != UInt8(ascii: "{") else { return false }
    return start.starts(with: [0x50, 0x4B]) || start.starts(with: [0x80])
  }

  init(contentsOf path: String) throws {
    let file = try InputFile(path)
    guard file.size >= 4 else {
      throw CheckpointError(
        file: path, "is no file of weights", ["expected at least 4 bytes, got \(file.size)"])
    }
    let start = try file.read(2, at: 0) { Array($0) }
    let archive =
      start == [0x50, 0x4B]
      ? try Archive(zip: file, path: path) : try Archive(legacy: file, path: path)
    var reader = Reader(archive, file, path)
    try reader.visit(archive.pickle.result, "", 0)
    tensors = reader.tensors
    metadata = reader.metadata
    guard !tensors.isEmpty else {
      throw CheckpointError(file: path, "has no tensors")
    }
  }

  /// The objects, and where the bytes of each storage are.
  private struct Archive {
    var pickle: Pickle
    var storages: [String: Range<Int>] = [:]

    private static func pickle(_ text: [UInt8], from start: Int = 0, _ path: String) throws
      -> Pickle
    {
      do throws(Pickle.Problem) {
        return try Pickle(text, from: start)
      } catch {
        throw CheckpointError(
          file: path, "cannot be read", ["byte \(error.position) of its pickle: \(error.what)"])
      }
    }

    init(zip file: InputFile, path: String) throws {
      let directory = try ZipDirectory(file, path: path)
      guard let data = directory.entries.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
        throw CheckpointError(
          file: path, "is no file of weights", ["expected an entry data.pkl, found none"])
      }
      // PyTorch compresses nothing.
      if let packed = directory.entries.first(where: \.isCompressed) {
        throw CheckpointError(
          file: path, "cannot be read",
          [
            "\(packed.name): expected bytes as they are, got compressed ones: packed anew by another program?"
          ])
      }
      let root = data.name.dropLast("data.pkl".count)
      if let order = directory[root + "byteorder"] {
        let text = try file.read(min(order.range.count, 16), at: order.range.lowerBound) {
          String(decoding: $0, as: UTF8.self)
        }
        guard text == "little" else {
          throw CheckpointError(
            file: path, "cannot be read", ["byteorder: expected 'little', got '\(text)'"])
        }
      }
      let text = try file.read(data.range.count, at: data.range.lowerBound) { Array($0) }
      pickle = try Archive.pickle(text, path)
      let prefix = root + "data/"
      for entry in directory.entries where entry.name.hasPrefix(prefix) {
        storages[String(entry.name.dropFirst(prefix.count))] = entry.range
      }
    }

    /// Magic number, version, system, objects, list of keys; then each storage, its number of
    /// elements before it.
    init(legacy file: InputFile, path: String) throws {
      // The objects end where the numbers begin, which only reading them tells. They are small:
      // reading grows only if it must.
      var size = min(file.size, 1 << 20)
      while true {
        let text = try file.read(size, at: 0) { Array($0) }
        do {
          self = try Archive(pickles: text, fileSize: file.size, file, path)
          return
        } catch let error as CheckpointError {
          guard size < file.size,
            error.problems.contains(where: {
              $0.contains("it ends too early") || $0.contains("does not end")
            })
          else { throw error }
          size = min(file.size, size * 8)
        }
      }
    }

    private init(pickles text: [UInt8], fileSize: Int, _ file: InputFile, _ path: String) throws {
      var end = 0
      var parts: [Pickle] = []
      for _ in 0..<5 {
        let part = try Archive.pickle(text, from: end, path)
        end = part.end
        parts.append(part)
        if parts.count == 1 {
          guard case .bytes(Archive.magic) = part.result else {
            throw CheckpointError(
              file: path, "is no file of weights",
              ["expected PyTorch's magic number, got another object"])
          }
        }
      }
      guard case .list(let place) = parts[4].result else {
        throw CheckpointError(file: path, "is damaged", ["expected the keys of its storages"])
      }
      pickle = parts[3]
      let widths = Archive.widths(pickle)
      for case .string(let key) in parts[4].lists[place] {
        guard end <= fileSize - 8 else {
          throw CheckpointError(file: path, "is damaged", ["storage \(key): truncated"])
        }
        let count = try file.read(8, at: end) {
          UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard let width = widths[key], let count = Int(exactly: count),
          count <= (fileSize - end - 8) / width
        else {
          throw CheckpointError(
            file: path, "is damaged", ["storage \(key): claims \(count) elements: truncated?"])
        }
        storages[key] = end + 8..<end + 8 + count * width
        end += 8 + count * width
      }
    }

    private static let magic: [UInt8] = [
      0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// Bytes an element of each storage that something uses.
    private static func widths(_ pickle: Pickle) -> [String: Int] {
      var result: [String: Int] = [:]
      func note(_ value: PickleValue) {
        guard case .tensor(let tensor) = value, let type = StoredType(torch: tensor.storage.type)
        else { return }
        result[tensor.storage.key] = type.size
      }
      for dictionary in pickle.dictionaries { for pair in dictionary { note(pair.value) } }
      for list in pickle.lists { list.forEach(note) }
      note(pickle.result)
      return result
    }
  }

  /// Walks through the objects.
  private struct Reader {
    let archive: Archive
    let file: InputFile
    let path: String
    var tensors: [NamedTensor] = []
    var metadata: [String: String] = [:]
    /// What all tensors together may take: those that share a storage count each, and a small file
    /// could name a large one often.
    private var budget: Int
    private var open: Set<Int> = []
    /// A dictionary that holds another twice, which holds another twice, and so on, would
    /// never come to an end.
    private var visits = 0
    private static let mostVisits = 1_000_000

    init(_ archive: Archive, _ file: InputFile, _ path: String) {
      self.archive = archive
      self.file = file
      self.path = path
      budget = 4 * file.size + 1 << 20
    }

    mutating func visit(_ value: PickleValue, _ name: String, _ depth: Int) throws {
      visits += 1
      guard visits <= Reader.mostVisits else {
        throw CheckpointError(
          file: path, "cannot be read", ["it names more than \(Reader.mostVisits) things"])
      }
      switch value {
      case .tensor(let tensor): tensors.append(NamedTensor(name, try read(tensor, name)))
      case .dictionary(let place):
        guard depth < TorchFile.deepest, open.insert(place).inserted else {
          throw CheckpointError(file: path, "cannot be read", ["\(name): nested too deeply"])
        }
        for (key, member) in archive.pickle.dictionaries[place] {
          let part: String
          switch key {
          case .string(let text): part = text
          case .int(let number): part = String(number)
          default: continue
          }
          try visit(member, name.isEmpty ? part : name + "." + part, depth + 1)
        }
        open.remove(place)
      case .string(let text) where !name.isEmpty: metadata[name] = text
      case .int(let number) where !name.isEmpty: metadata[name] = String(number)
      case .float(let number) where !name.isEmpty: metadata[name] = String(number)
      default: break
      }
    }

    private mutating func read(_ tensor: PickleTensor, _ name: String) throws -> Tensor {
      func fail(_ problem: String) -> CheckpointError {
        CheckpointError(file: path, "is damaged", ["\(name): \(problem)"])
      }
      let storage = tensor.storage
      guard let type = StoredType(torch: storage.type) else {
        throw fail("unknown type \(storage.type)")
      }
      guard let bytes = archive.storages[storage.key] else {
        throw fail("its storage \(storage.key) is missing")
      }
      guard storage.count <= bytes.count / type.size else {
        throw fail("claims \(storage.count) elements, its storage has \(bytes.count / type.size)")
      }
      let (shape, strides) = (tensor.shape, tensor.strides)
      guard shape.count == strides.count, Shape(claimed: shape, elementSize: type.size) != nil
      else {
        throw fail("has sizes \(shape) and \(strides.count) strides")
      }
      // The last element that it reaches, and how many it has.
      var (last, count, overflow) = (tensor.offset, 1, tensor.offset < 0)
      for (size, stride) in zip(shape, strides) {
        let (reach, a) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
        let (sum, b) = last.addingReportingOverflow(reach)
        let (product, c) = count.multipliedReportingOverflow(by: size)
        (last, count) = (sum, product)
        overflow = overflow || a || b || c
      }
      guard !overflow, count == 0 || last < storage.count, count <= storage.count else {
        throw fail(
          "offset \(tensor.offset), sizes \(shape), strides \(strides) do not fit its storage of \(storage.count)"
        )
      }
      budget -= count * 4
      guard budget >= 0 else { throw fail("its tensors take more than four times the file's size") }
      let base = bytes.lowerBound + tensor.offset * type.size
      if count > 0, !isContiguous(shape, strides) {
        return try strided(tensor, type, base, span: last - tensor.offset + 1)
      }
      if let dtype = type.dtype {
        return try Tensor(Shape(shape), dtype) { (elements: UnsafeMutableRawBufferPointer) in
          try file.read(into: elements, at: base)
        }
      }
      return try file.read(count * type.size, at: base) { type.widened($0, Shape(shape)) }
    }

    private func isContiguous(_ shape: [Int], _ strides: [Int]) -> Bool {
      var next = 1
      for (size, stride) in zip(shape, strides).reversed() where size != 1 {
        if stride != next { return false }
        next *= size
      }
      return true
    }

    /// Elements that do not lie one after the other, copied in the order of their indices.
    private func strided(
      _ tensor: PickleTensor, _ type: StoredType, _ base: Int, span: Int
    ) throws -> Tensor {
      try file.read(span * type.size, at: base) { source in
        let count = tensor.shape.reduce(1, *)
        let packed = UnsafeMutableRawBufferPointer.allocate(
          byteCount: count * type.size, alignment: 8)
        defer { packed.deallocate() }
        var index = [Int](repeating: 0, count: tensor.shape.count)
        for element in 0..<count {
          let place = zip(index, tensor.strides).reduce(0) { $0 + $1.0 * $1.1 }
          packed.baseAddress?.advanced(by: element * type.size).copyMemory(
            from: source.baseAddress! + place * type.size, byteCount: type.size)
          for axis in index.indices.reversed() {
            index[axis] += 1
            if index[axis] < tensor.shape[axis] { break }
            index[axis] = 0
          }
        }
        guard let dtype = type.dtype else {
          return type.widened(UnsafeRawBufferPointer(packed), Shape(tensor.shape))
        }
        return Tensor(Shape(tensor.shape), dtype) { (elements: UnsafeMutableRawBufferPointer) in
          elements.copyMemory(from: UnsafeRawBufferPointer(packed))
        }
      }
    }
  }
}

extension StoredType {
  /// By the name of PyTorch's storage class.
  init?(torch name: String) {
    let types: [String: StoredType] = [
      "FloatStorage": .f32, "DoubleStorage": .f64, "HalfStorage": .f16, "BFloat16Storage": .bf16,
      "LongStorage": .i64, "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8,
      "ByteStorage": .u8, "BoolStorage": .bool,
    ]
    guard name.hasPrefix("torch."), let type = types[String(name.dropFirst(6))] else { return nil }
    self = type
  }
}
