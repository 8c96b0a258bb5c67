import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Whatever people give as weights is called what it is, by what is in it, under any name and by
/// every reader.
@Suite struct ForeignFileTests {
  /// What readers say of bytes in a file.
  static func refusal(of bytes: [UInt8], name: String = "w.pth") throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-foreign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return problem { _ = try WeightsFile(contentsOf: file.path) }
  }

  private static func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  private static let hdf5: [UInt8] =
    [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 90)

  private static func tar() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 1024)
    bytes.replaceSubrange(0..<8, with: Array("w.tensor".utf8))
    bytes.replaceSubrange(257..<262, with: Array("ustar".utf8))
    return bytes
  }

  static let kinds: [(bytes: [UInt8], says: String, advice: String)] = [
    ([], "is empty", "0 bytes"),
    (
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 46830571\n".utf8),
      "is a Git LFS pointer",
      "git lfs pull' in its repository, or download the file itself (46830571 bytes)"
    ),
    (Array("<!DOCTYPE html><html>Virus scan warning</html>".utf8), "is a web page", "browser"),
    (Array("\u{FEFF}\n  <HTML lang=en>".utf8), "is a web page", "browser"),
    (
      Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8),
      "is an XML document", "download"
    ),
    (hdf5, "is an HDF5 file", "numpy.savez"),
    (
      ZIPBytes(["config.json", "metadata.json", "model.weights.h5"]).bytes, "is a Keras model",
      "numpy.savez"
    ),
    (
      [8, 7, 0x12, 7] + Array("pytorch".utf8) + [0x1A, 5] + Array("1.9.0".utf8), "is an ONNX model",
      "initializer"
    ),
    ([8, 10, 0x3A, 0x90, 1, 0x0A, 4], "is an ONNX model", "initializer"),
    (
      ZIPBytes(["m/data.pkl", "m/code/__torch__/net.py", "m/constants.pkl", "m/data/0"]).bytes,
      "is a TorchScript program", "torch.jit.load(FILE).state_dict()"
    ),
    (
      ZIPBytes(["m/archive_format", "m/models/model.json"]).bytes, "is a program of torch.export",
      "torch.export.load"
    ),
    (
      ZIPBytes(["a/readme.txt", "a/model.pth"]).bytes,
      "is a ZIP archive of a/readme.txt, a/model.pth", "unpack it"
    ),
    (
      Array("# YOLO\n\n[net]\nbatch=64\n".utf8), "is Darknet's description of a network", ".weights"
    ),
    (Array("{\"architectures\": [\"ResNet\"]}".utf8), "is JSON", "expected safetensors"),
    (
      Array("{\"metadata\": {}, \"weight_map\": {\"a\": \"1.safetensors\"}}".utf8),
      "is the index of weights", "join them"
    ),
    (Array("# data\ntrain: images\nnc: 2\n".utf8), "is YAML", "expected safetensors"),
    (Array("Téléchargement échoué".utf8), "is text", "expected safetensors"),
    ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "is compressed with gzip", "gunzip"),
    (Array("BZh91AY".utf8), "is compressed with bzip2", "bunzip2"),
    (tar(), "is a tar archive", "tar xf"),
    (
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0], "is a PNG image",
      "expected safetensors"
    ),
    (Array("GGUF".utf8) + [3, 0, 0, 0, 0, 0], "is a GGUF file", "no such models"),
    ([28, 0, 0, 0] + Array("TFL3".utf8) + [0, 0], "is a TensorFlow Lite model", "numpy.savez"),
  ]

  @Test(arguments: kinds.indices) func everyKindIsNamed(_ index: Int) throws {
    let (bytes, says, advice) = Self.kinds[index]
    for name in ["w.pth", "w.safetensors", "w.npz", "w.weights", "w"] {
      let text = try Self.refusal(of: bytes, name: name)
      #expect(text.contains("/\(name) \(says)") && text.contains(advice), "\(text)")
      #expect(!text.contains("\n") && text.count < 600)
    }
  }

  /// Readers of one format say so, too, and what else could read the file.
  @Test func readersOfOneFormatNameOthers() throws {
    func refusal(_ name: String) -> String {
      Self.problem { _ = try Safetensors(contentsOf: Fixtures.url("weights/\(name)").path) }
    }
    #expect(refusal("zip.pth").contains("it is one of PyTorch's: 'saker weights convert'"))
    #expect(refusal("legacy.pth").contains("it is one of PyTorch's"))
    #expect(refusal("array.npy").contains("it is one of NumPy's"))
  }

  @Test func foldersAreNamed() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-foreign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func refusal() -> String { Self.problem { _ = try WeightsFile(contentsOf: folder.path) } }
    func add(_ name: String) throws { try Data().write(to: folder.appendingPathComponent(name)) }
    #expect(refusal().contains("is a folder: expected a file of weights"))
    try add("model.safetensors")
    #expect(refusal().contains("is a folder: name a file of weights in it: model.safetensors"))
    try add("data.pkl")
    #expect(refusal().contains("is the folder of an unpacked PyTorch file"))
    try add("saved_model.pb")
    #expect(refusal().contains("TensorFlow's SavedModel"))
  }

  /// No beginning of a file that is read is taken for something else: the lengths of safetensors'
  /// headers can begin with anything.
  @Test func noSafetensorsFileIsForeign() throws {
    for length in [UInt64(8), 0x0708, 0x4B50, 0x8B1F, 0x2030, 0x5B5B, 0x3C0A] {
      let start = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{\"a\":".utf8)
      #expect(ForeignFile(start, size: 1 << 20)?.what == nil, "\(length)")
    }
  }
}

/// A ZIP file's bytes, made by hand: entries that claim to be compressed, whatever is in them.
struct ZIPBytes {
  private(set) var bytes: [UInt8] = []

  init(_ entries: [(name: String, bytes: [UInt8], size: Int)]) {
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(value >> (8 * $0) & 255) }
    }
    var directory: [UInt8] = []
    for entry in entries {
      let place = bytes.count
      let name = Array(entry.name.utf8)
      // Version, flags, method, time, checksum, both sizes, lengths of name and extra field.
      let common =
        number(20, 2) + number(0, 2) + number(8, 2) + number(0, 8) + number(entry.bytes.count, 4)
        + number(entry.size, 4) + number(name.count, 2) + number(0, 2)
      bytes += [0x50, 0x4B, 3, 4] + common + name + entry.bytes
      directory += [0x50, 0x4B, 1, 2, 20, 0] + common + number(0, 10) + number(place, 4) + name
    }
    let start = bytes.count
    bytes += directory
    bytes +=
      [0x50, 0x4B, 5, 6] + number(0, 4) + number(entries.count, 2) + number(entries.count, 2)
    bytes += number(directory.count, 4) + number(start, 4) + number(0, 2)
  }

  /// With empty entries.
  init(_ names: [String]) { self.init(names.map { (name: $0, bytes: [], size: 0) }) }
}
