import CKernels
import SakerTensor

/// Scales all gradients by one factor so that their common Euclidean norm is at most `limit`,
/// `limit / (norm + 1e-6)` at most 1. Pascanu et al., arXiv:1211.5063.
/// - Returns: the norm before. If it is infinite or not a number, the gradients stay as they
///   are: skip the step.
@discardableResult
public func clipGradients(of parameters: [Parameter], norm limit: Double) -> Double {
  let norm = gradientNorm(of: parameters)
  let factor = limit / (norm + 1e-6)
  guard norm.isFinite, factor < 1 else { return norm }
  for parameter in parameters {
    parameter.replaceGradient { saker_scale_f32($0, Float(factor), $1, $2) }
  }
  return norm
}

/// Cuts every element of the gradients off at `±limit`.
public func clipGradients(of parameters: [Parameter], value limit: Double) {
  for parameter in parameters {
    parameter.replaceGradient { saker_clip_f32($0, Float(limit), $1, $2) }
  }
}

/// The Euclidean norm of all gradients as one vector.
public func gradientNorm(of parameters: [Parameter]) -> Double {
  parameters.reduce(0) { total, parameter in
    guard let gradient = parameter.gradient?.converted(to: .float32) else { return total }
    return total
      + gradient.withElements(of: Float.self) {
        saker_sum_of_squares_f32($0.baseAddress, $0.count)
      }
  }.squareRoot()
}

extension Parameter {
  fileprivate func replaceGradient(
    _ kernel: (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
  ) {
    guard let old = gradient?.converted(to: .float32) else { return }
    gradient = old.withElements(of: Float.self) { old in
      Tensor(shape, of: Float.self) { kernel(old.baseAddress, $0.baseAddress, old.count) }
    }
  }
}
