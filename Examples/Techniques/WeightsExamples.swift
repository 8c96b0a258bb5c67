import Foundation
import Saker
import Testing

@Suite struct WeightsExamples {
  @Test("Weights of another network's layers, with a new head") func newHead() throws {
    let trained = LeNet(classes: 10)
    let fresh = LeNet(classes: 3)
    let report = try fresh.load(state: trained.state, .newHead(fresh.head))
    #expect(report.kept == ["net.11.weight", "net.11.bias"])
  }

  @Test("Weights under other names, as far as they fit") func otherNames() throws {
    let (first, second) = (Sequential(Linear(4, 8), ReLU()), Sequential(Linear(4, 8), ReLU()))
    let stored = first.state.map { NamedTensor("backbone.\($0.name)", $0.tensor) }
    var options = PartialLoading.whatFits
    options.renaming = [NameRule(from: "backbone.*", to: "*")]
    #expect(try second.load(state: stored, options).missing.isEmpty)
  }

  @Test("Keras's weights") func keras() throws {
    // In Python: numpy.savez("w.npz", **{v.path: v.numpy() for v in model.variables})
    let variables = [
      NamedTensor("dense/kernel", .ones([4, 2])), NamedTensor("bn/moving_variance", .ones([2])),
    ]
    let state = KerasWeights(variables).state
    #expect(state.map(\.name) == ["dense.weight", "bn.running_var"])
    #expect(state[0].tensor.shape == [2, 4])
  }

  @Test("Darknet's weights") func darknet() throws {
    let path = NSTemporaryDirectory() + "saker-\(UUID().uuidString).weights"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trained = Darknet53(depths: [1, 1], classes: 2, slope: 0.1)
    try DarknetFile(trained, seen: 640_000).write(to: path)
    let report = try Darknet53(depths: [1, 1], classes: 2, slope: 0.1)
      .load(weights: WeightsFile(contentsOf: path))
    #expect(report.names == "Darknet" && report.missing.isEmpty)
  }

  @Test("Another library's names") func translatedNames() throws {
    let model = Linear(2, 3)
    let names = WeightNames("other") { $0 == "kernel" ? "weight" : $0 == "offset" ? "bias" : nil }
    let stored = [NamedTensor("kernel", .ones([3, 2])), NamedTensor("offset", .zeros([3]))]
    let shapes: [String: Shape] = ["weight": [3, 2], "bias": [3]]
    try model.load(state: names.translated(stored, to: shapes))
    #expect(model(.ones([1, 2])).floats == [2, 2, 2])
  }
}
