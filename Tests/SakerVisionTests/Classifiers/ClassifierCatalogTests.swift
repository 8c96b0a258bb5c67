import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// Every classifier against torchvision's, timm's or an independent definition:
/// Scripts/golden/classifiers.py.
@Suite struct ClassifierGoldenTests {
  static let golden = Result { try GoldenFile("golden/classifiers.safetensors") }

  static var names: [String] { ClassifierCatalog.all.map(\.name) }
  static var trained: [String] {
    guard let file = try? golden.get() else { return [] }
    return names.filter { file.tensors["\($0)/loss"] != nil }
  }

  /// All of them; for lesser instruction sets each fifth, and the one that enlarges rounding by the
  /// most 3x3 convolutions.
  static var stepped: [String] {
    trained.enumerated().filter {
      $0.offset % Thoroughness.step == 0 || $0.element == "inception_v3"
    }.map(\.element)
  }

  /// The script's `drawn`.
  static func drawn(_ shape: Shape, seed: UInt32, scale: Float = 1, shift: Float = 0) -> Tensor {
    let start = seed &* 0x9E37_79B9
    return Tensor(shape, of: Float.self) { elements in
      // Billions of numbers in all: on all cores, each written once.
      nonisolated(unsafe) let elements = elements
      Parallel.run(elements.count, grain: 1 << 16) { part in
        for i in part {
          var h = UInt32(truncatingIfNeeded: i) &+ start
          h = (h ^ (h >> 16)) &* 0x85EB_CA6B
          h = (h ^ (h >> 13)) &* 0xC2B2_AE35
          h ^= h >> 16
          let u = Float(h >> 8) / 0x1p23 - 1
          elements[i] = shift + scale * u
        }
      }
    }
  }

  /// The script's `start` for one tensor.
  static func started(_ name: String, _ shape: Shape) -> Tensor {
    let seed = crc32(name)
    if shape.rank > 1 {
      let scale = Float((3 / Double(shape.elements / shape[0])).squareRoot())
      return drawn(shape, seed: seed, scale: scale)
    }
    let isScale = ["weight", "var", "gamma"].contains(where: name.hasSuffix)
    return isScale
      ? drawn(shape, seed: seed, scale: 0.5, shift: 1) : drawn(shape, seed: seed, scale: 0.25)
  }

