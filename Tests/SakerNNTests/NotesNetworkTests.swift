import SakerNN
import SakerTensor
import TestSupport
import Testing

/// E37: the notes' demonstration network, in the order in which it runs: convolutions and pools, then flat, then linear.
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
