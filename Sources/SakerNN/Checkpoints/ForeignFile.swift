import SakerTensor

/// What people give as weights that is something else, or another program's: told by what is in the
/// file, whatever its name says, with what to do about it.
struct ForeignFile {
  /// Behind "is": `a Git LFS pointer, not the weights`.
  let what: String
  let advice: String

  /// How many of a file's first bytes are looked at.
  static let looked = 512

  private init(_ what: String, _ advice: String) {
    self.what = what
    self.advice = advice
  }

  func error(_ path: String) -> CheckpointError {
    CheckpointError(file: path, "is \(what)", [advice])
  }

  /// - Parameters:
  ///   - start: a file's first `looked` bytes, or all.
  ///   - size: the file's.
  /// - Returns: `nil` for what may be weights.
  init?(_ start: [UInt8], size: Int) {
    guard size > 0 else {
      self.init("empty", "it has 0 bytes: download or copy it again")
      return
    }
    // Any first byte can begin a safetensors file, but its ninth opens a JSON object.
    if let length = LittleEndian(start).u64(0), length <= UInt64(size), start.count > 8,
      start[8] == UInt8(ascii: "{")
    {
      return nil
    }
    let known = ForeignFile.signatures.first { signature in
      start.dropFirst(signature.offset).starts(with: signature.bytes)
    }
    if let known {
      self = known.file
    } else if ForeignFile.isONNX(start) {
      self = ForeignFile.onnx
    } else if let text = ForeignFile.text(start) {
      self.init(text: text)
    } else {
      return nil
    }
  }

  // MARK: - Binary formats

  private static let keras = """
    Saker doesn't read HDF5: in Python, numpy.savez("w.npz", **{v.path: v.numpy() for v in keras.models.load_model(FILE).variables}), \
    then 'saker weights convert --keras w.npz OUT.safetensors'
    """
  private static let onnx = ForeignFile(
    "an ONNX model",
    """
    Saker doesn't read ONNX: in Python, safetensors.numpy.save_file({t.name: onnx.numpy_helper.to_array(t) for t in \
    onnx.load(FILE).graph.initializer}, "w.safetensors")
    """)
  private static let tensorFlow =
    "Saker doesn't read TensorFlow's files: save the variables in Python with numpy.savez, then 'saker weights convert --keras'"

