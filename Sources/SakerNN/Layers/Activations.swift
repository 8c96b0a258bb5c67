import SakerTensor

/// `1 / (1 + exp(−x))`
public final class Sigmoid: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { sigmoid(x) }
}

public final class Tanh: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { tanh(x) }
}

/// `x` where positive, else `weight · x`. He et al., arXiv:1502.01852.
public final class PReLU: Layer {
  /// `[1]`, or one for each channel of `[N, C, ...]`; starts at 0.25
  public let weight: Parameter

  /// - Parameter parameters: 1, or the number of channels.
  public init(_ parameters: Int = 1, start: Float = 0.25) {
    check(parameters > 0, op: "PReLU", expected: "at least one parameter", got: parameters)
    weight = Parameter([parameters], .constant(start))
  }

  public func forward(_ x: Tensor) -> Tensor { prelu(x, slope: weight.value) }
}

/// `x` where positive, else `alpha · (exp(x) − 1)`. Clevert et al., arXiv:1511.07289.
public final class ELU: Layer {
  public let alpha: Float
  public init(alpha: Float = 1) { self.alpha = alpha }
  public func forward(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// Scaled ELU, which keeps mean 0 and variance 1 from layer to layer. Klambauer et
/// al., arXiv:1706.02515.
public final class SELU: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { selu(x) }
}

/// `x · sigmoid(βx)`, with a fixed β, or one that learns. Ramachandran et al., arXiv:1710.05941.
public final class Swish: Layer {
  /// `[1]`, or one for each channel; `nil` for a fixed β
  public let beta: Parameter?
  private let fixed: Float

  /// A fixed β; 1 is SiLU.
  public init(beta: Float = 1) {
    fixed = beta
    self.beta = nil
  }

  /// A β that learns.
  /// - Parameter parameters: 1, or the number of channels.
  public init(learning parameters: Int, start: Float = 1) {
    check(parameters > 0, op: "Swish", expected: "at least one parameter", got: parameters)
    fixed = start
    beta = Parameter([parameters], .constant(start))
  }

  public func forward(_ x: Tensor) -> Tensor {
    beta.map { swish(x, beta: $0.value) } ?? swish(x, beta: fixed)
  }
}

/// `x · ReLU6(x + 3) / 6`. Howard et al., arXiv:1905.02244.
public final class HardSwish: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { hardSwish(x) }
}

/// `ReLU6(x + 3) / 6`
public final class HardSigmoid: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { hardSigmoid(x) }
}

/// `min(max(x, low), high)`
public final class HardTanh: Layer {
  public let low, high: Float

  public init(from low: Float = -1, to high: Float = 1) {
    check(low < high, op: "HardTanh", expected: "a lower below an upper bound", got: (low, high))
    self.low = low
    self.high = high
  }

  public func forward(_ x: Tensor) -> Tensor { hardTanh(x, from: low, to: high) }
}

/// `x Φ(x)` with the normal distribution's Φ. Hendrycks & Gimpel, arXiv:1606.08415.
public final class GELU: Layer {
  public enum Form: Sendable {
    /// By the error function.
    case exact
    /// By a tanh that approximates Φ.
    case tanh
  }
  public let form: Form

  public init(_ form: Form = .exact) { self.form = form }
  public func forward(_ x: Tensor) -> Tensor { form == .exact ? gelu(x) : geluTanh(x) }
}

/// `x tanh(softplus(x))`. Misra, arXiv:1908.08681.
public final class Mish: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { mish(x) }
}

/// `log(1 + exp(βx)) / β`
public final class Softplus: Layer {
  public let beta: Float

  public init(beta: Float = 1) {
    check(beta > 0, op: "Softplus", expected: "a beta above 0", got: beta)
    self.beta = beta
  }

  public func forward(_ x: Tensor) -> Tensor { beta == 1 ? softplus(x) : softplus(x, beta: beta) }
}

/// `x / (1 + |x|)`
public final class Softsign: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { softsign(x) }
}

/// `log sigmoid(x)`
public final class LogSigmoid: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { logSigmoid(x) }
}

/// `exp(x) / Σ exp(x)` along an axis
public final class Softmax: Layer {
  public let axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func forward(_ x: Tensor) -> Tensor { softmax(x, axis: axis) }
}

/// The logarithm of that, without its loss of digits
public final class LogSoftmax: Layer {
  public let axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func forward(_ x: Tensor) -> Tensor { logSoftmax(x, axis: axis) }
}

/// Gated linear unit: one half along an axis times the sigmoid of the other. Dauphin et
/// al., arXiv:1612.08083.
public final class GLU: Layer {
  public let axis: Int
  public init(axis: Int = -1) { self.axis = axis }
  public func forward(_ x: Tensor) -> Tensor { glu(x, axis: axis) }
}
