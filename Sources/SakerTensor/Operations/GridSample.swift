import CKernels

/// What stands around a picture that a grid is read from.
public enum GridBorder: Int, Sendable {
  case zeros, border, reflection
}

/// A picture read at the points of a grid.
struct GridSample: BinaryOperation {
  let isNearest: Bool
  let border: GridBorder
  let aligningCorners: Bool

  private func grid(_ x: Shape) -> saker_grid {
    saker_grid(
      height: Int32(x[2]), width: Int32(x[3]), channels: Int32(x[1]), nearest: isNearest ? 1 : 0,
      border: Int32(border.rawValue), corners: aligningCorners ? 1 : 0)
  }

  func forward(_ x: Tensor, _ points: Tensor, _ saved: inout Saved) -> Tensor {
    let (x, points) = (x.channelsLast(), points.contiguous())
    saved.keep(x, points)
    let result = Tensor(
      uninitializedImage: [x.shape[0], x.shape[1], points.shape[1], points.shape[2]])
    let (from, at, to) = (
      x.pointer(Float.self), points.pointer(Float.self), result.pointer(Float.self)
    )
    let (each, count, channels) = (
      x.count / x.shape[0], points.count / x.shape[0] / 2, x.shape[1]
    )
    let grid = grid(x.shape)
    for n in 0..<x.shape[0] {
      Parallel.run(count, grain: max(1, 4096 / channels)) { part in
        withUnsafePointer(to: grid) {
          saker_grid_sample(
            $0, from + n * each, at + n * count * 2, to + n * count * channels, part.lowerBound,
            part.upperBound)
        }
      }
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (x, points, gradient) = (saved[0], saved[1], gradient.channelsLast())
    let (from, at, g) = (
      x.pointer(Float.self), points.pointer(Float.self), gradient.pointer(Float.self)
    )
    let (each, count, channels) = (
      x.count / x.shape[0], points.count / x.shape[0] / 2, x.shape[1]
    )
    let grid = grid(x.shape)
    var (dx, dpoints): (Tensor?, Tensor?)
    if saved.needs[0] {
      let result = Tensor(uninitializedImage: x.shape).zerosInOrder()
      let to = result.pointer(Float.self)
      Parallel.run(channels, grain: max(8, 4096 / max(count, 1))) { part in
        withUnsafePointer(to: grid) {
          for n in 0..<x.shape[0] {
            saker_grid_scatter(
              $0, at + n * count * 2, g + n * count * channels, to + n * each, count,
              Int32(part.lowerBound), Int32(part.upperBound))
          }
        }
      }
      dx = result
    }
    if saved.needs[1] {
      let result = Tensor(uninitialized: points.shape)
      let to = result.pointer(Float.self)
      for n in 0..<x.shape[0] {
        Parallel.run(count, grain: max(1, 4096 / channels)) { part in
          withUnsafePointer(to: grid) {
            saker_grid_slopes(
              $0, from + n * each, at + n * count * 2, g + n * count * channels,
              to + n * count * 2, part.lowerBound, part.upperBound)
          }
        }
      }
      dpoints = result
    }
    return (dx, dpoints)
  }
}

/// Pictures read at any points, with a gradient to both: the sampler of Jaderberg et al., "Spatial
/// transformer networks", arXiv:1506.02025.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - grid: `[N, H', W', 2]`, each point (x, y), from -1 (left, top) to 1 (right, bottom). One
///     that is not finite reads zeros or, with another border, the first pixel or the last.
///   - nearest: the nearest pixel instead of bilinear; then the grid gets a gradient of zero.
///   - border: what is read outside of the picture.
///   - aligningCorners: -1 and 1 are the centres of the outermost pixels, else their outer edges.
/// - Returns: `[N, C, H', W']` in the type of `x`.
public func gridSample(
  _ x: Tensor, _ grid: Tensor, nearest: Bool = false, border: GridBorder = .zeros,
  aligningCorners: Bool = false
) -> Tensor {
  check(
    x.rank == 4 && x.dtype.isFloating && x.shape.dropFirst().allSatisfy { $0 >= 1 },
    op: "gridSample", expected: "floating [N, C, H, W]", got: "\(x.dtype) \(x.shape)")
  check(
    grid.rank == 4 && grid.shape[3] == 2 && grid.shape[0] == x.shape[0] && grid.dtype == .float32,
    op: "gridSample", expected: "a float32 grid [\(x.shape[0]), H', W', 2]",
    got: "\(grid.dtype) \(grid.shape)")
  guard x.count > 0, grid.count > 0 else {
    return .zeros([x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]], x.dtype)
  }
  let operation = GridSample(
    isNearest: nearest, border: border, aligningCorners: aligningCorners)
  return apply(operation, x.converted(to: .float32), grid).converted(to: x.dtype)
}
