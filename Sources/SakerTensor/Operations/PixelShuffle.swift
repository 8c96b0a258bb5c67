/// Channels dealt out anew: of `groups` parts the first channel of each, then the second of each.
struct ChannelShuffle: UnaryOperation {
  let groups: Int

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let channelsLast = x.isChannelsLast && !x.isContiguous
    let result = Tensor(
      uninitialized: x.shape, x.dtype,
      strides: channelsLast ? x.shape.channelsLastStrides : x.shape.rowMajorStrides)
    let each = x.shape[1] / groups
    Strided.copy(
      from: ChannelShuffle.parts(x, groups, each),
      to: ChannelShuffle.parts(result, each, groups, turned: true))
    return result
  }

  /// Dealt back.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    channelShuffle(gradient, groups: gradient.shape[1] / groups)
  }

  /// `[N, a, b, ...]` of `[N, a b, ...]`, or with a and b exchanged.
  private static func parts(_ x: Tensor, _ a: Int, _ b: Int, turned: Bool = false) -> Tensor {
    let rest = Array(x.shape.dropFirst(2))
    let (outer, inner) = (b * x.strides[1], x.strides[1])
    return Tensor(
      storage: x.storage, shape: Shape([x.shape[0]] + (turned ? [b, a] : [a, b]) + rest),
      strides: [x.strides[0]] + (turned ? [inner, outer] : [outer, inner]) + x.strides.dropFirst(2),
      offset: x.offset, dtype: x.dtype)
  }
}

/// Mixes the channels of grouped convolutions: channel `g * (C / groups) + i` goes to
/// `i * groups + g`. Zhang et al., "ShuffleNet", arXiv:1707.01083. `x` is `[N, C, ...]`; with
/// `C / groups` groups it undoes itself.
public func channelShuffle(_ x: Tensor, groups: Int) -> Tensor {
  check(
    x.rank >= 2 && groups >= 1 && x.shape[1] % max(groups, 1) == 0, op: "channelShuffle",
    expected: "[N, C, ...] with channels that \(groups) groups divide", got: x.shape)
  return apply(ChannelShuffle(groups: groups), x)
}

/// Channels become pixels: `[N, C r², H, W]` to `[N, C, H r, W r]`,
/// `y[c, h r + i, w r + j] = x[c r² + i r + j, h, w]`. Shi et al., arXiv:1609.05158.
public func pixelShuffle(_ x: Tensor, _ factor: Int) -> Tensor {
  check(
    x.rank == 4 && factor >= 1 && x.shape[1] % max(factor * factor, 1) == 0, op: "pixelShuffle",
    expected: "[N, C, H, W] with channels that \(factor)² divides", got: x.shape)
  let (n, c, h, w) = (x.shape[0], x.shape[1] / (factor * factor), x.shape[2], x.shape[3])
  // One copy, into the order that `x` has.
  if x.isChannelsLast && !x.isContiguous {
    return x.permute([0, 2, 3, 1]).reshape([n, h, w, c, factor, factor])
      .permute([0, 1, 4, 2, 5, 3]).reshape([n, h * factor, w * factor, c]).permute([0, 3, 1, 2])
  }
  return x.reshape([n, c, factor, factor, h, w]).permute([0, 1, 4, 2, 5, 3])
    .reshape([n, c, h * factor, w * factor])
}

/// Pixels become channels: the inverse of `pixelShuffle`, also called space to depth.
public func pixelUnshuffle(_ x: Tensor, _ factor: Int) -> Tensor {
  check(
    x.rank == 4 && factor >= 1 && x.shape[2] % max(factor, 1) == 0
      && x.shape[3] % max(factor, 1) == 0, op: "pixelUnshuffle",
    expected: "[N, C, H, W] with sides that \(factor) divides", got: x.shape)
  let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / factor, x.shape[3] / factor)
  if x.isChannelsLast && !x.isContiguous {
    return x.permute([0, 2, 3, 1]).reshape([n, h, factor, w, factor, c])
      .permute([0, 1, 3, 5, 2, 4]).reshape([n, h, w, c * factor * factor]).permute([0, 3, 1, 2])
  }
  return x.reshape([n, c, h, factor, w, factor]).permute([0, 1, 3, 5, 2, 4])
    .reshape([n, c * factor * factor, h, w])
}
