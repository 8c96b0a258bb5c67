import SakerTensor

/// Class numbers as shares `[..., classes]`, float32: 1 for the target, or with smoothing s,
/// `1 − s + s / classes` for it and `s / classes` for the others. Szegedy et al., arXiv:1512.00567,
/// section 7. What MixUp and CutMix mix.
///
/// - Parameter targets: int32 or int64; stops at one outside `0 ..< classes`.
public func oneHot(_ targets: Tensor, classes: Int, smoothing: Float = 0) -> Tensor {
  check(
    (targets.dtype == .int32 || targets.dtype == .int64) && classes > 0
      && (0...1).contains(smoothing),
    op: "oneHot", expected: "integer targets, at least one class, smoothing in 0...1",
    got: "\(targets.dtype), \(classes) classes, smoothing \(smoothing)")
  let numbers = targets.scalars(as: Int64.self)
  let other = smoothing / Float(classes)
  return Tensor(Shape(targets.shape.sizes + [classes]), of: Float.self) { shares in
    shares.update(repeating: other)
    for (i, target) in numbers.enumerated() {
      check(
        target >= 0 && target < classes, op: "oneHot", expected: "targets in 0..<\(classes)",
        got: target)
      shares[i * classes + Int(target)] = 1 - smoothing + other
    }
  }
}

/// `−Σ target · log softmax(logits)` over the last axis, the mean over all rows: cross-entropy with
/// shares for targets, such as MixUp's.
public func softTargetCrossEntropy(_ logits: Tensor, _ shares: Tensor) -> Tensor {
  check(
    logits.rank >= 1 && logits.shape == shares.shape, op: "softTargetCrossEntropy",
    expected: "shares \(logits.shape)", got: shares.shape)
  return -(shares * logSoftmax(logits)).sum(axes: [-1]).mean()
}
