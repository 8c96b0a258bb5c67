import Foundation
import SakerData
import Testing

@Suite("saker augment, and lists in training") struct AugmentCommandTests {
  private static let list = """
    - {name: LongestSide, length: 96}
    - {name: Mosaic, size: 96}
    - {name: Sometimes, probability: 0.5, transform: {name: GaussianBlur, probability: 1}}
    - name: HSVGains
    - name: HorizontalFlip
    """

  @Test("prints a list that it can read itself, and draws a sheet of it")
  func listAndSheet() throws {
    let folder = try Sandbox()
    let yaml = try Saker.succeed(["augment", "--list"]).output
    #expect(try AugmentationFile.parse(yaml).count == AugmentationFile.types.count)
    let json = try Saker.succeed(["augment", "--list", "--json"])
    let entries = try #require(try json.json() as? [[String: Any]])
    #expect(entries.count == AugmentationFile.types.count)
    #expect(entries.contains { $0["name"] as? String == "Mosaic" && $0["affine"] is [String: Any] })
    try folder.write(Self.list, "list.yaml")
    func sheet(_ out: String, seed: String) throws -> Picture {
      let told = try Saker.succeed([
        "augment", "--transforms", folder.path("list.yaml"), "--count", "3", "--seed", seed,
        "--out",
        folder.path(out), "--json",
      ])
      let files = try #require(try told.json() as? [String])
      #expect(files == [folder.path(out) + "/augmented.jpg"])
      return try Picture(file: files[0])
    }
    let first = try sheet("a", seed: "1")
    #expect(first.width > 200 && Set(first.pixels).count > 50)
    #expect(try sheet("b", seed: "1") == first)
    #expect(try sheet("c", seed: "2") != first)
  }

  @Test(
    "mistakes are told in a line",
    arguments: [
      ("- name: Nothing", "unknown transform"), ("- {name: Mosaic, sise: 3}", "no parameter sise"),
      ("name: Mosaic", "expected a list of transforms, got a mapping"),
      ("- {name: Mosaic, size: -1}", "transform 1 (Mosaic)"), ("[", "neither YAML nor JSON"),
    ])
  func mistakes(_ list: String, _ expected: String) throws {
    let folder = try Sandbox()
    try folder.write(list, "list.yaml")
    for arguments in [
      ["augment", "--transforms", "list.yaml"], ["train", "--augment", "list.yaml"],
      ["benchmark", "--mode", "data", "--augment", "list.yaml"],
    ] {
      let result = try Saker.run(arguments, in: folder.path)
      #expect(result.status != 0 && !result.crashed)
      #expect(result.errors.contains(expected), "\(arguments[0]): \(result.errors)")
    }
    let none = try Saker.run(["train", "--augment", "none.yaml"], in: folder.path)
    #expect(none.status != 0 && none.errors.contains("none.yaml: does not exist"))
    let both = try Saker.run(["train", "--augment", "x", "--hflip", "0.5"], in: folder.path)
    #expect(both.status != 0 && both.errors.contains("leave out --hflip"))
  }

  @Test("training takes a list for an epoch of the blood cells, and a resumed run keeps it")
  func training() throws {
    let folder = try Sandbox()
    try folder.write(Self.list, "list.yaml")
    let options = [
      "--size", "64", "--epochs", "1", "--batch", "16", "--val-split", "none", "--json",
    ]
    func run(_ more: [String], _ out: String) throws -> (result: [String: Any], weights: Data) {
      let told = try Saker.succeed(["train", "--out", folder.path(out)] + options + more).object()
      return (
        told,
        try Data(contentsOf: URL(fileURLWithPath: folder.path(out + "/weights/last.safetensors")))
      )
    }
    let listed = try run(["--augment", folder.path("list.yaml")], "listed")
    #expect(listed.result["ending"] as? String == "complete")
    let epochs = try #require(listed.result["epochs"] as? [[String: Any]])
    #expect(epochs.count == 1 && (epochs[0]["train_class_loss"] as? Double)?.isFinite == true)
    // What is learned from mosaics is not what is learned from pictures as they are.
    let plain = try run([], "plain")
    #expect(listed.weights != plain.weights)
    #expect(String(decoding: listed.weights.prefix(1 << 16), as: UTF8.self).contains("Mosaic"))
  }

  @Test("the loader's speed is told for a list")
  func speed() throws {
    let folder = try Sandbox()
    try folder.write(Self.list, "list.yaml")
    let told = try Saker.succeed([
      "benchmark", "--mode", "data", "--augment", folder.path("list.yaml"), "--batch", "8",
      "--size",
      "96", "--seconds", "0.2", "--workers", "1", "--json",
    ]).object()
    #expect(told["mode"] as? String == "data" && told["workers"] as? Int == 1)
    #expect(told["images_per_second"] as? Double ?? 0 > 1)
  }
}
