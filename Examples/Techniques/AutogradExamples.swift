import Foundation
import Saker
import Testing

/// x³, with a gradient of its own.
private struct Cube: UnaryOperation {
  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x)
    return x * x * x
  }

  /// (x³)' = 3 x²
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient * saved[0] * saved[0] * 3
  }
}

/// A module of one's own: its parameters are named by the path of properties to them.
private final class TwoLayers: Module {
  let hidden = Linear(4, 8)
  let output = Linear(8, 2)

  func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
}

@Suite struct AutogradExamples {
  @Test("Back-propagation, step by step") func chainRule() {
    let (w, b) = (Parameter(Tensor(2)), Parameter(Tensor(1)))
    let z = w.value * 3 + b.value  // 7
    let loss = square(z - 5)  // 4
    loss.backward()
    // d loss / d z = 2 (7 - 5) = 4; z changes by 3 for each 1 of w, and by 1 for each 1 of b.
    #expect(loss.item == 4 && w.gradient?.item == 12 && b.gradient?.item == 4)
  }

  @Test("No gradients, detach") func constants() {
    let w = Parameter(Tensor(3))
    let plain = withoutGradients { w.value * 2 }
    #expect(!plain.isRecorded)
    (w.value.detached() * w.value).backward()
    #expect(w.gradient?.item == 3)  // not 6: one of the factors counts as a constant
  }

  @Test("An operation of one's own") func customOperation() {
    let x = Parameter(Tensor([1, 2] as [Float]))
    let y = apply(Cube(), x.value)
    y.sum().backward()
    #expect(y.floats == [1, 8] && x.gradient?.floats == [3, 12])
  }

  @Test("Forward hook") func forwardHook() {
    let (layer, x) = (Linear(3, 2), Tensor.ones([4, 3]))
    var shapes: [Shape] = []
    let handle = layer.onForward { input, output in
      shapes = [input.shape, output.shape]
      return output * 2  // takes the output's place; nil would leave it
    }
    let doubled = layer(x)
    handle.remove()
    #expect(shapes == [[4, 3], [4, 2]] && doubled.floats == (layer(x) * 2).floats)
  }

  @Test("Backward hook") func backwardHook() {
    let layer = Linear(2, 1, bias: false)
    layer.weight.value = Tensor([3, -2] as [Float], [1, 2])
    let x = Parameter(Tensor([1, 1] as [Float], [1, 2]))
    var seen: [[Float]] = []
    layer.onBackward { output, input in
      seen = [output.floats, input?.floats ?? []]
      return input.map { $0 * 0 }  // takes the place of the input's gradient
    }
    (layer(x.value) * 5).sum().backward()
    #expect(seen == [[5], [15, -10]] && x.gradient?.floats == [0, 0])
  }

  @Test("Hook on a tensor's gradient") func gradientHook() {
    let x = Parameter(Tensor([1, 2] as [Float]))
    let y = square(x.value)
    y.onGradient { $0.clamped(from: -1, to: 1) }
    (y * 10).sum().backward()
    #expect(x.gradient?.floats == [2, 4])  // 1 · 2x, and not 10 · 2x
  }

  @Test("A module of one's own, its parameters and state") func module() throws {
    let (model, copy) = (TwoLayers(), TwoLayers())
    let names = ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
    #expect(model.namedParameters.map(\.name) == names)
    #expect(model.parameterCount == 4 * 8 + 8 + 8 * 2 + 2)
    try copy.load(state: model.state)
    #expect(copy(.ones([1, 4])).floats == model(.ones([1, 4])).floats)
  }

  @Test("Training and evaluation mode, and a layer that is held") func modes() {
    let dropout = Dropout(0.5)
    let model = Sequential(dropout, Identity())
    let x = Tensor.ones([100])
    #expect(model(x).max().item == 2)  // in training what stays is doubled
    #expect(model.evaluating { model(x) }.floats == x.floats)
    dropout.hold(.evaluation)
    model.train()  // no longer reaches it
    #expect(model(x).floats == x.floats)
    dropout.hold(nil)
    model.eval()
    #expect(model(x).floats == x.floats)
  }

  @Test("Freezing by name") func freezing() {
    let model = TwoLayers()
    #expect(model.freeze(matching: "hidden.*") == ["hidden.weight", "hidden.bias"])
    square(model(.ones([1, 4]))).sum().backward()
    #expect(model.hidden.weight.gradient == nil && model.output.weight.gradient != nil)
  }

  @Test("Parameter groups with rates and decays of their own") func groups() {
    let rules = [GroupRule("output.*", rateFactor: 10), GroupRule("*.bias", decay: 0)]
    let groups = TwoLayers().parameterGroups(rules)  // each goes with the first rule that fits
    #expect(groups.map(\.rateFactor) == [10, 1, 1] && groups.map(\.decay) == [nil, 0, nil])
    let names = groups.map { $0.parameters.map(\.name) }
    #expect(names == [["output.weight", "output.bias"], ["hidden.bias"], ["hidden.weight"]])
  }
}
