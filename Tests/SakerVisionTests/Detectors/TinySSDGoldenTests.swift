import SakerData
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// TinySSD against PyTorch's, with the same weights: Scripts/golden/tiny_ssd.py.
@Suite struct TinySSDGoldenTests {
  let golden: GoldenFile

  init() throws { golden = try GoldenFile("golden/tiny_ssd.safetensors") }

  private func model(_ loss: MultiBoxLoss = .ssd) throws -> TinySSD {
    let model = TinySSD(TinySSDTests.card(), loss: loss)
    let weights = try GoldenFile("golden/tiny_ssd_weights.safetensors")
    try model.load(state: weights.tensors.map { NamedTensor($0.key, $0.value) })
    return model
  }

  /// The file's objects of each picture; label -1 fills up.
  private var objects: [[Annotation]] {
    let labels = golden["target/labels"]
    let (pictures, count) = (labels.shape[0], labels.shape[1])
    let rows = labels.floats
    return (0..<pictures).map { picture in
      (0..<count).compactMap { i in
        let row = rows[(picture * count + i) * 5..<(picture * count + i + 1) * 5].map { $0 }
        guard row[0] >= 0 else { return nil }
        return Annotation(
          box: Box(left: row[1], top: row[2], right: row[3], bottom: row[4]), label: Int(row[0]))
      }
    }
  }

  /// How far PyTorch's own float32 is off: tensors in absolute numbers, gradients relative to their
  /// root mean square.
  private func error(_ name: String, in group: String) throws -> Float {
    struct Group: Decodable { var errors: [String: Float]? }
    let groups: [String: Group] = try golden.json("cases")
    return try #require(groups[group]?.errors?[name], "\(group) \(name)")
  }

  /// What the sums of all layers round, one behind the other.
  private func bound(_ model: TinySSD) -> Float {
    Float(Rounding.bound(through: model.parameters.map(\.shape)))
  }

  /// As near as rounding lets a network of such layers come, or one that enlarges it as this one
  /// does, whichever is more.
  private func expectMatch(_ own: Tensor, _ name: String, _ model: TinySSD) throws {
    let wanted = golden["network/" + name]
    let bound = max(
      bound(model) * abs(wanted).max().item,
      try Rounding.bound(enlarged: error(name, in: "network")))
    expectClose(own, wanted, relative: 0, absolute: bound, name)
  }

  @Test func evaluationMatches() throws {
    let model = try model()
    let outputs = model.rawOutputs(golden["network/x"])
    expectClose(
      outputs[0].tensor, golden["network/anchors"], relative: 0, absolute: 1e-7, "anchors")
    try expectMatch(outputs[1].tensor, "eval.logits", model)
    try expectMatch(outputs[2].tensor, "eval.offsets", model)
  }

  @Test func trainingMatches() throws {
    let model = try model()
    let predictions = model.predict(golden["network/x"])
    try expectMatch(predictions.logits, "train.logits", model)
    try expectMatch(predictions.offsets, "train.offsets", model)
    func buffer(_ name: String) throws -> Tensor {
      try #require(model.namedBuffers.first { $0.name == name }).buffer.value
    }
    try expectMatch(buffer("blk_3.4.running_mean"), "train.mean", model)
    try expectMatch(buffer("blk_3.4.running_var"), "train.var", model)
  }

  @Test func targetsMatch() throws {
    let grid = AnchorGrid(.tinySSD, maps: TinySSD.maps(height: 256, width: 256))
    let targets = AnchorTargets(objects, grid)
    #expect(targets.classes.floats == golden["target/classes"].floats)
    #expect(targets.offsets.mask.floats == golden["target/mask"].floats)
    expectClose(
      targets.offsets.values, golden["target/offsets"], relative: 1e-5, absolute: 1e-5)
  }

  @Test(arguments: ["notes", "ssd"])
  func lossAndGradientsMatch(preset: String) throws {
    let model = try model(preset == "ssd" ? .ssd : .notes)
    let loss = model.loss(golden["network/x"], objects)
    let bound = bound(model)
    expectClose(
      [loss.total.item], golden["loss.\(preset)/y"].floats, relative: 2 * bound, "\(preset) loss")
    loss.total.backward()
    let prefix = "loss.\(preset)/g:"
    let names = golden.tensors.keys.filter { $0.hasPrefix(prefix) }
    #expect(names.count == 5)
    for named in model.namedParameters where names.contains(prefix + named.name) {
      let gradient = try #require(named.parameter.gradient)
      let wanted = golden[prefix + named.name]
      // Rounding tips a few rectifiers, windows of pooling and hard negatives the other way, each
      // with its whole gradient: far from the loss only the sum of squares can be compared.
      let difference = zip(gradient.floats, wanted.floats).reduce(0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
      let size = wanted.floats.reduce(0) { $0 + $1 * $1 }
      let error = (difference / size).squareRoot()
      let enlarged = try Rounding.bound(
        enlarged: self.error("g:" + named.name, in: "loss.\(preset)"))
      // Forward, and back.
      let limit = named.name.hasPrefix("blk_") ? 3e-2 : max(2 * bound, enlarged)
      #expect(error < limit, "\(named.name): \(error) of \(limit)")
    }
  }

  @Test(arguments: ["nms.book", "nms.random"])
  func detectionMatches(name: String) throws {
    let probabilities = golden["\(name)/probabilities"]
    let wanted = golden["\(name)/y"].floats
    struct Case: Decodable { var overlap: Float? }
    let cases: [String: Case] = try golden.json("cases")
    let overlap = try #require(cases[name]?.overlap)
    let rows = MultiBoxDetection.detect(
      probabilities.unsqueeze(0), golden["\(name)/offsets"].reshape([1, -1]),
      Boxes(golden["\(name)/anchors"]), iou: overlap)[0]
    #expect(
      rows.map { Float($0.label) } == stride(from: 0, to: wanted.count, by: 6).map { wanted[$0] })
    expectClose(
      rows.flatMap {
        [Float($0.label), $0.confidence, $0.box.left, $0.box.top, $0.box.right, $0.box.bottom]
      }, wanted, relative: 1e-5, absolute: 1e-5)
  }
}
