import CKernels
import SakerTensor

/// `|x − y|`; the slope at 0 is taken as 0.
public func l1Loss(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  reduction(difference(.absolute, x, y, op: "l1Loss"))
}

/// `d² / (2 beta)` where `d = |x − y| < beta`, else `d − beta / 2`. Girshick, arXiv:1504.08083; `beta` 0 is `l1Loss`.
public func smoothL1Loss(
  _ x: Tensor, _ y: Tensor, beta: Float = 1, reduction: Reduction = .mean
) -> Tensor {
  check(beta >= 0, op: "smoothL1Loss", expected: "beta >= 0", got: beta)
  return reduction(difference(.smooth(beta), x, y, op: "smoothL1Loss"))
}

/// `(x − y)²`
public func meanSquaredError(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  reduction(difference(.squared, x, y, op: "meanSquaredError"))
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
  _ kind: DifferenceLoss.Kind, _ x: Tensor, _ y: Tensor, op: String
) -> Tensor {
  check(
    x.shape == y.shape, op: op, expected: "two tensors of one shape",
    got: "\(x.shape) and \(y.shape)")
  return apply(
    DifferenceLoss(kind: kind), x.converted(to: .float32), y.converted(to: .float32))
}
