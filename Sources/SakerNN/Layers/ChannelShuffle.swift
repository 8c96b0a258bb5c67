import SakerTensor

/// `channelShuffle` as a layer: what lets grouped convolutions see each other's channels.
public final class ChannelShuffle: Layer {
  public let groups: Int

  public init(groups: Int) { self.groups = groups }

  public func forward(_ x: Tensor) -> Tensor { channelShuffle(x, groups: groups) }
}

/// `pixelShuffle` as a layer: `[N, C r², H, W]` to `[N, C, H r, W r]`.
public final class PixelShuffle: Layer {
  public let factor: Int

  public init(_ factor: Int) { self.factor = factor }

  public func forward(_ x: Tensor) -> Tensor { pixelShuffle(x, factor) }
}

/// Interleaved group convolution: `L` groups of `M` channels convolve, the channels are dealt out
/// to `M` groups of `L`, one from each, which a pointwise convolution mixes, and are dealt back.
/// Every output sees every input, for fewer weights than one convolution of as many channels has.
/// Zhang et al., arXiv:1707.02725.
public final class InterleavedGroupConv2d: Layer {
  /// `L` groups of `M` channels.
  public let primary: Conv2d
  /// `M` groups of `L` channels, 1×1.
  public let secondary: Conv2d

  /// - Parameters:
  ///   - groups: L, the primary groups.
  ///   - width: M, the channels of each; L·M come in and go out.
  public init(
    groups: Int, width: Int, kernel: Int, stride: Int = 1, padding: Padding = 0,
    bias: Bool = true
  ) {
    let channels = groups * width
    primary = Conv2d(
      channels, channels, kernel: kernel, stride: stride, padding: padding, groups: groups,
      bias: bias)
    secondary = Conv2d(channels, channels, kernel: 1, groups: width, bias: bias)
  }

  /// `[N, L M, H, W]` to `[N, L M, H', W']`
  public func forward(_ x: Tensor) -> Tensor {
    let mixed = secondary(channelShuffle(primary(x), groups: primary.groups))
    return channelShuffle(mixed, groups: secondary.groups)
  }
}
