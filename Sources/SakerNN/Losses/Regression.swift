import CKernels
import SakerTensor

// The weight of each is broadcast to the shape of x and y. What a weighed mean divides by is
// PyTorch's choice: the sum of the weights in `l1Loss` and `meanSquaredError`, the number of
// elements in the others.

/// `|x − y|`; the slope at 0 is taken as 0. A weighed mean divides by the sum of the weights.
public func l1Loss(
  _ x: Tensor, _ y: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  difference(.absolute, x, y, weight, reduction, isMeanOfWeights: true, op: "l1Loss")
}

/// `d² / (2 beta)` where `d = |x − y| < beta`, else `d − beta / 2`. Girshick, arXiv:1504.08083;
/// `beta` 0 is `l1Loss`. A weighed mean divides by the number of elements.
public func smoothL1Loss(
  _ x: Tensor, _ y: Tensor, beta: Float = 1, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(beta >= 0, op: "smoothL1Loss", expected: "beta >= 0", got: beta)
  return difference(.smooth(beta), x, y, weight, reduction, op: "smoothL1Loss")
}

/// `(x − y)²`. A weighed mean divides by the sum of the weights.
public func meanSquaredError(
  _ x: Tensor, _ y: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  difference(.squared, x, y, weight, reduction, isMeanOfWeights: true, op: "meanSquaredError")
}

/// Losses of the difference of two tensors of one shape, in float32, one pass over memory each way.
private struct DifferenceLoss: BinaryOperation {
  enum Kind: Sendable {
    case absolute
    case smooth(Float)
    case squared
  }
  let kind: Kind

  var name: String {
    switch kind {
    case .absolute: "l1Loss"
    case .smooth: "smoothL1Loss"
    case .squared: "meanSquaredError"
    }
  }

  private var beta: Float { if case .smooth(let beta) = kind { beta } else { 0 } }

  func forward(_ x: Tensor, _ y: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x, y)
    let kernel =
      switch kind {
      case .absolute: saker_l1_f32
      case .smooth: saker_smooth_l1_f32
      case .squared: saker_squared_error_f32
      }
    return .ofPairs(x, y) { x, y, out, part in
      let first = part.lowerBound
      kernel(x + first, y + first, beta, out + first, part.count)
    }
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let kernel =
      switch kind {
      case .absolute: saker_l1_gradient_f32
      case .smooth: saker_smooth_l1_gradient_f32
      case .squared: saker_squared_error_gradient_f32
      }
    let result = gradient.withElements(of: Float.self) { gradient in
      Tensor.ofPairs(saved[0], saved[1]) { x, y, out, part in
        let first = part.lowerBound
        kernel(x + first, y + first, beta, gradient.baseAddress! + first, out + first, part.count)
      }
    }
    return (saved.needs[0] ? result : nil, saved.needs[1] ? -result : nil)
  }
}

private func difference(
  _ kind: DifferenceLoss.Kind, _ x: Tensor, _ y: Tensor, _ weight: Tensor?,
  _ reduction: Reduction, isMeanOfWeights: Bool = false, op: String
) -> Tensor {
  check(
    x.shape == y.shape, op: op, expected: "two tensors of one shape",
    got: "\(x.shape) and \(y.shape)")
  checkWeight(weight, x.shape, op: op)
  let losses = apply(
    DifferenceLoss(kind: kind), x.converted(to: .float32), y.converted(to: .float32))
  guard isMeanOfWeights, let weight, case .mean = reduction else {
    return reduction(losses, weight: weight)
  }
  let factors = weight.converted(to: .float32).expand(x.shape)
  return (losses * factors).sum() / factors.sum()
}

/// `d² / 2` where `d = |x − y| < delta`, else `delta (d − delta / 2)`: smooth L1 times its beta.
/// Huber, 1964. A weighed mean divides by the number of elements.
public func huberLoss(
  _ x: Tensor, _ y: Tensor, delta: Float = 1, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(delta > 0, op: "huberLoss", expected: "delta > 0", got: delta)
  return smoothL1Loss(x, y, beta: delta, weight: weight, reduction: reduction) * delta
}

extension Tensor {
  /// A float32 tensor in the shape of `x` that `body` writes, part by part, from all
  /// elements of `x` and `y`.
  fileprivate static func ofPairs(
    _ x: Tensor, _ y: Tensor,
    _ body: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Range<Int>
    ) -> Void
  ) -> Tensor {
    x.withElements(of: Float.self) { from in
      y.withElements(of: Float.self) { other in
        Tensor(x.shape, of: Float.self) { to in
          guard let from = from.baseAddress, let other = other.baseAddress,
            let to = to.baseAddress
          else { return }
          Parallel.run(x.count, grain: 16384) { body(from, other, to, $0) }
        }
      }
    }
  }
}
