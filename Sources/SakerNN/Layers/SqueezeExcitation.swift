import SakerTensor

/// Channels weighed by what all of the map holds: `x · σ(fc2(relu(fc1(mean of x))))`. Hu et al.,
/// "Squeeze-and-Excitation Networks", arXiv:1709.01507; names of torchvision.
public final class SqueezeExcitation: Layer {
  /// 1x1, channels to squeezed and back
  public let fc1, fc2: Conv2d
  /// Between the two.
  public let activation: any Layer
  /// The gate in the form that needs no exponential: MobileNetV3, arXiv:1905.02244.
  public let hard: Bool
  private let names: (String, String)

  /// - Parameters:
  ///   - squeezed: channels between; a sixteenth, at least 1, if left out.
  ///   - activation: between the two, ReLU in the paper.
  ///   - names: of the two in the state; `conv_reduce` and `conv_expand` in some of timm's models.
  public init(
    _ channels: Int, squeezed: Int? = nil, hard: Bool = false, activation: any Layer = ReLU(),
    names: (String, String) = ("fc1", "fc2")
  ) {
    let between = squeezed ?? max(1, channels / 16)
    fc1 = Conv2d(channels, between, kernel: 1)
    fc2 = Conv2d(between, channels, kernel: 1)
    self.activation = activation
    self.hard = hard
    self.names = names
  }

  public var members: [(name: String, value: Any)] {
    [(names.0, fc1), ("activation", activation), (names.1, fc2)]
  }

  /// The weights, `[N, C, 1, 1]` in 0...1.
  public func scale(_ x: Tensor) -> Tensor {
    let logits = fc2(activation(fc1(x.mean(axes: [2, 3], keepingAxes: true))))
    return hard ? hardSigmoid(logits) : sigmoid(logits)
  }

  /// `[N, C, H, W]`
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 4, op: "SqueezeExcitation", expected: "[N, \(fc1.weight.shape[1]), H, W]",
      got: x.shape)
    return scaleChannels(x, scale(x))
  }
}
