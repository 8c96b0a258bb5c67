import SakerData
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

extension TrainingTests {
  private struct Attributes: Decodable {
    var labels: [[Int32]]
    var partners: [Int]
    var share: Float
  }

  /// Rates of the groups, label smoothing, class weights and mixed shares: three steps end
  /// where PyTorch's do.
  @Test func stepsOfFineTuningArePyTorchs() throws {
    let golden = try GoldenFile("golden/fine_tuning.safetensors")
    let attributes = try #require(
      try golden.json("cases", as: [String: Attributes].self)["sgd"])
    let model = tinyClassifier()
    func stored(_ prefix: String) -> [NamedTensor] {
      golden.tensors.filter { $0.key.hasPrefix("sgd/\(prefix)/") }
        .map { NamedTensor(String($0.key.dropFirst("sgd/\(prefix)/".count)), $0.value) }
    }
    try model.load(state: stored("before"))
    let data = ClassificationDataset(classes: classifierCard.classNames, items: [])
    let task = ClassificationTask(model, classifierCard, on: data)
    let settings = classification {
      $0.nesterov = true
      $1.headRate = 10
      $1.layerDecay = 0.5
    }
    let optimizer = settings.optimizer(task.parameterGroups(settings))
    for step in 0..<3 {
      var images = golden["sgd/images"][step]
      let labels = Tensor(attributes.labels[step])
      var truth = ClassTargets.Truth.labels(labels)
      if step == 2 {
        let draw = MixUp.Draw(lambda: attributes.share, partners: attributes.partners)
        images = MixUp.mix(images, draw)
        truth = .shares(MixUp.mix(oneHot(labels, classes: 3), draw))
      }
      let targets = ClassTargets(
        truth, smoothing: 0.1, weights: step == 1 ? golden["sgd/weights"] : nil)
      let loss = targets.loss(model(images))
      #expect(abs(loss.detached().item - golden["sgd/losses"].floats[step]) < 2e-5)
      loss.backward()
      optimizer.step()
      optimizer.zeroGradients()
    }
    let after = Dictionary(model.state.map { ($0.name, $0.tensor) }) { first, _ in first }
    for wanted in stored("after") {
      let got = try #require(after[wanted.name])
      expectClose(got, wanted.tensor, relative: 2e-5, wanted.name)
    }
  }
}
