import CKernels

/// Each map times a number of its own: `y[n, c, h, w] = x[n, c, h, w] s[n, c]`. As a product with
/// broadcasting it would write a map for the gradient of `s` only to sum it.
struct ChannelScale: BinaryOperation {
  /// Parts of a picture that sums are kept for, whatever the number of threads.
  private static let parts = 4

  func forward(_ x: Tensor, _ scale: Tensor, _ saved: inout Saved) -> Tensor {
    let (x, scale) = (x.channelsLast(), scale.contiguous())
    saved.keep(x, scale)
    let y = Tensor(uninitializedImage: x.shape)
    let (from, by, to) = (
      x.pointer(Float.self), scale.pointer(Float.self), y.pointer(Float.self)
    )
    let channels = x.shape[1]
    ChannelScale.run(x.shape) { picture, _, pixels in
      let at = (picture * x.shape[2] * x.shape[3] + pixels.lowerBound) * channels
      saker_scale_channels_f32(
        from + at, by + picture * channels, to + at, pixels.count, Int32(channels))
    }
    return withExtendedLifetime((x, scale)) { y }
  }

  /// dx = dy s, ds = Σ dy x over the pixels.
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (x, scale, dy) = (saved[0], saved[1], gradient.channelsLast())
    let (channels, size) = (x.shape[1], x.shape[2] * x.shape[3])
    let dx = Tensor(uninitializedImage: x.shape)
    let sums = Tensor(uninitialized: [x.shape[0], ChannelScale.parts, channels])
    let (px, ps, pg) = (
      x.pointer(Float.self), scale.pointer(Float.self), dy.pointer(Float.self)
    )
    let (to, partials) = (dx.pointer(Float.self), sums.pointer(Float.self))
    ChannelScale.run(x.shape) { picture, part, pixels in
      let at = (picture * size + pixels.lowerBound) * channels
      saker_scale_channels_gradient_f32(
        px + at, ps + picture * channels, pg + at, to + at,
        partials + (picture * ChannelScale.parts + part) * channels, pixels.count,
        Int32(channels))
    }
    withExtendedLifetime((scale, dy)) {}
    return (
      saved.needs[0] ? dx : nil,
      saved.needs[1] ? sums.sum(axes: [1]).reshape(saved.shapes[1]) : nil
    )
  }

  /// Calls `body(picture, part, pixels)` for all parts of all pictures.
  private static func run(_ shape: Shape, _ body: (Int, Int, Range<Int>) -> Void) {
    let size = shape[2] * shape[3]
    let grain = max(1, 16384 * parts / max(size * shape[1], 1))
    Parallel.run(shape[0] * parts, grain: grain) { range in
      for index in range {
        let (picture, part) = (index / parts, index % parts)
        body(picture, part, size * part / parts..<size * (part + 1) / parts)
      }
    }
  }
}

/// Each map of `x` `[N, C, H, W]` times its number in `scale` `[N, C, 1, 1]`: the gate of a
/// squeeze-and-excitation block. As `x * scale`, in fewer passes.
public func scaleChannels(_ x: Tensor, _ scale: Tensor) -> Tensor {
  check(
    x.rank == 4 && scale.shape == [x.shape[0], x.shape[1], 1, 1] && x.dtype == scale.dtype,
    op: "scaleChannels", expected: "[N, C, H, W] and [N, C, 1, 1] of one type",
    got: "\(x.dtype) \(x.shape) and \(scale.dtype) \(scale.shape)")
  return x.dtype == .float32 && x.count > 0 ? apply(ChannelScale(), x, scale) : x * scale
}
