import SakerTensor

/// Spatial pyramid pooling: the largest values of 1×1, 2×2, 4×4, … windows, so that pictures of any
/// size give vectors of one length. He et al., "SPPNet", arXiv:1406.4729. Windows are those of
/// adaptive pooling, which cover every size; the paper's, rounded up and stepping by what is
/// rounded down, are the same where the level divides the side.
public final class SpatialPyramidPooling: Layer {
  public let levels: [Int]

  /// - Parameter levels: windows along each side; the paper has 1, 2, 3, 6 or 1, 2, 4.
  public init(levels: [Int] = [1, 2, 4]) { self.levels = levels }

  /// `[N, C, H, W]` to `[N, C · Σ level²]`, level by level.
  public func forward(_ x: Tensor) -> Tensor {
    concatenate(levels.map { adaptiveMaxPool2d(x, ($0, $0)).flatten(from: 1) }, axis: 1)
  }
}

/// YOLO's block of the same name: the map, and its largest values over windows of growing size
/// around each place, one behind the other in the channels. Huang & Wang, arXiv:1903.08589.
public final class SPPBlock: Layer {
  public let kernels: [Int]

  /// - Parameter kernels: odd sides of the windows.
  public init(kernels: [Int] = [5, 9, 13]) {
    check(
      kernels.allSatisfy { $0 >= 1 && $0 % 2 == 1 }, op: "SPPBlock", expected: "odd windows",
      got: kernels)
    self.kernels = kernels
  }

  /// `[N, C, H, W]` to `[N, C (1 + kernels), H, W]`
  public func forward(_ x: Tensor) -> Tensor {
    concatenate(
      [x]
        + kernels.map {
          maxPool2d(x, kernel: ($0, $0), stride: (1, 1), padding: ($0 / 2, $0 / 2))
        }, axis: 1)
  }
}
