import CKernels
import SakerTensor

/// Binary cross-entropy of logits, `−w (p y log σ(x) + (1 − y) log(1 − σ(x)))`, in a form that never overflows; float32.
///
/// - Parameters:
///   - logits: x, any shape.
///   - targets: y in 0...1, the shape of the logits; take no gradient.
///   - weight: w, broadcast to the logits' shape.
///   - positiveWeight: p, broadcast to the logits' shape: `[classes]` weighs the positives of each class of `[..., classes]`.
/// - Returns: `[]`, or in the shape of the logits with `reduction: .none`.
public func binaryCrossEntropy(
  logits: Tensor, _ targets: Tensor, weight: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  check(
    targets.shape == logits.shape && !targets.isRecorded, op: "binaryCrossEntropy",
    expected: "targets \(logits.shape) without a gradient", got: targets.shape)
  check(
    positiveWeight?.isRecorded != true, op: "binaryCrossEntropy",
    expected: "positive weights without a gradient", got: "recorded ones")
  let losses = apply(
    BinaryCrossEntropy(
      targets: targets.converted(to: .float32),
      positiveWeight: positiveWeight?.converted(to: .float32).expand(logits.shape)),
    logits.converted(to: .float32))
  return reduction(weight.map { losses * $0 } ?? losses)
}

private struct BinaryCrossEntropy: UnaryOperation {
  let targets: Tensor
  let positiveWeight: Tensor?

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x)
    return run(x) { x, y, p, out, part in
      let first = part.lowerBound
      saker_binary_cross_entropy_f32(
        x + first, y + first, p.map { $0 + first }, out + first, part.count)
    }
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.withElements(of: Float.self) { gradient in
      run(saved[0]) { x, y, p, out, part in
        let first = part.lowerBound
        saker_binary_cross_entropy_gradient_f32(
          x + first, y + first, p.map { $0 + first }, gradient.baseAddress! + first, out + first,
          part.count)
      }
    }
  }

  private func run(
    _ x: Tensor,
    _ body: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>, Range<Int>
    ) -> Void
  ) -> Tensor {
    // Without weights the targets stand in for them, unread.
    (positiveWeight ?? targets).withElements(of: Float.self) { p in
      Tensor.ofPairs(x, targets) { x, y, out, part in
        body(x, y, positiveWeight == nil ? nil : p.baseAddress, out, part)
      }
    }
  }
}

extension Tensor {
  /// A float32 tensor in the shape of `x` that `body` writes, part by part, from all elements of `x` and `y`.
  static func ofPairs(
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
