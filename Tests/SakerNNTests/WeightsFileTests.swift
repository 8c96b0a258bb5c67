import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Files that PyTorch wrote: Scripts/golden/weights.py.
@Suite struct WeightsFileTests {
  private func path(_ name: String) -> String { Fixtures.url("weights/\(name)").path }

  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test(arguments: ["zip.pth", "legacy.pth"]) func everyTypeAndLayoutIsRead(name: String) throws {
    let expected = try GoldenFile("weights/expected.safetensors")
    let file = try WeightsFile(contentsOf: path(name))
    #expect(file.format == .torch)
    #expect(file.tensors.count == expected.tensors.count)
    for named in file.tensors {
      let truth = expected[named.name]
      #expect(named.tensor.shape == truth.shape, "\(named.name)")
      let same =
        named.tensor.converted(to: truth.dtype) .== truth
      #expect(same.converted(to: .float32).floats.allSatisfy { $0 == 1 }, "\(named.name)")
    }
    let types = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.tensor.dtype) })
    #expect(types["bf16"] == .bfloat16 && types["f16"] == .float16 && types["i64"] == .int64)
  }

  @Test func wrappersAreFoundAndTakenOff() throws {
    let file = try WeightsFile(contentsOf: path("wrapped.pth"))
    #expect(file.parts == ["state_dict", "ema"])
    #expect(file.metadata["epoch"] == "7" && file.metadata["date"] == "2026-11-21")
    let plain = try file.state()
    #expect(plain.map(\.name).sorted() == ["conv.bias", "conv.weight"])
    let averaged = try file.state(part: "ema")
    let difference =
      averaged.first { $0.name == "conv.bias" }!.tensor
      - plain.first { $0.name == "conv.bias" }!.tensor
    expectClose(difference, Tensor([1, 1] as [Float]), relative: 1e-6)
    #expect(
      problem { _ = try file.state(part: "nothing") }.contains("expected one of state_dict, ema"))
  }

  /// A layer may bear the name of a wrapper: the model's own names tell.
  @Test func aLayerCalledModelIsNoWrapper() throws {
    let file = try WeightsFile(contentsOf: path("wrapped.safetensors"))
    let names: Set = ["plain.conv.weight", "ema.conv.weight"]
    #expect(try file.state(fitting: names).count == 4)
    #expect(try file.state().count == 2)
  }

  @Test(arguments: ["evil.pth", "evil-legacy.pth"]) func nothingIsExecuted(name: String) {
    let text = problem { _ = try WeightsFile(contentsOf: path(name)) }
    #expect(text.contains("posix.system") && text.contains(name) && !text.contains("\n"), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: "evil-ran"))
  }

  @Test func otherClassesAndCompressionAreRefusedByName() {
    let model = problem { _ = try WeightsFile(contentsOf: path("whole-model.pth")) }
    #expect(model.contains("torch.nn.modules.linear.Linear"), "\(model)")
    let compressed = problem { _ = try WeightsFile(contentsOf: path("compressed.pth")) }
    #expect(compressed.contains("got compressed ones"), "\(compressed)")
  }

  /// Whatever is cut off or changed: an error that names the file, in one line, or a
  /// file that is read.
  @Test(arguments: ["zip.pth", "legacy.pth", "wrapped.pth", "expected.safetensors"])
  func damagedFilesThrow(name: String) throws {
    try DamagedFiles.check(path(name), rounds: 300, least: 150) {
      _ = try WeightsFile(contentsOf: $0)
    }
  }

  /// Cut off at every byte; PyTorch's files at every seventh, as they are longer. (Their end holds
  /// the directory, or the last numbers.)
  @Test(arguments: [("zip.pth", 7), ("legacy.pth", 7), ("wrapped.safetensors", 1)])
  func truncatedAnywhere(name: String, step: Int) throws {
    try DamagedFiles.checkTruncations(path(name), step: step) {
      _ = try WeightsFile(contentsOf: $0)
    }
  }

  /// Empty tensors with sizes whose product is no number: their strides would be none either.
  @Test func hugeEmptyTensorsAreRefused() throws {
    let header =
      #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}}"#
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    bytes += Array(header.utf8)
    let target = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-huge-\(UUID().uuidString)")
    try Data(bytes).write(to: target)
    defer { try? FileManager.default.removeItem(at: target) }
    let text = problem { _ = try WeightsFile(contentsOf: target.path) }
    #expect(text.contains("a: F32 [0, 4611686018427387904"), "\(text)")
  }

  @Test func darknetFilesAreReadAndWritten() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-darknet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let target = folder.appendingPathComponent("a.weights").path
    var file = DarknetFile(random([100], seed: 3), seen: 7)
    try file.write(to: target)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: target)))
    #expect(
      bytes.count == 20 + 400
        && bytes[0..<13].elementsEqual([0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7]))
    let read = try DarknetFile(contentsOf: target)
    #expect(read.seen == 7 && read.values.floats == file.values.floats)
    // Three bytes of four, cut off or too many, are no number; whether whole ones are missing
    // only a model tells.
    try DamagedFiles.checkTruncations(target, allowed: Set(stride(from: 20, to: 420, by: 4))) {
      _ = try WeightsFile(contentsOf: $0)
    }
    try DamagedFiles.check(target, rounds: 600, least: 150) { _ = try WeightsFile(contentsOf: $0) }
    // The older header counts in 32 bits.
    file.minor = 1
    try file.write(to: target)
    bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: target)))
    #expect(bytes.count == 16 + 400)
    #expect(try DarknetFile(contentsOf: target).values.floats == file.values.floats)
  }

  /// Dictionaries that hold each other twice grow without end for who walks through them.
  @Test func aSmallPickleCannotTakeForever() throws {
    // }q0 then 40 times: }q(n) X'a' h(n-1) s X'b' h(n-1) s
    var pickle: [UInt8] = [0x80, 2, UInt8(ascii: "}"), UInt8(ascii: "q"), 0]
    for level in 1...40 as ClosedRange<UInt8> {
      pickle += [UInt8(ascii: "}"), UInt8(ascii: "q"), level]
      for key in "ab".utf8 {
        pickle += [
          UInt8(ascii: "X"), 1, 0, 0, 0, key, UInt8(ascii: "h"), level - 1, UInt8(ascii: "s"),
        ]
      }
    }
    pickle.append(UInt8(ascii: "."))
    let value = try Pickle(pickle)
    #expect(value.dictionaries.count == 41)
    var tuples: [UInt8] = [0x80, 2, UInt8(ascii: ")")]
    for _ in 0..<100 { tuples += [UInt8(ascii: "2"), 0x86] }
    tuples.append(UInt8(ascii: "."))
    #expect(throws: Pickle.Problem.self) { _ = try Pickle(tuples) }
  }
}
