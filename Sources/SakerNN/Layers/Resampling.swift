import SakerTensor

/// `interpolate` as a layer, by factors or to a size: sequences `[N, C, L]`, pictures
/// `[N, C, H, W]` or volumes `[N, C, D, H, W]`.
public final class Upsample: Layer {
  public let size: [Int]?
  public let scale: [Double]?
  public let mode: ResamplingMode
  public let aligningCorners: Bool

  /// - Parameter scale: one factor for all axes, or one for each.
  public init(scale: Double..., mode: ResamplingMode = .nearest, aligningCorners: Bool = false) {
    (size, self.scale, self.mode) = (nil, scale, mode)
    self.aligningCorners = aligningCorners
  }

  public init(size: Int..., mode: ResamplingMode = .nearest, aligningCorners: Bool = false) {
    (self.size, scale, self.mode) = (size, nil, mode)
    self.aligningCorners = aligningCorners
  }

  public func forward(_ x: Tensor) -> Tensor {
    func all<T>(_ numbers: [T]) -> [T] {
      numbers.count == 1 ? [T](repeating: numbers[0], count: max(0, x.rank - 2)) : numbers
    }
    if let scale {
      return interpolate(x, scale: all(scale), mode: mode, aligningCorners: aligningCorners)
    }
    return interpolate(x, size: all(size ?? []), mode: mode, aligningCorners: aligningCorners)
  }
}
