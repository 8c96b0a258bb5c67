import SakerData
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

@Suite struct TinySSDTests {
  static func card(
    _ names: [String] = ["RBC", "WBC", "Platelets"], side: Int = 256
  ) -> ModelCard {
    ModelCard(
      architecture: "tiny-ssd", classNames: names, anchors: .tinySSD,
      preprocessing: Preprocessing(height: side, width: side))
  }

  static func model(_ names: [String] = ["RBC", "WBC", "Platelets"]) -> TinySSD {
    withSeed(1) { TinySSD(card(names)) }
  }

  @Test func stateNamesAreThePublishedOnes() {
    let model = Self.model()
    let names = model.state.map(\.name)
    #expect(names.count == 104)
    #expect(Set(names).count == names.count)
    for name in [
      "blk_0.0.0.weight", "blk_0.0.1.running_mean", "blk_0.2.4.num_batches_tracked",
      "blk_1.0.weight", "blk_3.4.bias", "cls_0.weight", "cls_4.bias", "bbox_0.weight",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(names[0] == "blk_0.0.0.weight")
    // Weights and biases of convolutions, scales and shifts of the norms.
    func conv(_ i: Int, _ o: Int) -> Int { 9 * i * o + o }
    let blocks = [(3, 16), (16, 32), (32, 64), (64, 128), (128, 128), (128, 128)]
      .map { conv($0, $1) + conv($1, $1) + 4 * $1 }.reduce(0, +)
    let heads = [64, 128, 128, 128, 128].map { 2 * conv($0, 16) }.reduce(0, +)
    #expect(model.parameterCount == blocks + heads)
  }

  /// c classes, with the background left out of them, and k anchors a cell: (c + 1 + 4) k filters,
  /// not (c + 4) k (catalogue E32).
  @Test(arguments: [1, 3, 20]) func filtersACellCountTheBackground(_ c: Int) {
    let model = Self.model((0..<c).map { "class \($0)" })
    for (level, anchors) in model.card.anchors.enumerated() {
      let k = anchors.perCell
      let filters = model.classHeads[level].weight.shape[0] + model.boxHeads[level].weight.shape[0]
      #expect(filters == (c + 1 + 4) * k)
    }
  }

  /// The scales of the network's configuration for Pascal VOC at 300 pixels, from the second map
  /// on: 60, 111, 162, 213, 264 (catalogue E46).
  @Test func scalesAreThoseForPascalVOC() {
    let pixels = [AnchorLevel].tinySSD.map { ($0.sizes[0] * 300).rounded() }
    #expect(pixels == [60, 111, 162, 213, 264])
  }

  @Test func shapesOfTheListing() {
    let model = Self.model(["banana"])
    let outputs = model.rawOutputs(.zeros([2, 3, 256, 256]))
    let shapes = Dictionary(uniqueKeysWithValues: outputs.map { ($0.name, $0.tensor.shape) })
    #expect(shapes["anchors"] == [5444, 4])
    #expect(shapes["class_logits"] == [2, 5444, 2])
    #expect(shapes["box_offsets"] == [2, 5444, 4])
    #expect(shapes["features_0"] == [2, 64, 32, 32])
    #expect(shapes["features_4"] == [2, 128, 1, 1])
  }

  /// Section 14.7's test of joining: 5 anchors of 10 classes on 20 x 20 cells and 3 on 10 x 10.
  @Test func joiningLevels() {
    let maps = [Tensor.zeros([2, 55, 20, 20]), .zeros([2, 33, 10, 10])].map { $0.channelsLast() }
    let rows = maps.map { TinySSD.rows($0, width: 11) }
    #expect(concatenate(rows, axis: 1).flatten(from: 1).shape == [2, 25300])
  }

  /// Cell by cell, in a cell anchor by anchor, whatever the memory order.
  @Test func rowsGoByCellAndAnchor() {
    let map = Tensor((0..<2 * 6 * 2 * 3).map(Float.init), [2, 6, 2, 3])
    for image in [map, map.channelsLast()] {
      let rows = TinySSD.rows(image, width: 3)
      #expect(rows.shape == [2, 12, 3])
      // Cell (0, 1), second anchor: channels 3, 4, 5.
      #expect(Array(rows.floats[9..<12]) == [19, 25, 31])
    }
  }

  @Test(arguments: [(64, 64), (128, 256), (200, 130), (512, 512)])
  func otherSizesWork(height: Int, width: Int) {
    let model = Self.model()
    let outputs = model.rawOutputs(.zeros([1, 3, height, width]))
    let maps = TinySSD.maps(height: height, width: width)
    let anchors = maps.reduce(0) { $0 + 4 * $1.rows * $1.columns }
    #expect(outputs[0].tensor.shape == [anchors, 4])
    #expect(outputs[1].tensor.shape == [1, anchors, 4])
  }

  static let objects = [
    [Annotation(box: Box(left: 0.1, top: 0.1, right: 0.4, bottom: 0.5), label: 0)],
    [
      Annotation(box: Box(left: 0.5, top: 0.4, right: 0.9, bottom: 0.8), label: 1),
      Annotation(box: Box(left: 0.1, top: 0.5, right: 0.3, bottom: 0.7), label: 2),
    ],
    [],
    [Annotation(box: Box(left: 0.3, top: 0.3, right: 0.8, bottom: 0.9), label: 2)],
  ]

  @Test(arguments: [MultiBoxLoss.ssd, .notes], [DType.float32, .bfloat16])
  func aFewStepsLowerTheLoss(settings: MultiBoxLoss, type: DType) {
    let model = withSeed(Trial.seed(2)) { TinySSD(Self.card(side: 64), loss: settings) }
    let images = random([4, 3, 64, 64], seed: Trial.seed(3), in: 0...1).converted(to: type)
    let optimizer = Optimizer(SGD(momentum: 0.9), model, rate: settings == .ssd ? 0.01 : 0.05)
    var losses: [Float] = []
    for _ in 0..<12 {
      let loss = model.loss(images, Self.objects)
      losses.append(loss.total.item)
      loss.total.backward()
      optimizer.step()
      optimizer.zeroGradients()
    }
    #expect(losses.allSatisfy { $0.isFinite })
    let name = settings == .ssd ? "ssd" : "notes"
    Trial.expect(losses.suffix(3).max()! / losses[0], below: 0.7, "TinySSD, \(name), \(type)")
  }

  @Test func aBatchWithoutObjectsHasAFiniteLossAndGradient() {
    let model = Self.model()
    let loss = model.loss(random([2, 3, 64, 64], seed: 4), [[], []])
    loss.total.backward()
    #expect(loss.total.item.isFinite && loss.box == 0)
    for named in model.namedParameters {
      let gradient = named.parameter.gradient?.floats
      #expect(gradient?.allSatisfy { $0.isFinite } ?? false, "\(named.name)")
    }
  }

  @Test func detectingLeavesTrainingAsItWas() {
    let model = Self.model()
    let images = random([1, 3, 64, 64], seed: 5)
    let found = model.detect(images, DetectionOptions(confidence: 0.2, limit: 5))
    #expect(found.count == 1 && found[0].count <= 5)
    #expect(found[0].allSatisfy { $0.score >= 0.2 && (0..<3).contains($0.label) })
    #expect(found[0].map(\.score) == found[0].map(\.score).sorted(by: >))
    #expect(
      model.namedBuffers.first { $0.name == "blk_0.0.1.running_mean" }!.buffer.value.floats
        .allSatisfy { $0 == 0 })
    #expect(model.loss(images, [[]]).total.isRecorded)
  }
}
