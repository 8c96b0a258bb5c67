import CKernels

/// Weighted sums along one axis, which changes its size.
struct Resample: UnaryOperation {
  let axis: Int
  let taps: ResamplingTaps

  /// The table of the gradient is that of the values, turned.
  var facts: OperationFacts {
    var facts = OperationFacts()
    facts.attributes = [
      "axis": .int(axis), "input": .int(taps.input), "output": .int(taps.output),
      "starts": .ints(taps.forward.starts.map { Int($0) }),
      "index": .ints(taps.forward.index.map { Int($0) }),
      "weight": .doubles(taps.forward.weight.map { Double("\($0)") ?? .nan }),
    ]
    return facts
  }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    Resample.run(x, axis, taps.forward, taps.output)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    Resample.run(gradient, axis, taps.backward, taps.input)
  }

  private static func run(
    _ x: Tensor, _ axis: Int, _ table: ResamplingTaps.Table, _ output: Int
  ) -> Tensor {
    let x = x.dense
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, output, .float32)
    let (from, to, inner) = (x.pointer(Float.self), result.pointer(Float.self), lanes.inner)
    table.starts.withUnsafeBufferPointer { starts in
      table.index.withUnsafeBufferPointer { index in
        table.weight.withUnsafeBufferPointer { weight in
          nonisolated(unsafe) let taps = saker_resampling(
            in: lanes.size, out: output, starts: starts.baseAddress, index: index.baseAddress,
            weight: weight.baseAddress)
          Parallel.run(lanes.outer * output, grain: max(1, 8192 / inner)) { part in
            withUnsafePointer(to: taps) {
              saker_resample($0, from, to, inner, part.lowerBound, part.upperBound)
            }
          }
        }
      }
    }
    return result
  }
}

/// `x` with its axes after the first two at other sizes: sequences `[N, C, L]`, pictures
/// `[N, C, H, W]` or volumes `[N, C, D, H, W]`.
///
/// - Parameters:
///   - size: one number for each of those axes.
///   - aligningCorners: the centres of the outermost elements fall on each other, so positions
///     are `o (in - 1) / (out - 1)`; else their outer edges do, `(o + 1/2) in / out - 1/2`. For
///     linear and cubic.
///   - antialias: widens the filter when the result is smaller, as picture libraries do. For linear
///     and cubic, not with aligned corners.
/// - Returns: the new size in the type and memory order of `x`.
public func interpolate(
  _ x: Tensor, size: [Int], mode: ResamplingMode = .nearest, aligningCorners: Bool = false,
  antialias: Bool = false
) -> Tensor {
  interpolate(x, size, nil, mode, aligningCorners, antialias)
}

/// The same by factors: the new sizes are `side * scale`, rounded down, and positions count with
/// exactly these factors.
public func interpolate(
  _ x: Tensor, scale: [Double], mode: ResamplingMode = .nearest, aligningCorners: Bool = false,
  antialias: Bool = false
) -> Tensor {
  check(
    scale.count == x.rank - 2 && scale.allSatisfy { $0 > 0 && $0.isFinite }, op: "interpolate",
    expected: "a factor above 0 for each of the last \(x.rank - 2) axes", got: scale)
  let size = zip(x.shape.dropFirst(2), scale).map { Int(Double($0) * $1) }
  return interpolate(x, size, scale, mode, aligningCorners, antialias)
}

private func interpolate(
  _ x: Tensor, _ size: [Int], _ scale: [Double]?, _ mode: ResamplingMode, _ aligningCorners: Bool,
  _ antialias: Bool
) -> Tensor {
  check(
    x.rank >= 3 && x.rank <= 5 && size.count == x.rank - 2 && size.allSatisfy { $0 >= 1 }
      && x.shape.dropFirst().allSatisfy { $0 >= 1 } && x.dtype.isFloating,
    op: "interpolate",
    expected: "floating [N, C, sides...], one to three sides, and a size of at least 1 for each",
    got: "\(x.dtype) \(x.shape) to \(size)")
  let isSmooth = mode == .linear || mode == .cubic
  check(
    isSmooth || !(aligningCorners || antialias), op: "interpolate",
    expected: "linear or cubic for aligned corners and antialias", got: mode)
  check(
    !(aligningCorners && antialias), op: "interpolate",
    expected: "antialias without aligned corners", got: "both")
  guard x.count > 0 else {
    return .zeros(Shape([x.shape[0], x.shape[1]] + size), x.dtype)
  }
  // Axes that shrink go first: the others then have less to do.
  let order = size.indices.sorted {
    size[$0] * x.shape[$1 + 2] < size[$1] * x.shape[$0 + 2]
  }
  var result = x.converted(to: .float32)
  for side in order where size[side] != x.shape[side + 2] || scale?[side] ?? 1 != 1 {
    let taps = ResamplingTaps(
      x.shape[side + 2], size[side], scale: mode == .area ? nil : scale?[side], mode,
      aligningCorners: aligningCorners, antialias: antialias)
    result = apply(Resample(axis: side + 2, taps: taps), result)
  }
  return result.converted(to: x.dtype)
}
