import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

@Suite struct TrainingTechniqueTests {
  private func network(checkpointed: Bool) -> Sequential {
    withSeed(3) {
      let inner: [any Layer] = (0..<4).map { _ in
        Sequential(
          Conv2d(8, 8, kernel: 3, padding: 1), BatchNorm2d(8), Tanh(), Dropout(0.3))
      }
      return Sequential(
        [Conv2d(3, 8, kernel: 3, padding: 1)] + inner.map { checkpointed ? Checkpointed($0) : $0 })
    }
  }

  /// Same loss, gradients, running statistics and generators, bit for bit, with a
  /// fraction of the tape.
  @Test func checkpointingChangesMemoryOnly() throws {
    let x = random([2, 3, 12, 12], seed: 1)
    func step(_ model: Sequential) -> (loss: Tensor, bytes: Int) {
      let loss = square(model(x)).mean()
      let bytes = loss.tapeBytes
      loss.backward()
      return (loss, bytes)
    }
    let (plain, saving) = (network(checkpointed: false), network(checkpointed: true))
    for _ in 0..<2 {
      let (a, b) = (step(plain), step(saving))
      #expect(a.loss.item == b.loss.item)
      #expect(b.bytes * 2 < a.bytes, "\(b.bytes) of \(a.bytes)")
    }
    #expect(plain.state.map(\.name) == saving.state.map(\.name))
    for (a, b) in zip(plain.parameters, saving.parameters) {
      #expect(try #require(a.gradient).floats == #require(b.gradient).floats)
    }
    for (a, b) in zip(plain.buffers, saving.buffers) {
      #expect(a.value.converted(to: .float32).floats == b.value.converted(to: .float32).floats)
    }
  }

  @Test func checkpointPassesTheInputsGradientOn() throws {
    let weight = Parameter(Tensor([2, 3] as [Float]))
    let x = Parameter(Tensor([1, -1] as [Float]))
    checkpoint(x.value) { $0 * weight.value * weight.value }.sum().backward()
    #expect(try #require(x.gradient).floats == [4, 9])
    #expect(try #require(weight.gradient).floats == [4, -6])
    // Nested, and with an input that wants no gradient.
    weight.gradient = nil
    checkpoint(Tensor([1, 1] as [Float])) { x in checkpoint(x) { $0 * weight.value } }.sum()
      .backward()
    #expect(try #require(weight.gradient).floats == [1, 1])
  }

  @Test func gradientsOfPartsAddUpToTheWhole() throws {
    let model = withSeed(1) { Sequential(Linear(4, 8), Tanh(), Linear(8, 3)) }
    let x = random([8, 4], seed: 2)
    let labels = Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int32])
    crossEntropy(model(x), labels).backward()
    let whole = try model.parameters.map { try #require($0.gradient) }
    model.zeroGradients()
    for start in [0, 4] {
      (crossEntropy(model(x[start..<start + 4]), labels[start..<start + 4]) / 2).backward()
    }
    for (parameter, expected) in zip(model.parameters, whole) {
      expectClose(try #require(parameter.gradient), expected, relative: 1e-5)
    }
  }

  @Test func anomaliesAreNamed() throws {
    let x = Parameter(Tensor([0, 1] as [Float]))
    let forward = detectingAnomalies { _ = (log(x.value) * 0).sum() }.anomaly
    #expect(try #require(forward).place.operation == "multiply" || forward?.place.phase == .forward)
    #expect(try #require(forward).infinity?.operation.contains("log") == true, "\(forward!)")
    let backward = detectingAnomalies { (sqrt(x.value) * 0).sum().backward() }.anomaly
    let found = try #require(backward)
    #expect(found.place.phase == .backward && found.place.operation.contains("sqrt"), "\(found)")
    #expect(detectingAnomalies { exp(x.value).sum().backward() }.anomaly == nil)
  }

  /// No gradient crosses from one module into the one before.
  @Test func modulesLearnAlone() throws {
    let model = withSeed(2) {
      LocallySupervised(
        [
          Sequential(Conv2d(3, 6, kernel: 3, padding: 1), ReLU()),
          Sequential(Conv2d(6, 8, kernel: 3, stride: 2, padding: 1), ReLU()),
        ], heads: [LocalHead(channels: 6, classes: 3)],
        classifier: Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(8, 3)),
        losses: (
          InfoProLoss(reconstruction: 1, label: 1), InfoProLoss(reconstruction: 0, label: 1)
        ))
    }
    let x = random([4, 3, 8, 8], seed: 4)
    let labels = Tensor([0, 1, 2, 0] as [Int32])
    let losses = model.backward(x, pictures: sigmoid(x), labels: labels)
    #expect(losses.count == 2)
    // The last module's gradients are those of the network's loss, the first module's are not.
    let whole = withSeed(2) {
      Sequential(
        Sequential(Conv2d(3, 6, kernel: 3, padding: 1), ReLU()),
        Sequential(Conv2d(6, 8, kernel: 3, stride: 2, padding: 1), ReLU()))
    }
    for (a, b) in zip(whole.parameters, model.modules.flatMap(\.parameters)) {
      a.value = b.value.detached()
    }
    crossEntropy(model.classifier(whole(x)), labels).backward()
    let (local, joint) = (model.modules.flatMap(\.parameters), whole.parameters)
    expectClose(try #require(local[2].gradient), try #require(joint[2].gradient), relative: 1e-5)
    let gap = abs(try #require(local[0].gradient) - #require(joint[0].gradient)).max().item
    #expect(gap > 1e-4)
  }

  @Test func locallySupervisedModulesLearn() {
    let model = withSeed(Trial.seed(5)) {
      LocallySupervised(
        [
          Sequential(Conv2d(1, 6, kernel: 3, padding: 1), ReLU()),
          Sequential(Conv2d(6, 6, kernel: 3, stride: 2, padding: 1), ReLU()),
        ],
        heads: [LocalHead(channels: 6, classes: 2, pictureChannels: 1)],
        classifier: Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(6, 2)),
        losses: (
          InfoProLoss(reconstruction: 0.5, label: 1), InfoProLoss(reconstruction: 0.5, label: 1)
        ))
    }
    // Bright and dark pictures.
    let labels = Tensor((0..<16).map { Int32($0 % 2) })
    let x =
      random([16, 1, 8, 8], seed: Trial.seed(1)) * 0.1
      + labels.converted(to: .float32).reshape([16, 1, 1, 1])
    let optimizer = Optimizer(AdamW(), model, rate: 0.02)
    var first: [Float] = []
    var last: [Float] = []
    for step in 0..<40 {
      last = model.backward(x, pictures: sigmoid(x), labels: labels)
      if step == 0 { first = last }
      optimizer.step()
      optimizer.zeroGradients()
    }
    Trial.expect(last[0] / first[0], below: 1, "a local module")
    Trial.expect(last[1] / first[1], below: 0.5, "the last local module")
  }

  @Test func votesByHand() {
    let a = Tensor([2, 0, 0, 0, 1, 0] as [Float], [2, 3])
    let b = Tensor([0, 3, 0, 0, 1, 0] as [Float], [2, 3])
    let c = Tensor([2, 0, 0, 0, 0, 5] as [Float], [2, 3])
    #expect(Vote.hard([a, b, c]).converted(to: .float32).floats == [0, 1])
    let soft = Vote.soft([a, b, c])
    expectClose(soft.sum(axes: [1]), Tensor([1, 1] as [Float]), relative: 1e-6)
    let believed = pseudoLabels(c, confidence: 0.9)
    #expect(believed.indices == [1] && believed.labels == [2])
  }
}
