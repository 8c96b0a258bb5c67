import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerCommand

/// What commands say of weights that are something else, or only in part the model's.
@Suite struct WeightsMessageTests {
  /// Each command that opens weights, with a place for the file.
  static let commands: [[String]] = [
    ["weights", "info", "FILE"], ["weights", "convert", "FILE", "OUT"],
    ["weights", "diff", "FILE", "FILE"], ["info", "FILE"],
    ["forward", "--model", "lenet", "--weights", "FILE", "--input", "x", "--output", "OUT"],
    ["train", "--task", "classify", "--weights", "FILE", "--out", "OUT"],
    ["train", "--weights", "FILE", "--out", "OUT"], ["train", "--resume", "FILE", "--out", "OUT"],
    ["predict", "--weights", "FILE", "PICTURE"], ["val", "--weights", "FILE"],
    ["prune", "--weights", "FILE", "--out", "OUT"],
    ["visualize", "filters", "FILE", "--out", "OUT.png"],
    ["visualize", "filters", "resnet18", "--weights", "FILE", "--out", "OUT.png"],
  ]

  @Test(arguments: commands) func everyCommandNamesWhatItIs(_ command: [String]) throws {
    let sandbox = try Sandbox()
    let file = try sandbox.write(
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46830571\n", "w.safetensors")
    let arguments = command.map {
      $0.replacing("FILE", with: file).replacing("OUT", with: sandbox.path("out"))
        .replacing("PICTURE", with: Fixtures.url("pictures/coffee.png").path)
    }
    let result = try Saker.run(arguments)
    #expect(result.status != 0)
    #expect(
      result.errors.contains("w.safetensors is a Git LFS pointer")
        && result.errors.contains("46830571 bytes"), "\(command): \(result.errors)")
  }

  private func lenet() -> [NamedTensor] {
    let shapes: [(String, Shape)] = [
      ("net.0", [6, 1, 5, 5]), ("net.3", [16, 6, 5, 5]), ("net.7", [120, 400]),
      ("net.9", [84, 120]), ("net.11", [10, 84]),
    ]
    return shapes.enumerated().flatMap { index, layer in
      [
        NamedTensor(layer.0 + ".weight", random(layer.1, seed: UInt64(index + 1))),
        NamedTensor(layer.0 + ".bias", random([layer.1[0]], seed: UInt64(index + 10))),
      ]
    }
  }

  /// Counts and names of what was taken and what not, for people and in JSON; patterns that fit
  /// nothing are told.
  @Test func partsAreCounted() throws {
    let sandbox = try Sandbox()
    let file = sandbox.path("w.safetensors")
    let state = [lenet()[0], NamedTensor("head.weight", .zeros([2]))]
    try Safetensors(state).write(to: file)
    let result = try Saker.run([
      "weights", "convert", file, sandbox.path("out.safetensors"), "--model", "lenet", "--classes",
      "10", "--partial", "--rename", "body.*=*", "--json",
    ])
    #expect(result.status == 0)
    #expect(
      result.errors.contains("loaded 1 of 10 tensors; missing 9: net.0.bias, ")
        && result.errors.contains("and 6 more; not used 1: head.weight"), "\(result.errors)")
    #expect(result.errors.contains("rename: no name matches 'body.*=*'"))
    let loading = try #require(try result.object()["loading"] as? [String: Any])
    #expect(loading["loaded"] as? Int == 1 && loading["total"] as? Int == 10)
    #expect((loading["missing"] as? [String])?.count == 9)
    #expect(loading["not_used"] as? [String] == ["head.weight"])
    // Nothing at all is an error, with names of both sides.
    try Safetensors([state[1]]).write(to: file)
    let none = try Saker.run([
      "weights", "convert", file, sandbox.path("none.safetensors"), "--model", "lenet", "--classes",
      "10", "--partial",
    ])
    #expect(none.status != 0 && none.errors.contains("has no tensor that fits the model"))
    #expect(none.errors.contains("net.0.weight") && none.errors.contains("head.weight"))
    #expect(!FileManager.default.fileExists(atPath: sandbox.path("none.safetensors")))
  }

  /// Of the last layer's bias the gradient is the mean of softmax minus target, with smoothing a
  /// tenth of it spread.
  @Test func gradientsAreThoseOfTheMeanCrossEntropy() throws {
    let sandbox = try Sandbox()
    let (weights, input) = (sandbox.path("w.safetensors"), sandbox.path("x.safetensors"))
    try Safetensors(lenet()).write(to: weights)
    func write(_ target: Tensor) throws {
      try Safetensors([
        NamedTensor("input", random([2, 1, 28, 28], seed: 5)), NamedTensor("target", target),
      ]).write(to: input)
    }
    try write(Tensor([3, 7] as [Int64]))
    let command = [
      "forward", "--model", "lenet", "--weights", weights, "--input", input, "--output",
      sandbox.path("y.safetensors"), "--gradients", sandbox.path("g.safetensors"),
      "--label-smoothing", "0.1",
    ]
    try Saker.succeed(command)
    let gradients = try Safetensors(contentsOf: sandbox.path("g.safetensors"))
    #expect(gradients.tensors.map(\.name).sorted() == lenet().map(\.name).sorted())
    let outputs = try Safetensors(contentsOf: sandbox.path("y.safetensors"))
    let logits = try #require(outputs["logits"]).floats
    var (expected, loss) = ([Float](repeating: 0, count: 10), Float(0))
    for (row, label) in [3, 7].enumerated() {
      let scores = logits[10 * row..<10 * row + 10].map { exp($0) }
      let sum = scores.reduce(0, +)
      for index in 0..<10 {
        let target: Float = 0.01 + (index == label ? 0.9 : 0)
        expected[index] += (scores[index] / sum - target) / 2
        loss -= target * log(scores[index] / sum) / 2
      }
    }
    expectClose(try #require(gradients["net.11.bias"]), Tensor(expected), relative: 1e-4)
    expectClose(try #require(outputs["loss"]), Tensor(loss), relative: 1e-4)
    try write(Tensor([3, 10] as [Int32]))
    #expect(try Saker.run(command).errors.contains("target: expected numbers of 0...9, got 10"))
    try write(Tensor([3] as [Int32]))
    #expect(try Saker.run(command).errors.contains("target: expected class numbers, int32 [2]"))
  }
}
