import CKernels

/// The discrete Fourier transform along the axis before the last, whose two elements are real and
/// imaginary part: `scale Σ x_k exp(∓2πi jk/n)`.
struct FourierTransform: UnaryOperation {
  let isInverse: Bool
  let scale: Double

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let x = x.contiguous()
    let n = x.shape[x.rank - 2]
    let y = Tensor(uninitialized: x.shape)
    if y.count == 0 { return y }
    let lines = x.count / (2 * n)
    let (from, to) = (x.pointer(Float.self), y.pointer(Float.self))
    FourierPlan.of(n).with { plan in
      // Parts of whole groups of 8 lines, which are transformed together.
      Parallel.run((lines + 7) / 8, grain: max(1, 2048 / n)) { part in
        let (first, end) = (part.lowerBound * 8, min(part.upperBound * 8, lines))
        let space = UnsafeMutablePointer<Double>.allocate(
          capacity: saker_fourier_workspace(plan))
        saker_fourier_f32(
          plan, end - first, isInverse ? 1 : 0, scale, from + first * n * 2, to + first * n * 2,
          space)
        space.deallocate()
      }
    }
    withExtendedLifetime(x) {}
    return y
  }

  /// The matrix is symmetric, so its adjoint is the transform of the other sign.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    apply(FourierTransform(isInverse: !isInverse, scale: scale), gradient)
  }
}

private func transform(
  _ name: String, _ x: Tensor, _ axis: Int, inverse: Bool
) -> Tensor {
  check(
    x.rank >= 2 && x.shape[x.rank - 1] == 2 && x.dtype.isFloating, op: name,
    expected: "floating [..., 2], real and imaginary parts", got: "\(x.dtype) \(x.shape)")
  let complexAxis = Shape(x.shape.dropLast()).axis(axis, op: name)
  let n = x.shape[complexAxis]
  check(n > 0, op: name, expected: "an axis that is not empty", got: x.shape)
  let operation = FourierTransform(isInverse: inverse, scale: inverse ? 1 / Double(n) : 1)
  let last = x.rank - 2
  return apply(operation, x.converted(to: .float32).transposed(complexAxis, last))
    .transposed(complexAxis, last)
}

/// The discrete Fourier transform, `Σ x_k exp(−2πi jk/n)`, of complex numbers `[..., 2]`, real and
/// imaginary part, along one of the axes before these: `-1` is the last of them. Any length;
/// float32, computed in double precision.
public func fft(_ x: Tensor, axis: Int = -1) -> Tensor { transform("fft", x, axis, inverse: false) }

/// The inverse of `fft`, `1/n Σ x_k exp(2πi jk/n)`.
public func ifft(_ x: Tensor, axis: Int = -1) -> Tensor {
  transform("ifft", x, axis, inverse: true)
}

/// `fft` along two axes, `[..., H, W, 2]`.
public func fft2(_ x: Tensor, axes: (Int, Int) = (-2, -1)) -> Tensor {
  fft(fft(x, axis: axes.1), axis: axes.0)
}

/// The inverse of `fft2`.
public func ifft2(_ x: Tensor, axes: (Int, Int) = (-2, -1)) -> Tensor {
  ifft(ifft(x, axis: axes.1), axis: axes.0)
}

/// Real numbers as complex ones: `[...]` to `[..., 2]`.
public func complex(_ real: Tensor, _ imaginary: Tensor? = nil) -> Tensor {
  stack([real, imaginary ?? .zeros(real.shape, real.dtype)], axis: -1)
}

/// The transform of real numbers `[..., n]` along the last axis, without the half that is the
/// conjugate of the other: `[..., n/2 + 1, 2]`.
public func rfft(_ x: Tensor) -> Tensor {
  check(x.rank >= 1, op: "rfft", expected: "a tensor with axes", got: x.shape)
  let whole = fft(complex(x))
  return whole.narrow(whole.rank - 2, 0..<x.shape[x.rank - 1] / 2 + 1)
}

/// The inverse of `rfft`: `[..., n/2 + 1, 2]` to `[..., n]` real numbers. `count` says whether n is
/// even or odd; even if left out. The imaginary parts of the first number and, for an even n, the
/// last are taken as 0.
public func irfft(_ x: Tensor, count: Int? = nil) -> Tensor {
  check(
    x.rank >= 2 && x.shape[x.rank - 1] == 2, op: "irfft", expected: "[..., n/2 + 1, 2]",
    got: x.shape)
  let half = x.shape[x.rank - 2]
  let n = count ?? max(1, 2 * (half - 1))
  check(
    n / 2 + 1 == half && n > 0, op: "irfft", expected: "\(n / 2 + 1) numbers for \(n)",
    got: x.shape)
  let axis = x.rank - 2
  let sign = Tensor([1, -1] as [Float])
  let mirrored = x.narrow(axis, 1..<n - half + 1).flip([axis]) * sign
  // Numbers that are their own conjugates are real.
  var real = [Float](repeating: 1, count: 2 * half)
  real[1] = 0
  if n % 2 == 0 { real[2 * half - 1] = 0 }
  let own = x * Tensor(real, [half, 2])
  return ifft(n > half ? concatenate([own, mirrored], axis: axis) : own).select(axis: -1, at: 0)
}

/// The frequencies of `fft`'s results in cycles a step: 0, 1/n, …, then the negative ones.
public func fftFrequencies(_ count: Int) -> [Float] {
  (0..<count).map { Float($0 < (count + 1) / 2 ? $0 : $0 - count) / Float(count) }
}
