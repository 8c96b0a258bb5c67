import SakerNN
import SakerTensor
import TestSupport
import Testing

/// One after the other: hooks are in a table of the whole process.
@Suite(.serialized) struct HookTests {
  private final class Log: @unchecked Sendable {
    var lines: [String] = []
  }

  @Test func forwardHooksSeeInputAndOutputAndMayReplaceIt() {
    let layer = Linear(3, 2)
    let x = random([4, 3], seed: 1)
    let plain = layer(x)
    var seen: [[Float]] = []
    let watch = layer.onForward { input, output in
      seen = [input.floats, output.floats]
      return nil
    }
    #expect(layer(x).floats == plain.floats)
    #expect(seen == [x.floats, plain.floats])
    let double = layer.onForward { _, output in output * 2 }
    #expect(layer(x).floats == (plain * 2).floats)
    watch.remove()
    double.remove()
    seen = []
    #expect(layer(x).floats == plain.floats && seen.isEmpty)
  }

  @Test func backwardHooksSeeBothGradients() {
    let layer = Linear(3, 2)
    let x = Parameter(random([4, 3], seed: 1))
    let gradient = random([4, 2], seed: 2)
    layer(x.value).backward(gradient)
    let plain = x.gradient!.floats
    x.gradient = nil
    var seen: [[Float]] = []
    let handle = layer.onBackward { output, input in
      seen = [output.floats, input!.floats]
      return nil
    }
    // The input is used twice: the hook sees the layer's part alone.
    (layer(x.value).sum() + x.value.sum()).backward()
    #expect(seen[0] == Array(repeating: 1, count: 8))
    seen = []
    x.gradient = nil
    layer(x.value).backward(gradient)
    #expect(seen == [gradient.floats, plain])
    #expect(x.gradient!.floats == plain)
    handle.remove()
    let halve = layer.onBackward { _, input in input! * 0.5 }
    x.gradient = nil
    layer(x.value).backward(gradient)
    #expect(x.gradient!.floats == plain.map { $0 * 0.5 })
    halve.remove()
  }

  @Test func backwardHookOfAFirstLayerGetsNoInputGradient() {
    let layer = Linear(3, 2)
    let log = Log()
    let handle = layer.onBackward { output, input in
      log.lines.append("\(output.shape) \(input == nil)")
      return nil
    }
    layer(random([4, 3], seed: 1)).sum().backward()
    #expect(log.lines == ["[4, 2] true"])
    handle.remove()
  }

  @Test func hookedLayersOfAFusedPairSeeTheirOwnOutputs() {
    let (norm, relu) = (BatchNorm2d(2), ReLU())
    let model = Sequential(norm, relu)
    let x = random([3, 2, 4, 4], seed: 1)
    let fused = model(x)
    var least: Float = 0
    let handle = norm.onForward { _, output in
      least = output.floats.min()!
      return nil
    }
    let apart = model(x)
    #expect(least < 0)
    expectClose(fused, apart)
    handle.remove()
  }

  @Test func hooksGoWithTheirLayer() {
    // Were the table to believe in addresses alone, one of many new layers would inherit the hook.
    for _ in 0..<100 {
      let layer = ReLU()
      #expect(layer(Tensor([1, -1] as [Float])).floats == [1, 0])
      layer.onForward { _, output in output + 1 }
    }
  }
}

extension HookTests {
  /// What takes a forward pass's place is what hooks see; `nil` leaves it to the layer.
  @Test func aForwardPassCanBeReplaced() {
    let layer = Linear(2, 2)
    let x = Tensor([1, 2] as [Float], [1, 2])
    let expected = layer(x).floats
    var seen: [[Float]] = []
    let watch = layer.onForward { _, y in
      seen.append(y.floats)
      return nil
    }
    let first = layer.replacingForward { _ in nil }
    #expect(layer(x).floats == expected)
    let second = layer.replacingForward { $0 * 10 }
    #expect(layer(x).floats == [10, 20])
    second.remove()
    #expect(layer(x).floats == expected)
    #expect(seen == [expected, [10, 20], expected])
    first.remove()
    watch.remove()
  }

  @Test func shapesOfConvolutionsAreToldWithoutComputing() {
    let layers = [
      Conv2d(4, 6, kernel: 3, stride: 2, padding: 1), Conv2d(4, 6, kernel: 3, dilation: 2),
      Conv2d(4, 4, kernel: (1, 5), padding: .each(0, 2), groups: 4), Conv2d(4, 2, kernel: 7),
    ]
    for layer in layers {
      for side in [7, 8, 12] {
        let x = Tensor.zeros([2, 4, side, side + 1])
        #expect(layer.outputShape(of: x.shape) == layer(x).shape)
      }
    }
    #expect(layers[0].outputShape(of: [2, 3, 8, 8]) == nil)
    #expect(layers[3].outputShape(of: [2, 4, 6, 8]) == nil)
  }
}
