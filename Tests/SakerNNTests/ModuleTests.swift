import SakerNN
import SakerTensor
import TestSupport
import Testing

private final class Block: Layer {
  let conv1 = Conv2d(4, 4, kernel: 3, padding: 1, bias: false)
  let bn1 = BatchNorm2d(4)
  let downsample: Sequential?

  init(downsample: Bool) {
    self.downsample = downsample ? Sequential(Conv2d(4, 4, kernel: 1), BatchNorm2d(4)) : nil
  }

  func forward(_ x: Tensor) -> Tensor { bn1(conv1(x)) }
}

private final class Net: Module {
  let layer1 = [Block(downsample: true), Block(downsample: false)]
  let nested = [[Linear(2, 3)], [Linear(3, 1, bias: false)]]
  let clsLogits = Linear(4, 2)
  let scaleWeight = Parameter(.ones([1]))
  let missing: Parameter? = nil
  let strides = [8, 16, 32]
  let title = "net"
  let options: [String: Int] = ["a": 1]
  let dropout = Dropout(0.5)
}

/// Both names lead to one layer, and the inner module points back to the outer one.
private final class Tied: Module {
  final class Inner: Module {
    unowned var owner: Tied?
    let fc = Linear(2, 2)
  }
  let encoder = Inner()
  let decoder: Inner

  init() {
    decoder = encoder
    encoder.owner = self
  }
}

private final class Hidden: Module {
  let layers = ["a": Linear(1, 1)]
}

struct ModuleTests {
  @Test func namesArePropertyPaths() {
    let expected = [
      "layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias",
      "layer1.0.bn1.running_mean", "layer1.0.bn1.running_var",
      "layer1.0.bn1.num_batches_tracked", "layer1.0.downsample.0.weight",
      "layer1.0.downsample.0.bias", "layer1.0.downsample.1.weight",
      "layer1.0.downsample.1.bias", "layer1.0.downsample.1.running_mean",
      "layer1.0.downsample.1.running_var", "layer1.0.downsample.1.num_batches_tracked",
      "layer1.1.conv1.weight", "layer1.1.bn1.weight", "layer1.1.bn1.bias",
      "layer1.1.bn1.running_mean", "layer1.1.bn1.running_var",
      "layer1.1.bn1.num_batches_tracked", "nested.0.0.weight", "nested.0.0.bias",
      "nested.1.0.weight", "cls_logits.weight", "cls_logits.bias", "scale_weight",
    ]
    let net = Net()
    #expect(net.state.map(\.name) == expected)
    let isBuffer = { (name: String) in name.contains("running") || name.contains("tracked") }
    #expect(net.namedParameters.map(\.name) == expected.filter { !isBuffer($0) })
    #expect(net.namedBuffers.map(\.name) == expected.filter(isBuffer))
    #expect(net.state.first { $0.name.hasSuffix("tracked") }?.tensor.dtype == .int64)
    #expect(
      net.namedModules.map(\.name).prefix(4) == ["", "layer1.0", "layer1.0.conv1", "layer1.0.bn1"])
  }

  @Test func parametersAreCounted() {
    #expect(Linear(10, 5).parameterCount == 55)
    #expect(Sequential(Conv2d(3, 8, kernel: 3), BatchNorm2d(8)).parameterCount == 224 + 16)
  }

  @Test func sharedParametersAppearOnceAndLoadUnderEachName() throws {
    let tied = Tied()
    #expect(tied.state.map(\.name) == ["encoder.fc.weight", "encoder.fc.bias"])
    let weight = Tensor([1, 2, 3, 4] as [Float], [2, 2])
    try tied.load(state: [
      NamedTensor("decoder.fc.weight", weight), NamedTensor("encoder.fc.bias", .zeros([2])),
      NamedTensor("decoder.fc.bias", .zeros([2])),
    ])
    #expect(tied.encoder.fc.weight.value.floats == [1, 2, 3, 4])
  }

  @Test func parametersThatNobodyWouldFindStop() async {
    await #expect(processExitsWith: .failure) { _ = Hidden().parameters }
  }

  @Test func freezingByPatternStopsGradientsAndUpdates() {
    let model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    #expect(model.freeze(matching: "0.*") == ["0.weight", "0.bias"])
    #expect(model.freeze(matching: "nothing.*").isEmpty)
    let before = model.state.map(\.tensor.floats)
    let optimizer = Optimizer(SGD(momentum: 0.9, decay: 0.1), model, rate: 0.1)
    model(random([4, 2], seed: 1)).sum().backward()
    optimizer.step()
    let after = model.state.map(\.tensor.floats)
    #expect(before[0] == after[0] && before[1] == after[1])
    #expect(before[3] != after[3])
    #expect(model.parameters[0].gradient == nil)
    #expect(model.unfreeze().count == 4)
    model(random([4, 2], seed: 1)).sum().backward()
    #expect(model.parameters[1].gradient != nil)
  }

  @Test(arguments: [
    ("blk_0.0.weight", "blk_0.*", true), ("blk_10.weight", "blk_1.*", false),
    ("a.bias", "*.bias", true), ("bias", "*.bias", false), ("abc", "a?c", true),
    ("abbbc", "a*b*c", true), ("abbbd", "a*b*c", false), ("", "*", true), ("", "", true),
    ("a", "", false), ("a.weight", "*", true),
  ])
  func globs(_ text: String, _ pattern: String, _ matches: Bool) {
    #expect(text.matches(glob: pattern) == matches)
  }

  @Test func modesReachLayersThatAreNotHeld() {
    let frozen = BatchNorm2d(2)
    let model = Sequential(BatchNorm2d(2), Sequential(frozen, Dropout(0.3)))
    frozen.hold(.evaluation)
    func training() -> [Bool] {
      model.namedModules.compactMap { ($0.module as? any ModeDependent)?.mode.isTraining }
    }
    #expect(training() == [true, false, true])
    model.eval()
    #expect(training() == [false, false, false])
    model.train()
    #expect(training() == [true, false, true])
    let inside = model.evaluating { (training(), isRecordingGradients) }
    #expect(inside == ([false, false, false], false))
    #expect(training() == [true, false, true])
    frozen.hold(nil)
    #expect(training() == [true, true, true])
  }

  @Test func sequencesAndArraysRunInOrder() {
    let (a, b) = (Linear(3, 4), Linear(4, 2))
    let x = random([5, 3], seed: 1)
    let expected = b(a(x)).floats
    #expect(Sequential(a, b)(x).floats == expected)
    #expect([a, b](x).floats == expected)
    #expect(Sequential()(x).floats == x.floats)
    #expect(Flatten()(random([2, 3, 4, 5], seed: 1)).shape == [2, 60])
    #expect(Identity()(x).floats == x.floats)
  }
}
