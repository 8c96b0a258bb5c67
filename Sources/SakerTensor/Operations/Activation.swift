/// A function of each element.
struct Elementwise: UnaryOperation {
  let function: ElementwiseFunction

  var name: String { String("\(function)".prefix { $0 != "(" }) }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x)
    return Kernels.elementwise(function, x)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    Kernels.elementwiseBackward(function, saved[0], gradient)
  }
}

private func apply(_ function: ElementwiseFunction, _ x: Tensor) -> Tensor {
  check(x.dtype.isFloating, op: "\(function)", expected: "a floating tensor", got: x.dtype)
  return apply(Elementwise(function: function), x)
}

/// x where positive, else slope * x. Maas et al. 2013.
public func leakyReLU(_ x: Tensor, slope: Float = 0.01) -> Tensor { apply(.leakyRelu(slope), x) }
/// x where positive, else alpha * (exp(x) - 1). Clevert et al., arXiv:1511.07289.
public func elu(_ x: Tensor, alpha: Float = 1) -> Tensor { apply(.elu(alpha), x) }
public func tanh(_ x: Tensor) -> Tensor { apply(.tanh, x) }
/// 1 / (1 + exp(-x)), stable for any x.
public func sigmoid(_ x: Tensor) -> Tensor { apply(.sigmoid, x) }
public func exp(_ x: Tensor) -> Tensor { apply(.exp, x) }
/// The natural logarithm.
public func log(_ x: Tensor) -> Tensor { apply(.log, x) }
public func sqrt(_ x: Tensor) -> Tensor { apply(.sqrt, x) }
/// The absolute value; its gradient at 0 is 0.
public func abs(_ x: Tensor) -> Tensor { apply(.abs, x) }
public func square(_ x: Tensor) -> Tensor { apply(.square, x) }
/// log(1 + exp(x)), stable for any x.
public func softplus(_ x: Tensor) -> Tensor { apply(VectorFunction.softplus, x) }
/// x Φ(x) with the normal distribution's Φ, by the error function. Hendrycks & Gimpel,
/// arXiv:1606.08415.
public func gelu(_ x: Tensor) -> Tensor { apply(VectorFunction.gelu, x) }
/// The same by a tanh that approximates Φ.
public func geluTanh(_ x: Tensor) -> Tensor { apply(.geluTanh, x) }
/// x sigmoid(βx), also called SiLU for β = 1. Elfwing et al., arXiv:1702.03118; Ramachandran et
/// al., arXiv:1710.05941.
public func swish(_ x: Tensor, beta: Float = 1) -> Tensor { apply(.swish(alpha: beta), x) }
/// x tanh(softplus(x)). Misra, arXiv:1908.08681.
public func mish(_ x: Tensor) -> Tensor { apply(VectorFunction.mish, x) }
/// x ReLU6(x + 3) / 6. Howard et al., arXiv:1905.02244.
public func hardSwish(_ x: Tensor) -> Tensor { apply(.hardSwish, x) }
/// 0 below -3, 1 above 3, a straight line between, `min(max(x / 6 + 1/2, 0), 1)`. Howard et
/// al., arXiv:1905.02244.
public func hardSigmoid(_ x: Tensor) -> Tensor { apply(VectorFunction.hardSigmoid, x) }
/// min(max(x, -1), 1), or between other bounds; the gradient at them is 0.
public func hardTanh(_ x: Tensor, from low: Float = -1, to high: Float = 1) -> Tensor {
  check(low < high, op: "hardTanh", expected: "a lower below an upper bound", got: (low, high))
  return apply(.clip(low, high), x)
}
/// scale · (x where positive, else α (exp(x) - 1)), whose numbers keep mean 0 and variance 1 from
/// layer to layer. Klambauer et al., arXiv:1706.02515.
public func selu(_ x: Tensor) -> Tensor { apply(VectorFunction.selu, x) }
/// x / (1 + |x|)
public func softsign(_ x: Tensor) -> Tensor { apply(VectorFunction.softsign, x) }
/// log(1 + exp(βx)) / β: the larger β, the closer to ReLU.
public func softplus(_ x: Tensor, beta: Float) -> Tensor {
  check(beta > 0, op: "softplus", expected: "a beta above 0", got: beta)
  return softplus(x * beta) / beta
}
/// Gated linear unit: the first half along `axis` times the sigmoid of the second. Dauphin et
/// al., arXiv:1612.08083.
public func glu(_ x: Tensor, axis: Int = -1) -> Tensor {
  let axis = x.shape.axis(axis, op: "glu")
  check(
    x.rank > 0 && x.shape[axis] % 2 == 0, op: "glu", expected: "an even size along axis \(axis)",
    got: x.shape)
  let half = x.shape[axis] / 2
  return x.narrow(axis, 0..<half) * sigmoid(x.narrow(axis, half..<2 * half))
}
/// min(max(x, 0), 6): three bits before the point are enough. Howard et al., arXiv:1704.04861.
public func relu6(_ x: Tensor) -> Tensor { apply(.clip(0, 6), x) }