  static func crc32(_ text: String) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in text.utf8 {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  /// A model with the script's weights.
  static func model(_ entry: ClassifierEntry) throws -> any Classifier {
    let model = withoutStarts { entry.build(entry.classes) }
    let state = model.state.map { named in
      named.tensor.dtype.isFloating
        ? NamedTensor(named.name, started(named.name, named.tensor.shape)) : named
    }
    try model.load(state: state)
    return model
  }

  private struct Attributes: Decodable {
    var side: Int
    var names: UInt32
    var state: Int
    var parameters: Int
    var multiplyAdds: Int

    enum CodingKeys: String, CodingKey {
      case side, names, state, parameters
      case multiplyAdds = "multiply_adds"
    }
  }

  private func attributes(_ name: String) throws -> Attributes {
    let cases: [String: Attributes] = try Self.golden.get().json("cases")
    return try #require(cases[name], "\(name)")
  }

  @Test func everyVariantIsCompared() throws {
    let golden = try Self.golden.get()
    for name in Self.names { #expect(golden.tensors["\(name)/y"] != nil, "\(name)") }
  }

  @Test(arguments: names) func logitsNamesAndCountsMatch(name: String) throws {
    let golden = try Self.golden.get()
    let entry = try #require(ClassifierCatalog.named(name))
    let expected = try attributes(name)
    #expect(entry.input.side == expected.side)
    let model = try Self.model(entry)
    let lines = model.state.map { named in
      "\(named.name) \(named.tensor.shape.sizes.map(String.init).joined(separator: "x"))"
    }
    #expect(lines.count == expected.state)
    #expect(
      Self.crc32(lines.sorted().joined(separator: "\n")) == expected.names,
      "names or shapes of \(name) are not the published ones")
    #expect(model.parameterCount == expected.parameters)
    let picture = Self.drawn(
      [1, entry.input.channels, expected.side, expected.side], seed: 1000)
    let summary = ModelSummary(model, name: name, input: picture) { _ = model($0) }
    #expect(summary.multiplyAdds == expected.multiplyAdds)
    // What pages and lists say without computing it.
    let facts = try #require(ClassifierFacts.byName[name], "\(name) is not in the table")
    #expect(facts.parameters == expected.parameters)
    #expect(facts.multiplyAdds == expected.multiplyAdds)
    let measured = ClassifierFacts(
      of: model, summary, side: expected.side, sides: facts.stages.map(\.side))
    #expect(measured == facts, "write the table anew: saker models --table")
    #expect(facts.stages.map(\.stride) == model.levels.map(\.stride))
    #expect(facts.stages.map(\.channels) == model.levels.map(\.channels))
    let blind = summary.rows.filter { $0.receptiveField == nil }.map(\.name)
    #expect(blind.isEmpty, "nobody knows what these see: \(blind.prefix(3))")
    let logits = model.evaluating { model(picture) }
    let y = try #require(golden.tensors["\(name)/y"])
    expectClose(logits[0, 0..<y.count], y, relative: 1e-4)
  }

  /// As many maps as levels, of their channels and strides, but for what unpadded layers
  /// take off the edges.
  @Test(arguments: trained) func featuresAreAsTheLevelsSay(name: String) throws {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(10) }
    let side = entry.input.side
    let maps = model.evaluating {
      withoutGradients {
        model.features(Self.drawn([1, entry.input.channels, side, side], seed: 1000))
      }
    }
    #expect(maps.count == model.levels.count)
    #expect(maps.map { $0.shape[2] } == entry.facts.stages.map(\.side))
    for (map, level) in zip(maps, model.levels) {
      #expect(map.shape[1] == level.channels)
      let exact = Double(side) / Double(level.stride)
      #expect(
        map.rank == 4 && abs(Double(map.shape[2]) - exact) <= 4 && map.shape[3] == map.shape[2],
        "\(map.shape) at stride \(level.stride)")
    }
  }

  @Test(arguments: stepped) func aTrainingStepMatches(name: String) throws {
    let golden = try Self.golden.get()
    let entry = try #require(ClassifierCatalog.named(name))
    let model = try Self.model(entry)
    for case let layer as any ModeDependent & RandomLayer in model.namedModules.map(\.module) {
      layer.hold(.evaluation)
    }
    func tensor(_ part: String) throws -> Tensor {
      try #require(golden.tensors["\(name)/\(part)"], "\(part)")
    }
    let side = Int(try tensor("side").item)
    let pictures = Self.drawn([4, entry.input.channels, side, side], seed: 2000)
    // Rounding tips single ReLUs, and batch norms enlarge it: PyTorch's own float32 tells how far
    // it goes in this network.
    let (sizeError, logitError) = (try tensor("error")[0].item, try tensor("error")[1].item)
    let logits = model(pictures)
    let y = try tensor("train.y")
    let tolerance = max(1e-4, Rounding.bound(enlarged: logitError))
    expectClose(logits[0..<4, 0..<y.shape[1]], y, relative: tolerance)
    let loss = crossEntropy(logits, Tensor([3, 0, 9, 3] as [Int32]))
    expectClose(loss, try tensor("loss"), relative: tolerance)
    loss.backward()
    let sizes = try tensor("n").floats
    let named = model.namedParameters.sorted {
      $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
    #expect(named.count == sizes.count)
    // A bias before a batch norm changes nothing: what is left of its gradient is rounding.
    let floor = 1e-4 * (sizes.max() ?? 0)
    var (difference, all) = (0.0, 0.0)
    for (parameter, expected) in zip(named, sizes) {
      let gradient = try #require(parameter.parameter.gradient, "\(parameter.name)")
      let size = sqrt(square(gradient).mean()).item
      difference += Double(gradient.count) * Double((size - expected) * (size - expected))
      all += Double(gradient.count) * Double(expected * expected)
      // Which ReLUs tip depends on the kernels, and these on the number of threads. One of P places
      // of a channel has up to 5/√P of a sum of mixed signs, and 1/C of the root mean square over C
      // channels: for small pictures, where √P C is 1,000 throughout, 5e-3; twice that for four.
      #expect(
        abs(size - expected) <= (1e-2 + 4 * sizeError) * max(expected, floor),
        "\(parameter.name): \(size), not \(expected)")
    }
    #expect((difference / all).squareRoot() <= max(1e-3, Double(sizeError)), "of all gradients")
  }
}
