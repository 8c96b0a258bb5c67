import Foundation

/// Which frequencies a filter lets pass, by their distance d from 0 in cycles a pixel.
public enum FrequencyFilter: Sendable, Hashable {
  /// All to `cutoff`, none beyond: rings at edges.
  case ideal(cutoff: Float)
  /// `exp(−d²/(2 cutoff²))`
  case gaussian(cutoff: Float)

  /// What a frequency is multiplied by.
  public func gain(_ d: Float) -> Float {
    switch self {
    case .ideal(let cutoff): d <= cutoff ? 1 : 0
    case .gaussian(let cutoff): Float(exp(-Double(d * d) / (2 * Double(cutoff * cutoff))))
    }
  }

  fileprivate var cutoff: Float {
    switch self {
    case .ideal(let cutoff), .gaussian(let cutoff): cutoff
    }
  }
}

/// Pictures `[..., H, W]` without what changes faster than the filter lets pass: blurred.
/// The picture counts as periodic. Cutoffs are in cycles a pixel, from above 0 to 0.5 for
/// the finest stripes.
public func lowPass(_ x: Tensor, _ filter: FrequencyFilter) -> Tensor {
  check(
    x.rank >= 2 && x.dtype.isFloating && filter.cutoff > 0, op: "lowPass",
    expected: "floating [..., H, W] and a cutoff above 0",
    got: "\(x.dtype) \(x.shape), \(filter)")
  let (height, width) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
  let (v, u) = (fftFrequencies(height), fftFrequencies(width))
  let gains = v.flatMap { v in u.map { u in filter.gain((u * u + v * v).squareRoot()) } }
  let spectrum = fft2(complex(x.converted(to: .float32))) * Tensor(gains, [height, width, 1])
  return ifft2(spectrum).select(axis: -1, at: 0).converted(to: x.dtype)
}

/// What `lowPass` takes away: the edges. The mean of the result is 0.
public func highPass(_ x: Tensor, _ filter: FrequencyFilter) -> Tensor { x - lowPass(x, filter) }