  private static let signatures: [(bytes: [UInt8], offset: Int, file: ForeignFile)] = [
    (
      [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], 0,
      ForeignFile("an HDF5 file, as Keras writes (.h5)", keras)
    ),
    (Array("TFL3".utf8), 4, ForeignFile("a TensorFlow Lite model", tensorFlow)),
    (
      Array("GGUF".utf8), 0,
      ForeignFile("a GGUF file of a language model", "Saker has no such models")
    ),
    ([0x1F, 0x8B], 0, packed("gzip", "gunzip, or tar xzf if its name ends in .tar.gz or .tgz")),
    (Array("BZh".utf8), 0, packed("bzip2", "bunzip2")),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], 0, packed("xz", "unxz")),
    ([0x28, 0xB5, 0x2F, 0xFD], 0, packed("Zstandard", "unzstd")),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], 0, packed("7-Zip", "7z x")),
    (Array("Rar!".utf8), 0, packed("RAR", "unrar x")),
    (
      Array("ustar".utf8), 257,
      ForeignFile("a tar archive", "unpack it first (tar xf) and name the file of weights in it")
    ),
    ([0x89, 0x50, 0x4E, 0x47], 0, ForeignFile("a PNG image, not weights", expected)),
    ([0xFF, 0xD8, 0xFF], 0, ForeignFile("a JPEG image, not weights", expected)),
    (Array("%PDF".utf8), 0, ForeignFile("a PDF document, not weights", expected)),
  ]

  private static let expected = "expected safetensors, or what PyTorch, NumPy or Darknet saves"

  private static func packed(_ program: String, _ command: String) -> ForeignFile {
    ForeignFile("compressed with \(program)", "unpack it first (\(command))")
  }

  /// ONNX is a protocol buffer without a signature: first its version, then the name of the program
  /// that wrote it, or the graph.
  private static func isONNX(_ start: [UInt8]) -> Bool {
    guard start.count > 4, start[0] == 0x08, (1...64).contains(start[1]) else { return false }
    switch start[2] {
    case 0x12:
      let length = Int(start[3])
      return length < 128
        && start.dropFirst(4).prefix(length).allSatisfy { (32..<127).contains($0) }
    case 0x3A, 0x42: return true
    default: return false
    }
  }

  // MARK: - Text

  /// The bytes as text if that is what they are.
  private static func text(_ start: [UInt8]) -> String? {
    let isText = start.allSatisfy { $0 >= 32 && $0 != 127 || [9, 10, 12, 13].contains($0) }
    guard isText else { return nil }
    // The last character may be cut in two.
    return (0...3).lazy.compactMap { cut in
      String(validating: start.dropLast(cut), as: UTF8.self)
    }.first
  }

  private init(text: String) {
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      String(line.drop { $0.isWhitespace || $0 == "\u{FEFF}" })
    }
    let first = lines.first { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix(";") } ?? ""
    let small = first.lowercased()
    if text.hasPrefix("version https://git-lfs.github.com/spec/") {
      let size = lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) }
      self.init(
        "a Git LFS pointer, not the weights",
        "run 'git lfs pull' in its repository, or download the file itself"
          + (size.map { " (\($0) bytes)" } ?? ""))
    } else if small.hasPrefix("<!doctype html") || small.hasPrefix("<html") {
      self.init(
        "a web page, not weights",
        "the address leads to a page that asks for something: open it in a browser and download from there"
      )
    } else if first.hasPrefix("<") {
      self.init(
        "an XML document, not weights", "perhaps a server's error message: download it again")
    } else if small.hasPrefix("[net]") || small.hasPrefix("[network]") {
      self.init(
        "Darknet's description of a network (.cfg), not its weights",
        "name the .weights file that belongs to it")
    } else if text.contains("\"weight_map\"") {
      self.init(
        "the index of weights that lie in several files",
        "join them in Python: safetensors.torch.save_file of all their tensors in one dictionary")
    } else if first.hasPrefix("{") || first.hasPrefix("[") {
      self.init("JSON, not weights", ForeignFile.expected)
    } else if first == "---" || first.prefix(while: { $0 != ":" }).count < first.count {
      self.init("YAML, not weights", ForeignFile.expected)
    } else {
      self.init("text, not weights", ForeignFile.expected)
    }
  }

  // MARK: - Archives and folders

  /// - Parameter names: of the files in a ZIP archive.
  /// - Returns: `nil` for PyTorch's and NumPy's.
  init?(zip names: [String]) {
    func has(_ end: String) -> Bool { names.contains { $0.hasSuffix(end) } }
    if has("model.weights.h5") {
      self.init("a Keras model (.keras)", ForeignFile.keras)
    } else if has("/constants.pkl") || names.contains(where: { $0.contains("/code/__torch__") }) {
      self.init(
        "a TorchScript program",
        """
        Saker reads no programs: save its weights in Python, torch.save(torch.jit.load(FILE).state_dict(), "w.pth")
        """)
    } else if has("serialized_exported_program.json") || has("/archive_format") {
      self.init(
        "a program of torch.export",
        """
        Saker reads no programs: save its weights in Python, torch.save(torch.export.load(FILE).state_dict, "w.pth")
        """)
    } else if has("/data.pkl") || has(".npy") {
      return nil
    } else {
      let shown = names.prefix(3).map { String($0.prefix(80)) }.joined(separator: ", ")
      self.init(
        "a ZIP archive"
          + (names.isEmpty ? " of nothing" : " of \(shown)\(names.count > 3 ? ", ..." : "")"),
        "unpack it first and name the file of weights in it")
    }
  }

  /// - Parameter names: of what lies in a folder.
  init(folder names: [String]) {
    let wanted = names.filter { name in
      [".safetensors", ".pth", ".pt", ".bin", ".npz", ".weights"].contains { name.hasSuffix($0) }
    }.sorted()
    if names.contains("saved_model.pb") {
      self.init("a folder with TensorFlow's SavedModel", ForeignFile.tensorFlow)
    } else if names.contains("data.pkl") {
      self.init(
        "the folder of an unpacked PyTorch file",
        "pack the folder again without compression (zip -r -0 w.pth FOLDER), or download the file anew"
      )
    } else if wanted.isEmpty {
      self.init("a folder", "expected a file of weights, or the folder of a run")
    } else {
      let shown = wanted.prefix(3).joined(separator: ", ")
      self.init(
        "a folder", "name a file of weights in it: \(shown)\(wanted.count > 3 ? ", ..." : "")")
    }
  }
}
