import SakerNN
import SakerTensor

/// Squeeze-and-excitation: each map times a number in 0...1 that two 1x1 convolutions make of the means of all maps.
/// Hu et al., arXiv:1709.01507. `fc1`, `fc2` with biases, as torchvision and timm name them.
final class SqueezeGate: Layer {
  let fc1, fc2: Conv2d
  private let names: (String, String)
  private let inner, outer: any Layer

  /// - Parameters:
  ///   - squeezed: channels between the two.
  ///   - names: of the two convolutions in the state.
  ///   - inner: the activation between them, ReLU in the paper.
  ///   - outer: what makes the factor, the sigmoid in the paper.
  init(
    _ channels: Int, squeezed: Int, names: (String, String) = ("fc1", "fc2"),
    inner: any Layer = ReLU(), outer: any Layer = Sigmoid()
  ) {
    fc1 = Conv2d(channels, squeezed, kernel: 1)
    fc2 = Conv2d(squeezed, channels, kernel: 1)
    self.names = names
    self.inner = inner
    self.outer = outer
  }

  var members: [(name: String, value: Any)] { [(names.0, fc1), (names.1, fc2)] }

  func forward(_ x: Tensor) -> Tensor {
    x * outer(fc2(inner(fc1(adaptiveAveragePool2d(x, (1, 1))))))
  }
}
