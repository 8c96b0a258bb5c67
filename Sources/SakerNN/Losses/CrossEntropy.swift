import CKernels
import SakerTensor

/// Softmax cross-entropy, `−log softmax(logits)[target]`, of logits and class numbers,
/// computed in float32.
///
/// With smoothing s, `(1 − s)` of the target's loss and `s / classes` of each class' loss. With
/// weights, the loss of class c counts `weights[c]`-fold and the mean divides by the weights of the
/// targets. If every target is left out, the mean is 0, where PyTorch divides 0 by 0.
///
/// - Parameters:
///   - logits: `[N, C]`, `[N, C, ...]`, or with `axis: -1` `[..., C]`, which is the faster form;
///     float32 or bfloat16.
///   - targets: int32 or int64, in the shape of the logits without the classes; each in
///     `0 ..< C`, or `ignoring`.
///   - axis: where the classes are.
///   - ignoring: a target with loss 0 that no mean counts.
///   - smoothing: in 0...1.
///   - weights: float32 `[C]`; takes no gradient.
/// - Returns: `[]`, or in the shape of the targets with `reduction: .none`.
public func crossEntropy(
  _ logits: Tensor, _ targets: Tensor, axis: Int = 1, ignoring: Int = -100, smoothing: Float = 0,
  weights: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  let axis = axis < 0 ? axis + logits.rank : axis
  check(
    axis >= 0 && axis < logits.rank && logits.shape[axis] > 0, op: "crossEntropy",
    expected: "an axis of classes", got: "axis \(axis) of \(logits.shape)")
  let others = (0..<logits.rank).filter { $0 != axis }
  let shape = Shape(others.map { logits.shape[$0] })
  check(
    targets.shape == shape, op: "crossEntropy",
    expected: "targets \(shape) for logits \(logits.shape)", got: targets.shape)
  check(
    (0...1).contains(smoothing), op: "crossEntropy", expected: "smoothing in 0...1", got: smoothing)
  let classes = logits.shape[axis]
  if let weights {
    check(
      weights.shape == [classes] && weights.dtype == .float32 && !weights.isRecorded,
      op: "crossEntropy", expected: "float32 weights [\(classes)] without a gradient",
      got: "\(weights.dtype) \(weights.shape)")
  }
  let rows = logits.converted(to: .float32).permute(others + [axis])
  let chosen = ClassTargets(targets, classes: classes, ignoring: ignoring, weights)
  let losses = apply(
    CrossEntropy(targets: chosen.indices, weights: weights, smoothing: smoothing), rows)
  switch reduction {
  case .none: return losses
  case .sum, .batchMean: return reduction(losses)
  case .mean: return losses.sum() * (chosen.total > 0 ? Float(1 / chosen.total) : 0)
  }
}

/// Targets as the kernel takes them.
struct ClassTargets {
  /// int32; -1 where a target is left out
  let indices: Tensor
  /// The sum of the targets' weights.
  let total: Double

  init(_ targets: Tensor, classes: Int, ignoring: Int, _ weights: Tensor?) {
    switch targets.dtype {
    case .int32: self.init(Int32.self, targets, classes, ignoring, weights)
    case .int64: self.init(Int64.self, targets, classes, ignoring, weights)
    default:
      fatalError("targets: expected int32 or int64, got \(targets.dtype)")
    }
  }

  private init<T: FixedWidthInteger & Scalar>(
    _: T.Type, _ targets: Tensor, _ classes: Int, _ ignoring: Int, _ weights: Tensor?
  ) {
    let factors = weights?.floats
    var total = 0.0
    indices = targets.withElements(of: T.self) { from in
      Tensor(targets.shape, of: Int32.self) { to in
        for i in from.indices {
          let target = Int(from[i])
          if target == ignoring {
            to[i] = -1
          } else {
            check(
              target >= 0 && target < classes, op: "crossEntropy",
              expected: "targets in 0..<\(classes)", got: target)
            to[i] = Int32(truncatingIfNeeded: target)
            total += factors.map { Double($0[target]) } ?? 1
          }
        }
      }
    }
    self.total = total
  }

  /// The target's number in `weights`, `[C]`, for each target; 0 where it is left out.
  func picking(_ weights: Tensor) -> Tensor {
    let factors = weights.floats
    return Tensor(
      indices.scalars(as: Int32.self).map { $0 < 0 ? 0 : factors[Int($0)] }, indices.shape)
  }
}

/// Of `[..., C]`, without a reduction.
private struct CrossEntropy: UnaryOperation {
  let targets: Tensor
  let weights: Tensor?
  let smoothing: Float

  func forward(_ logits: Tensor, _ saved: inout Saved) -> Tensor {
    let logits = logits.contiguous()
    let classes = logits.shape[logits.rank - 1]
    var denominator = targets
    let losses = logits.withElements(of: Float.self) { x in
      Tensor(targets.shape, of: Float.self) { loss in
        denominator = Tensor(targets.shape, of: Float.self) { denominator in
          run(classes) { y, weights, rows in
            let first = rows.lowerBound
            saker_cross_entropy_f32(
              x.baseAddress! + first * classes, y + first, weights, smoothing, rows.count, classes,
              loss.baseAddress! + first, denominator.baseAddress! + first)
          }
        }
      }
    }
    saved.keep(logits, denominator)
    return losses
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let logits = saved[0]
    let classes = logits.shape[logits.rank - 1]
    return logits.withElements(of: Float.self) { x in
      saved[1].withElements(of: Float.self) { denominator in
        gradient.withElements(of: Float.self) { gradient in
          Tensor(logits.shape, of: Float.self) { result in
            run(classes) { y, weights, rows in
              let first = rows.lowerBound
              saker_cross_entropy_gradient_f32(
                x.baseAddress! + first * classes, y + first, weights, smoothing, rows.count,
                classes, denominator.baseAddress! + first, gradient.baseAddress! + first,
                result.baseAddress! + first * classes)
            }
          }
        }
      }
    }
  }

  private func run(
    _ classes: Int,
    _ body: (UnsafePointer<Int32>, UnsafePointer<Float>?, Range<Int>) -> Void
  ) {
    targets.withElements(of: Int32.self) { y in
      func loop(_ weights: UnsafePointer<Float>?) {
        Parallel.run(y.count, grain: max(1, 8192 / classes)) { body(y.baseAddress!, weights, $0) }
      }
      if let weights {
        weights.withElements(of: Float.self) { loop($0.baseAddress!) }
      } else {
        loop(nil)
      }
    }
  }
}
