import Foundation
import TestSupport
import Testing

/// `saker info --graph`: files that other programs read.
@Suite struct GraphCommandTests {
  @Test func aClassifiersGraphIsJSON() throws {
    let sandbox = try Sandbox()
    let file = sandbox.path("model.json")
    let told = try Saker.succeed([
      "info", "resnet18", "--size", "64", "--classes", "7", "--graph", file,
    ])
    #expect(told.output.contains("resnet18 on 1x3x64x64"))
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    let graph = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let inputs = try #require(graph["inputs"] as? [[String: Any]])
    #expect(inputs.count == 1 && "\(inputs[0]["shape"] ?? "")".contains("N"))
    let constants = try #require(graph["constants"] as? [[String: Any]])
    let names = Set(constants.compactMap { $0["name"] as? String })
    #expect(names.isSuperset(of: ["conv1.weight", "bn1.running_mean", "fc.bias"]))
    let steps = try #require(graph["steps"] as? [[String: Any]])
    let first = steps[0]
    #expect(
      first["operation"] as? String == "convolution2d" && first["scope"] as? String == "conv1")
    let attributes = try #require(first["attributes"] as? [String: Any])
    #expect(attributes["stride"] as? [Int] == [2, 2] && attributes["before"] as? [Int] == [3, 3])
    // Every value that is used exists before.
    var known = Set((inputs + constants).compactMap { $0["id"] as? Int })
    for step in steps {
      let used = try #require(step["inputs"] as? [Int])
      #expect(known.isSuperset(of: used))
      known.insert(try #require((step["output"] as? [String: Any])?["id"] as? Int))
    }
    #expect(known.isSuperset(of: try #require(graph["outputs"] as? [Int])))
    #expect(steps.filter { $0["operation"] as? String == "convolution2d" }.count == 20)
  }

  @Test func aDetectorsGraphIsADrawing() throws {
    let sandbox = try Sandbox()
    let file = sandbox.path("model.dot")
    _ = try Saker.succeed(["info", "tiny-ssd", "--size", "64", "--graph", file])
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(text.hasPrefix("digraph {") && text.contains("blk_0.0.0\\nconvolution2d"))
    #expect(text.contains("[N, 16, 64, 64]") && text.contains("blk_0.0.0.weight [16, 3, 3, 3]"))
  }

  @Test func aFileThatCannotBeWrittenIsNamed() throws {
    let folder = try Saker.run(["info", "tiny-ssd", "--size", "64", "--graph", "/nowhere/a.dot"])
    #expect(folder.status != 0 && folder.errors.contains("/nowhere/a.dot: cannot be written"))
    let ending = try Saker.run(["info", "tiny-ssd", "--graph", "model.txt"])
    #expect(
      ending.status != 0
        && ending.errors.contains("expected a name that ends in .json or .dot, got model.txt"))
  }
}
