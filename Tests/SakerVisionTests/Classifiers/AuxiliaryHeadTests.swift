import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// GoogLeNet and Inception v3 with their heads in the middle, against torchvision:
/// Scripts/golden/auxiliary_heads.py.
struct AuxiliaryHeadTests {
  static let names = ["googlenet", "inception_v3"]

  private struct Attributes: Decodable {
    var side, batch, state, parameters: Int
    var names: UInt32
    var weight: Float
    var without: Int

    enum CodingKeys: String, CodingKey {
      case side, batch, state, parameters, names, weight
      case without = "parameters_without"
    }
  }

  private func card(_ name: String, auxiliary: Bool, classes: Int = 1000) throws -> ClassifierCard {
    let entry = try #require(ClassifierCatalog.named(name))
    return ClassifierCard(
      architecture: name, variant: ClassifierVariant(auxiliary: auxiliary),
      classNames: (0..<classes).map(String.init), input: entry.input)
  }

  private func model(
    _ name: String, auxiliary: Bool = true, classes: Int = 1000
  ) throws -> any AuxiliaryClassifier {
    let model = try withoutStarts {
      try card(name, auxiliary: auxiliary, classes: classes).build()
    }
    try model.load(
      state: model.state.map { named in
        named.tensor.dtype.isFloating
          ? NamedTensor(
            named.name, ClassifierGoldenTests.started(named.name, named.tensor.shape)) : named
      })
    return try #require(model as? any AuxiliaryClassifier)
  }

  @Test(arguments: names) func aTrainingStepIsTorchvisions(_ name: String) throws {
    let golden = try GoldenFile("golden/auxiliary_heads.safetensors")
    let expected = try #require(
      try golden.json("cases", as: [String: Attributes].self)[name])
    let model = try model(name)
    let lines = model.state.map { named in
      "\(named.name) \(named.tensor.shape.sizes.map(String.init).joined(separator: "x"))"
    }
    #expect(lines.count == expected.state)
    #expect(
      ClassifierGoldenTests.crc32(lines.sorted().joined(separator: "\n")) == expected.names)
    #expect(model.parameterCount == expected.parameters)
    let plain = try withoutStarts { try card(name, auxiliary: false).build() }
    #expect(plain.parameterCount == expected.without)
    #expect(model.auxiliaryWeight == expected.weight)
    for case let layer as any ModeDependent & RandomLayer in model.namedModules.map(\.module) {
      layer.hold(.evaluation)
    }
    let pictures = ClassifierGoldenTests.drawn(
      [expected.batch, 3, expected.side, expected.side], seed: 2000)
    let labels = Tensor([3, 0, 9, 3].prefix(expected.batch).map { Int32($0) })
    let outputs = model.outputs(pictures)
    // Rounding tips single ReLUs, and Inception's head normalizes over the two pictures'
    // single pixels, where the least difference counts: PyTorch's own float32 tells how far it
    // goes in this network.
    let error = golden["\(name)/error"].floats
    let tolerance = max(1e-4, Rounding.bound(enlarged: error[1]))
    for (part, logits) in zip(["y", "y0", "y1"], [outputs.logits] + outputs.auxiliary) {
      let y = golden["\(name)/\(part)"]
      expectClose(logits[0..<expected.batch, 0..<y.shape[1]], y, relative: tolerance, part)
    }
    #expect(outputs.auxiliary.count == model.auxiliaryHeads.count)
    var loss = crossEntropy(outputs.logits, labels)
    for logits in outputs.auxiliary {
      loss = loss + model.auxiliaryWeight * crossEntropy(logits, labels)
    }
    expectClose(loss, golden["\(name)/loss"], relative: tolerance)
    loss.backward()
    let sizes = golden["\(name)/n"].floats
    let named = model.namedParameters.sorted {
      $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }
    #expect(named.count == sizes.count)
    let floor = 1e-4 * (sizes.max() ?? 0)
    for (parameter, size) in zip(named, sizes) {
      let gradient = try #require(parameter.parameter.gradient, "\(parameter.name)")
      let got = sqrt(square(gradient).mean()).item
      #expect(
        abs(got - size) <= (1e-3 + 4 * error[0]) * max(size, floor),
        "\(parameter.name): \(got), not \(size)")
    }
  }

  /// In evaluation the heads are not asked: the same logits, the same work.
  @Test(arguments: names) func inEvaluationTheyCostNothing(_ name: String) throws {
    let side = name == "googlenet" ? 64 : 139
    let model = try model(name, classes: 10)
    let plain = try self.model(name, auxiliary: false, classes: 10)
    let picture = ClassifierGoldenTests.drawn([1, 3, side, side], seed: 5)
    #expect(
      model.evaluating { model(picture) }.floats == plain.evaluating { plain(picture) }.floats)
    func work(_ model: any Classifier) -> Int {
      ModelSummary(model, name: "", input: picture) { _ = model($0) }.multiplyAdds
    }
    #expect(work(model) == work(plain))
    #expect(plain.auxiliaryHeads.isEmpty)
    #expect(model.stages == plain.stages, "heads in the middle are no stages")
  }

  @Test func theCardRemembersThem() throws {
    let card = try card("googlenet", auxiliary: true, classes: 3)
    #expect(try ClassifierCard(metadata: card.metadata, file: "x") == card)
    #expect(card.variant.description == "auxiliary heads")
    let text = try #require(card.metadata[ClassifierCard.metadataKey])
    #expect(text.contains("\"auxiliary\":true"))
    let plain = try self.card("googlenet", auxiliary: false, classes: 3)
    #expect(plain.metadata[ClassifierCard.metadataKey]?.contains("auxiliary") == false)
    // Cards of before know nothing of such heads.
    let old = text.replacingOccurrences(of: "\"auxiliary\":true,", with: "")
    #expect(old != text)
    #expect(
      try ClassifierCard(metadata: [ClassifierCard.metadataKey: old], file: "x") == plain)
    var other = card
    other.architecture = "resnet18"
    let error = #expect(throws: ModelCardError.self) { _ = try other.build() }
    #expect(error?.description == "resnet18 has no auxiliary heads")
  }
}
