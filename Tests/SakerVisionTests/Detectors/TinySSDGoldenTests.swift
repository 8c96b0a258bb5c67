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

  @Test func evaluationMatches() throws {
    let outputs = try model().rawOutputs(golden["network/x"])
    expectClose(
      outputs[0].tensor, golden["network/anchors"], relative: 0, absolute: 1e-7, "anchors")
    expectClose(
      outputs[1].tensor, golden["network/eval.logits"], relative: 1e-4, absolute: 1e-4, "logits")
    expectClose(
      outputs[2].tensor, golden["network/eval.offsets"], relative: 1e-4, absolute: 1e-4, "offsets")
  }

  @Test func trainingMatches() throws {
    let model = try model()
    let predictions = model.predict(golden["network/x"])
    expectClose(
      predictions.logits, golden["network/train.logits"], relative: 1e-4, absolute: 1e-4)
    expectClose(
      predictions.offsets, golden["network/train.offsets"], relative: 1e-4, absolute: 1e-4)
    func buffer(_ name: String) throws -> Tensor {
      try #require(model.namedBuffers.first { $0.name == name }).buffer.value
    }
    expectClose(
      try buffer("blk_3.4.running_mean"), golden["network/train.mean"], relative: 1e-4)
    expectClose(try buffer("blk_3.4.running_var"), golden["network/train.var"], relative: 1e-4)
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
    expectClose(
      [loss.total.item], golden["loss.\(preset)/y"].floats, relative: 1e-4, "\(preset) loss")
    loss.total.backward()
    let prefix = "loss.\(preset)/g:"
    let names = golden.tensors.keys.filter { $0.hasPrefix(prefix) }
    #expect(names.count == 5)
    for named in model.namedParameters where names.contains(prefix + named.name) {
      let gradient = try #require(named.parameter.gradient)
      let wanted = golden[prefix + named.name]
      // Rounding tips a few rectifiers, windows of pooling and hard negatives the other way, each with its whole gradient:
      // far from the loss only the sum of squares can be compared.
      let difference = zip(gradient.floats, wanted.floats).reduce(0) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
      let size = wanted.floats.reduce(0) { $0 + $1 * $1 }
      let error = (difference / size).squareRoot()
      #expect(error < (named.name.hasPrefix("blk_") ? 3e-2 : 1e-4), "\(named.name): \(error)")
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
