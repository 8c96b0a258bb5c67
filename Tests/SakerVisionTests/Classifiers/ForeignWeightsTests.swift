import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// Weights under other libraries' names and in Darknet's order: Scripts/golden/foreign_weights.py.
@Suite struct ForeignWeightsTests {
  static let golden = Result { try GoldenFile("golden/foreign_weights.safetensors") }

  private struct Attributes: Decodable {
    var side: Int
    /// `name shape`
    var state: [String]?
    /// `kind count fan`
    var parts: [String]?
  }

  private static func attributes(_ name: String) throws -> Attributes {
    let cases: [String: Attributes] = try golden.get().json("cases")
    return try #require(cases[name], "\(name)")
  }

  private static func names(_ prefix: String) -> [String] {
    let all = (try? golden.get().tensors.keys).map(Array.init) ?? []
    return all.filter { $0.hasPrefix(prefix) }.map {
      String($0.dropFirst(prefix.count).dropLast(2))
    }
    .sorted()
  }

  private func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-foreign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  // MARK: timm

  @Test func everyCaseIsThere() {
    #expect(Self.names("timm/").count == 10 && Self.names("darknet/").count == 3)
  }

  @Test(arguments: names("timm/")) func timmsNamesGiveTimmsOutputs(name: String) throws {
    let expected = try Self.attributes("timm/\(name)")
    let state = try #require(expected.state).map { line -> NamedTensor in
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      let (name, shape) = (String(parts[0]), Shape(parts[1].split(separator: "x").map { Int($0)! }))
      return NamedTensor(
        name,
        name.hasSuffix("num_batches_tracked")
          ? .zeros([], .int64) : ClassifierGoldenTests.started(name, shape))
    }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("timm.safetensors").path
    try Safetensors(state).write(to: path)
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(1000) }
    let report = try model.load(weights: WeightsFile(contentsOf: path))
    #expect(report.missing.isEmpty && report.unexpected.isEmpty)
    let isOwn = ["resnet50", "densenet121", "inception_v3"].contains(name)
    #expect(report.names == (isOwn ? nil : "timm"))
    let picture = ClassifierGoldenTests.drawn([1, 3, expected.side, expected.side], seed: 1000)
    let logits = model.evaluating { model(picture) }
    let y = try #require(try Self.golden.get().tensors["timm/\(name)/y"])
    expectClose(logits[0, 0..<y.count], y, relative: 1e-4)
  }

  // MARK: Older and other names of the same library

  private static func small(_ name: String) -> any Classifier {
    switch name {
    case "densenet": DenseNet(.init(growth: 4, depths: [2, 2, 2, 2], stem: 8), classes: 3)
    case "vit_timm":
      VisionTransformer(
        .init(width: 8, depth: 12, heads: 2, patch: 16), side: 32, classes: 3, naming: .timm)
    default:
      VisionTransformer(.init(width: 8, depth: 12, heads: 2, patch: 16), side: 32, classes: 3)
    }
  }

  /// Writes a model's state under other names and loads it into another model.
  private func roundTrip(
    _ kind: String, from source: String? = nil, names: String, _ rename: (String) -> String
  ) throws {
    let first = withSeed(1) { Self.small(source ?? kind) }
    let second = withSeed(2) { Self.small(kind) }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("renamed.safetensors").path
    try Safetensors(first.state.map { NamedTensor(rename($0.name), $0.tensor) }).write(to: path)
    let report = try second.load(weights: WeightsFile(contentsOf: path))
    #expect(report.names == names && report.missing.isEmpty)
    let x = random([2, 3, 32, 32], seed: 3)
    let (a, b) = (first.evaluating { first(x) }, second.evaluating { second(x) })
    expectClose(a, b, relative: 1e-6)
  }

  /// torchvision's published densenet121-a639ec97.pth has `denselayer1.norm.1.weight`.
  @Test func oldNamesOfDenseNet() throws {
    try roundTrip("densenet", names: "torchvision before 0.3") { name in
      guard name.contains("denselayer") else { return name }
      return ["norm1", "norm2", "conv1", "conv2"].reduce(name) { name, part in
        name.replacingOccurrences(
          of: ".\(part).", with: ".\(part.dropLast()).\(part.suffix(1)).")
      }
    }
  }

  /// torchvision's published vit_b_16-c867db91.pth has `mlp.linear_1.weight`.
  @Test func oldNamesOfTransformers() throws {
    try roundTrip("vit", names: "torchvision before 0.14") { name in
      name.replacingOccurrences(of: "mlp.0.", with: "mlp.linear_1.")
        .replacingOccurrences(of: "mlp.3.", with: "mlp.linear_2.")
    }
  }

  @Test func transformersLoadEitherWay() throws {
    try roundTrip("vit_timm", from: "vit", names: "torchvision") { $0 }
    try roundTrip("vit", from: "vit_timm", names: "timm") { $0 }
  }

  /// The published files have the auxiliary heads that a network for use lacks.
  @Test func auxiliaryHeadsArePassedOver() throws {
    let full = withoutStarts { GoogLeNet(classes: 5, auxiliary: true) }
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("aux.safetensors").path
    try Safetensors(full.state).write(to: path)
    let file = try WeightsFile(contentsOf: path)
    let report = try withoutStarts { GoogLeNet(classes: 5) }.load(weights: file)
    #expect(report.unexpected.isEmpty && report.missing.isEmpty)
    try withoutStarts { GoogLeNet(classes: 5, auxiliary: true) }.load(weights: file)
  }

  // MARK: Darknet

  /// The script's numbers, in the order of a file.
  private static func darknetValues(_ parts: [String]) -> Tensor {
    let all = parts.enumerated().map { index, line -> Tensor in
      let words = line.split(separator: " ")
      let (kind, count, fan) = (words[0], Int(words[1])!, Double(words[2])!)
      let u = ClassifierGoldenTests.drawn([count], seed: UInt32(index + 1))
      if kind == "kernel" { return u * Float((3 / fan).squareRoot()) }
      return kind == "scale" || kind == "var" ? 1 + 0.5 * u : 0.25 * u
    }
    return concatenate(all, axis: 0)
  }

  @Test(arguments: names("darknet/")) func darknetsFilesGiveItsOutputs(name: String) throws {
    let expected = try Self.attributes("darknet/\(name)")
    let values = Self.darknetValues(try #require(expected.parts))
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("net.weights").path
    try DarknetFile(values, seen: 32_013_312).write(to: path)
    let file = try WeightsFile(contentsOf: path)
    #expect(file.format == .darknet && file.metadata["seen"] == "32013312")
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(1000, for: file) }
    let report = try model.load(weights: file)
    #expect(report.names == "Darknet")
    let picture = ClassifierGoldenTests.drawn([1, 3, expected.side, expected.side], seed: 1000)
    let logits = model.evaluating { model(picture) }
    let y = try #require(try Self.golden.get().tensors["darknet/\(name)/y"])
    expectClose(logits[0, 0..<y.count], y, relative: 1e-4)

    // Written back it is the same file, to the byte.
    let again = folder.appendingPathComponent("again.weights").path
    try DarknetFile(model, seen: 32_013_312).write(to: again)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: again))
        == Data(contentsOf: URL(fileURLWithPath: path)))

    // Shorter and longer: one line with the counts; as a backbone also without the head.
    let head = model.head[0]
    let headCount = 1000 * (model.levels.last?.channels ?? 0) + 1000
    for (count, fits) in [
      (values.count - 1, false), (values.count - headCount, false),
      (values.count - headCount, true),
      (values.count + 7, false), (values.count + 7, true), (values.count - headCount - 1, true),
    ] {
      let more = concatenate([values, .zeros([7])], axis: 0)
      try DarknetFile(more.narrow(0, 0..<count)).write(to: path)
      let file = try WeightsFile(contentsOf: path)
      let text = problem {
        try model.load(weights: file, fits ? .newHead([head]) : .whole)
      }
      if fits && count >= values.count - headCount {
        #expect(text.isEmpty, "\(text)")
      } else {
        #expect(text.contains("expected \(values.count) numbers") && text.contains("got \(count)"))
        #expect(!text.contains("\n"))
      }
    }
  }

  @Test func otherModelsHaveNoDarknetFiles() throws {
    let model = withoutStarts { LeNet(classes: 10) }
    #expect(problem { _ = try DarknetFile(model) }.contains("darknet53"))
  }
}
