import SakerTensor

/// Two linear layers with a GELU between: `fc2(gelu(fc1(x)))`.
public final class MLP: Layer {
  public let fc1, fc2: Linear

  public init(_ width: Int, hidden: Int) {
    fc1 = Linear(width, hidden)
    fc2 = Linear(hidden, width)
  }

  /// `[..., width]`
  public func forward(_ x: Tensor) -> Tensor { fc2(gelu(fc1(x))) }
}

/// Mixes first along the sequence, each channel alone, then along the channels, each place alone.
/// Tolstikhin et al., "MLP-Mixer", arXiv:2105.01601, equation 1.
public final class MLPMixerBlock: Layer {
  public let norm1: LayerNorm
  public let mlpTokens: MLP
  public let norm2: LayerNorm
  public let mlpChannels: MLP

  /// - Parameters:
  ///   - tokens: length of the sequence, which is part of the weights' shapes.
  ///   - tokensHidden, channelsHidden: widths between; half and four times the
  ///     channels if left out.
  public init(
    _ channels: Int, tokens: Int, tokensHidden: Int? = nil, channelsHidden: Int? = nil
  ) {
    norm1 = LayerNorm(channels, epsilon: 1e-6)
    mlpTokens = MLP(tokens, hidden: tokensHidden ?? max(1, channels / 2))
    norm2 = LayerNorm(channels, epsilon: 1e-6)
    mlpChannels = MLP(channels, hidden: channelsHidden ?? 4 * channels)
  }

  /// `[N, tokens, channels]`
  public func forward(_ x: Tensor) -> Tensor {
    let y = x + mlpTokens(norm1(x).transposed(1, 2)).transposed(1, 2)
    return y + mlpChannels(norm2(y))
  }
}

/// Mixes places by a depthwise convolution with a shortcut, then channels by a 1x1 convolution,
/// each followed by GELU and batch norm. Trockman & Kolter, "Patches Are All You Need?",
/// arXiv:2201.09792; members named as in the paper's listing.
public final class ConvMixerBlock: Layer {
  public let depthwise: Sequential
  public let pointwise: Sequential

  /// - Parameters:
  ///   - kernel: odd, so that the map keeps its size.
  ///   - activation: GELU in the paper; its smallest published weights have ReLU.
  public init(
    _ channels: Int, kernel: Int = 9, activation: @autoclosure () -> any Layer = GELU()
  ) {
    check(kernel % 2 == 1, op: "ConvMixerBlock", expected: "an odd kernel", got: kernel)
    depthwise = Sequential(
      Conv2d(channels, channels, kernel: kernel, padding: kernel / 2, groups: channels),
      activation(), BatchNorm(channels))
    pointwise = Sequential(Conv2d(channels, channels, kernel: 1), activation(), BatchNorm(channels))
  }

  /// `[N, C, H, W]`
  public func forward(_ x: Tensor) -> Tensor { pointwise(x + depthwise(x)) }
}
