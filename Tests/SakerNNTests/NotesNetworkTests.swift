import SakerNN
import SakerTensor
import TestSupport
import Testing

/// E37: the notes' demonstration network, in the order in which it runs: convolutions and pools,
/// then flat, then linear.
@Test func theNotesNetworkRunsOnDigits() {
  let network = withSeed(0) {
    Sequential(
      Conv2d(1, 16, kernel: 5), ReLU(), MaxPool2d(kernel: 2), Conv2d(16, 32, kernel: 5), ReLU(),
      MaxPool2d(kernel: 2), Flatten(), Linear(512, 10))
  }
  let x = random([2, 1, 28, 28], seed: 1)
  #expect(network(x).shape == [2, 10])
  // (1·25 + 1)·16 + (16·25 + 1)·32 + 512·10 + 10
  #expect(network.parameterCount == 416 + 12_832 + 5_130)
}

/// E77: the weights of a convolution can be set, as an edge filter here, and frozen; the layer
/// then is the function.
@Test func weightsOfALayerCanBeSetAndFrozen() {
  let edges = Tensor([-1, 0, 1, -2, 0, 2, -1, 0, 1] as [Float], [1, 1, 3, 3])
  let layer = Conv2d(1, 1, kernel: 3, padding: .same, bias: false)
  layer.weight.value = edges
  layer.freeze()
  let head = Conv2d(1, 1, kernel: 1)
  let model = Sequential(layer, head)
  let x = random([2, 1, 5, 6], seed: 1)
  expectClose(layer(x), conv2d(x, edges, padding: .same), relative: 0)
  let optimizer = Optimizer(SGD(momentum: 0.9, decay: 0.1), model, rate: 0.1)
  let before = head.weight.value.floats
  for _ in 0..<3 {
    optimizer.zeroGradients()
    square(model(x)).mean().backward()
    optimizer.step()
  }
  #expect(layer.weight.value.floats == edges.floats && layer.weight.gradient == nil)
  #expect(head.weight.value.floats != before)
  layer.unfreeze()
  square(model(x)).mean().backward()
  #expect(layer.weight.gradient != nil)
}
