import Foundation
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerCommand

@Suite struct WeightsCommandTests {
  private func lenet() -> [NamedTensor] {
    let shapes: [(String, Shape)] = [
      ("net.0", [6, 1, 5, 5]), ("net.3", [16, 6, 5, 5]), ("net.7", [120, 400]),
      ("net.9", [84, 120]),
      ("net.11", [10, 84]),
    ]
    return shapes.enumerated().flatMap { index, layer in
      [
        NamedTensor(layer.0 + ".weight", random(layer.1, seed: UInt64(index + 1))),
        NamedTensor(layer.0 + ".bias", random([layer.1[0]], seed: UInt64(index + 10))),
      ]
    }
  }

  private func forward(_ weights: String, _ sandbox: Sandbox, _ more: [String] = []) throws
    -> Saker.Result
  {
    let input = sandbox.path("x.safetensors")
    try Safetensors([NamedTensor("input", random([1, 1, 28, 28], seed: 5))]).write(to: input)
    return try Saker.run(
      [
        "forward", "--model", "lenet", "--weights", weights, "--input", input, "--output",
        sandbox.path("y.safetensors"),
      ] + more)
  }

  @Test func namesAndPartsOnTheCommandLine() throws {
    let sandbox = try Sandbox()
    let file = sandbox.path("w.safetensors")
    try Safetensors(lenet()).write(to: file)
    #expect(try forward(file, sandbox).status == 0)
    let logits = try bits(sandbox.path("y.safetensors"))
    // Under other names they are refused, all of them told, and taken with a rule.
    let foreign = lenet().map { NamedTensor("backbone.\($0.name)", $0.tensor) }
    try Safetensors(foreign).write(to: file)
    let refused = try forward(file, sandbox)
    #expect(refused.status != 0 && refused.errors.contains("net.0.weight: missing"))
    #expect(refused.errors.contains("and 10 more problems"))
    #expect(try forward(file, sandbox, ["--rename", "backbone.*=*"]).status == 0)
    #expect(try bits(sandbox.path("y.safetensors")) == logits)
    // Converting with the rule gives a file that needs none.
    let plain = sandbox.path("plain.safetensors")
    try Saker.succeed(["weights", "convert", file, plain, "--rename", "backbone.*=*"])
    #expect(try forward(plain, sandbox).status == 0)
    #expect(try bits(sandbox.path("y.safetensors")) == logits)
    // A part of it, if it is asked for.
    try Safetensors(Array(lenet().dropLast(2))).write(to: file)
    #expect(try forward(file, sandbox).status != 0)
    let part = try forward(file, sandbox, ["--partial"])
    #expect(
      part.status == 0 && part.errors.contains("loaded 8 of 10 tensors; missing 2: net.11.weight"))
    try Safetensors([NamedTensor("a", .zeros([1]))]).write(to: file)
    #expect(try forward(file, sandbox, ["--partial"]).errors.contains("no tensor that fits"))
    #expect(try forward(file, sandbox, ["--rename", "a*=*b*"]).errors.contains("no more stars"))
  }

  @Test func notANumberIsToldAndRefused() throws {
    let sandbox = try Sandbox()
    let file = sandbox.path("w.safetensors")
    var state = lenet()
    state[1] = NamedTensor("net.0.bias", Tensor([1, .nan, 2, .infinity, 3, 4] as [Float]))
    try Safetensors(state).write(to: file)
    let info = try Saker.succeed(["weights", "info", file])
    #expect(
      info.output.contains("net.0.bias     float32 [6]  2 infinite or not a number"),
      "\(info.output)")
    #expect(
      try Saker.succeed(["weights", "info", file, "--json"]).object()["non_finite"] as? Int == 2)
    let refused = try forward(file, sandbox)
    #expect(refused.status != 0)
    #expect(refused.errors.contains("net.0.bias: 2 of 6 elements are infinite or not a number"))
    let taken = try forward(file, sandbox, ["--allow-nonfinite"])
    #expect(taken.status == 0 && taken.errors.contains("not finite 1: net.0.bias"))
  }

  @Test func arraysOfNumPyAndKeras() throws {
    let sandbox = try Sandbox()
    let keras = Fixtures.url("weights/keras.npz").path
    let output = sandbox.path("k.safetensors")
    try Saker.succeed(["weights", "convert", keras, output, "--keras"])
    let state = try Safetensors(contentsOf: output)
    #expect(state["dw.weight"]?.shape == [8, 1, 3, 3] && state["dense.weight"]?.shape == [3, 8])
    let info = try Saker.succeed(["weights", "info", keras, "--json"])
    #expect(try info.object()["format"] as? String == "numpy")
  }
}

/// `saker models` and docs/models.
@Suite struct ModelPagesTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/models")

  /// `saker models --docs docs/models` writes them anew.
  @Test func pagesAreUpToDate() throws {
    for (name, text) in ModelPages.all {
      let page = try? String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
      #expect(page == text, "docs/models/\(name)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    let pages = Set(names.filter { $0.hasSuffix(".md") && $0 != "README.md" })
    #expect(pages == Set(ModelPages.all.map(\.name).filter { $0 != "README.md" }))
    // A picture of each family, and none of no family.
    let pictures = Set(names.filter { $0.hasSuffix(".png") }.map { String($0.dropLast(4)) + ".md" })
    #expect(pictures == pages)
  }

  @Test func everyClassifierHasAPage() {
    let families = Set(ClassifierCatalog.all.map(\.family))
    #expect(families == Set(FamilyNote.all.map(\.family)))
    #expect(FamilyNote.all.count == families.count)
  }

  /// Nothing is computed: a minute would be too long for a list.
  @Test func modelsAreListed() throws {
    let start = Date()
    let result = try Saker.succeed(["models", "--json"])
    #expect(Date().timeIntervalSince(start) < 20)
    let rows = try #require(try result.json() as? [[String: Any]])
    #expect(rows.count == ClassifierCatalog.all.count + ModelEntry.all.count)
    let resnet = try #require(rows.first { $0["name"] as? String == "resnet50" })
    #expect(resnet["parameters"] as? Int == 25_557_032)
    #expect(resnet["multiply_adds"] as? Int == 4_089_184_256)
    #expect(resnet["receptive_field"] as? Int == 427)
    #expect(resnet["strides"] as? [Int] == [4, 8, 16, 32])
    #expect(resnet["checked_against"] as? String == "torchvision")
    let some = try Saker.succeed(["models", "--family", "vgg"])
    #expect(some.output.split(separator: "\n").count == 9)
    let wrong = try Saker.run(["models", "--family", "huge"])
    #expect(wrong.status != 0 && wrong.errors.contains("family: expected one of"))
  }
}
