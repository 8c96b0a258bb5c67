import CKernels

/// What follows a normalization: below 0 a slope, above `cap` nothing more; or swish.
public struct Activation: Hashable, Sendable {
  let slope, cap: Float
  let isSwish: Bool

  private init(slope: Float, cap: Float = .infinity, isSwish: Bool = false) {
    self.slope = slope
    self.cap = cap
    self.isSwish = isSwish
  }

  /// v
  public static let identity = Activation(slope: 1)
  /// max(v, 0)
  public static let relu = Activation(slope: 0)
  /// min(max(v, 0), 6)
  public static let relu6 = Activation(slope: 0, cap: 6)
  /// v / (1 + exp(-v))
  public static let swish = Activation(slope: 1, isSwish: true)

  /// v where positive, else slope * v; the slope in 0...1, so that the largest v gives
  /// the largest result.
  public static func leaky(_ slope: Float) -> Activation {
    check((0...1).contains(slope), op: "Activation", expected: "a slope in 0...1", got: slope)
    return Activation(slope: slope)
  }

  var raw: saker_activation { saker_activation(slope: slope, cap: cap, swish: isSwish ? 1 : 0) }

  /// The same as an operation of its own.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: x
    case .relu: SakerTensor.relu(x)
    case .relu6: SakerTensor.relu6(x)
    case .swish: SakerTensor.swish(x)
    default: leakyReLU(x, slope: slope)
    }
  }
}

/// activation(a + b): the end of a residual block. Where nothing is recorded it takes the place of
/// `a`, if nobody else sees that.
public func sum(_ a: consuming Tensor, _ b: Tensor, activation: Activation) -> Tensor {
  var a = a
  guard !isRecordingGradients || !(a.isRecorded || b.isRecorded), a.shape == b.shape,
    a.rank == 4, a.dtype == .float32, b.dtype == .float32, a.isChannelsLast, a.count > 0,
    !Capture.isRunning
  else { return activation(a + b) }
  a = a.detached()
  let channels = a.shape[1]
  let values = concatenate([.ones([3, channels]), .zeros([1, channels])], axis: 0)
  let target = a.isUnshared() ? a : Tensor(uninitializedImage: a.shape)
  FusedKernels.normalize(
    a, Normalization(values: values, activation: activation),
    residual: b.detached().channelsLast(), into: target)
  return target
}

/// Batch norm and activation by channel: activation(scale * v + shift).
struct Normalization {
  /// `[4, C]`: mean, 1 / √(variance + ε), scale = γ * inverse, shift = β - mean * scale.
  let values: Tensor
  let activation: Activation

  var channels: Int { values.shape[1] }

  init(values: Tensor, activation: Activation) {
    self.values = values
    self.activation = activation
  }

  /// - Parameters: all `[C]`, float32 and contiguous.
  init(
    mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor, epsilon: Float,
    activation: Activation
  ) {
    let channels = mean.count
    values = Tensor(uninitialized: [4, channels])
    self.activation = activation
    let to = values.pointer(Float.self)
    let (m, v) = (mean.pointer(Float.self), variance.pointer(Float.self))
    let (gamma, beta) = (scale.pointer(Float.self), shift.pointer(Float.self))
    for c in 0..<channels {
      let inverse = 1 / (Double(v[c]) + Double(epsilon)).squareRoot()
      let factor = Float(Double(gamma[c]) * inverse)
      to[c] = m[c]
      to[channels + c] = Float(inverse)
      to[2 * channels + c] = factor
      to[3 * channels + c] = Float(Double(beta[c]) - Double(m[c]) * Double(factor))
    }
  }

  /// The same without activation, for a gradient that has passed it.
  var linear: Normalization { Normalization(values: values, activation: .identity) }

  /// As C sees it; valid while `values` lives.
  var raw: saker_normalization {
    let rows = UnsafePointer(values.pointer(Float.self))
    return saker_normalization(
      mean: rows, inverse: rows + channels, scale: rows + 2 * channels,
      shift: rows + 3 * channels, activation: activation.raw)
  }
}

/// A feature map as a convolution reads it: written out, or still to be normalized
/// while it is loaded.
struct MapSource {
  /// `[N, C, H, W]`, channels-last, float32 or bfloat16.
  let map: Tensor
  let normalization: Normalization?

  init(_ map: Tensor, _ normalization: Normalization? = nil) {
    self.map = map
    self.normalization = normalization
  }
}

/// The gradient of a convolution's result: written out, or still to be computed from that of the
/// normalized map, see `saker_normalization_gradient`.
struct GradientSource {
  /// Of the result itself, or of the normalized map if `pending`. Channels-last.
  var gradient: Tensor
  var pending: Pending?

  struct Pending {
    /// The convolution's result.
    let raw: Tensor
    let normalization: Normalization
    /// `[3, C]`: a, b, c.
    let coefficients: Tensor

    /// As C sees it; valid while this lives. Its `x` counts for float32 only.
    var c: saker_normalization_gradient {
      let rows = UnsafePointer(coefficients.pointer(Float.self))
      let channels = coefficients.shape[1]
      return saker_normalization_gradient(
        x: raw.pointer(), normalization: normalization.raw, a: rows,
        b: rows + channels, c: rows + 2 * channels)
    }
  }
}
