import Foundation
import SakerTensor

/// SSD's loss: classification and box errors of all anchors of a batch.
///
/// Computed in float32 in one pass that also makes the gradient.
public struct MultiBoxLoss: Hashable, Codable, Sendable {
  public enum Classification: Hashable, Codable, Sendable {
    /// Cross-entropy of every anchor, averaged over anchors and pictures.
    case mean
    /// Cross-entropy of the joined anchors and, in each picture, of `ratio` times as many
    /// background anchors, those of largest loss but at least `minimum` (a picture without objects
    /// teaches, too); the sum is divided by the number of joined anchors in the batch (at least 1).
    case hardNegatives(ratio: Int = 3, minimum: Int = 3)
  }

  public enum Regression: Hashable, Codable, Sendable {
    /// |x| of the joined anchors' offsets, averaged over all offsets of all anchors (0 where not joined).
    case meanL1
    /// `x² / 2` below 1, `|x| - 1/2` above; the sum is divided by the number of joined anchors in
    /// the batch (at least 1).
    case smoothL1
  }

  public var classification: Classification
  public var regression: Regression
  /// The factor of the box error in the total.
  public var boxWeight: Float

  public init(_ classification: Classification, _ regression: Regression, boxWeight: Float = 1) {
    self.classification = classification
    self.regression = regression
    self.boxWeight = boxWeight
  }

  /// SSD's, arXiv:1512.02325, section 2.2: smooth L1, 3 hard negatives for each positive, divided
  /// by the positives.
  public static let ssd = MultiBoxLoss(.hardNegatives(), .smoothL1)
  /// The published TinySSD's ("Dive into Deep Learning", section 14.7): means over all
  /// anchors, no mining.
  public static let notes = MultiBoxLoss(.mean, .meanL1)

  /// - Parameters:
  ///   - logits: `[pictures, anchors, classes + 1]`, background first.
  ///   - offsets: `[pictures, anchors, 4]`, x, y, width, height.
  public func callAsFunction(
    _ logits: Tensor, _ offsets: Tensor, _ targets: AnchorTargets
  ) -> DetectionLoss {
    let parts = apply(
      MultiBoxError(settings: self, targets: targets), logits.converted(to: .float32),
      offsets.converted(to: .float32))
    let values = parts.detached().floats
    return DetectionLoss(
      total: parts.sum(), classification: values[0], box: values[1],
      positives: targets.positiveCount)
  }
}

/// The errors of a detector on one batch.
public struct DetectionLoss {
  /// The sum of the parts, `[]`, recorded: call `backward()` on it.
  public var total: Tensor
  public var classification: Float
  /// With its weight.
  public var box: Float
  /// How many anchors had an object to find.
  public var positives: Int

  public init(total: Tensor, classification: Float, box: Float, positives: Int) {
    self.total = total
    self.classification = classification
    self.box = box
    self.positives = positives
  }
}

/// Classification and box error, `[2]`. Linear in each part's incoming gradient, so the forward
/// pass makes the whole gradient and the backward pass only scales it.
struct MultiBoxError: BinaryOperation {
  let settings: MultiBoxLoss
  let targets: AnchorTargets

  var name: String { "multiBoxLoss" }

  func forward(_ logits: Tensor, _ offsets: Tensor, _ saved: inout Saved) -> Tensor {
    let (pictures, anchors) = (targets.count, targets.anchors)
    check(
      logits.rank == 3 && logits.shape[0] == pictures && logits.shape[1] == anchors
        && logits.shape[2] >= 2, op: name,
      expected: "logits [\(pictures), \(anchors), classes + 1]", got: logits.shape)
    check(
      offsets.shape == [pictures, anchors, 4], op: name,
      expected: "offsets [\(pictures), \(anchors), 4]", got: offsets.shape)
    let classes = logits.shape[2]
    for positive in targets.positives.joined() {
      check(
        positive.label >= 0 && positive.label + 1 < classes, op: name,
        expected: "labels in 0..<\(classes - 1)", got: positive.label)
    }
    let batch = Batch(loss: self, classes: classes)
    guard saved.isRecording else { return batch.errors(logits, offsets, nil, nil) }
    var result = Tensor(0)
    var toOffsets = Tensor(0)
    let toLogits = Tensor(logits.shape) { (toLogits: UnsafeMutableBufferPointer<Float>) in
      toLogits.update(repeating: 0)
      toOffsets = Tensor(offsets.shape) { (toOffsets: UnsafeMutableBufferPointer<Float>) in
        toOffsets.update(repeating: 0)
        result = batch.errors(logits, offsets, toLogits.baseAddress, toOffsets.baseAddress)
      }
    }
    saved.keep(toLogits, toOffsets)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let factors = gradient.floats
    func scaled(_ tensor: Tensor, _ factor: Float) -> Tensor {
      factor == 1 ? tensor : tensor * factor
    }
    return (
      saved.needs[0] ? scaled(saved[0], factors[0]) : nil,
      saved.needs[1] ? scaled(saved[1], factors[1]) : nil
    )
  }
}

/// The errors of one picture after the other.
private struct Batch {
  let loss: MultiBoxError
  let classes: Int
  let anchors: Int
  /// What one anchor's cross-entropy, and one offset's error, count in the total.
  let classScale, boxScale: Float

  init(loss: MultiBoxError, classes: Int) {
    self.loss = loss
    self.classes = classes
    anchors = loss.targets.anchors
    let all = Float(max(1, loss.targets.count * anchors))
    let positives = Float(max(1, loss.targets.positiveCount))
    classScale =
      switch loss.settings.classification {
      case .mean: 1 / all
      case .hardNegatives: 1 / positives
      }
    boxScale =
      switch loss.settings.regression {
      case .meanL1: loss.settings.boxWeight / (4 * all)
      case .smoothL1: loss.settings.boxWeight / positives
      }
  }

  /// The two errors, `[2]`; the gradients, where wanted, are written over zeros.
  func errors(
    _ logits: Tensor, _ offsets: Tensor, _ toLogits: UnsafeMutablePointer<Float>?,
    _ toOffsets: UnsafeMutablePointer<Float>?
  ) -> Tensor {
    let pictures = loss.targets.count
    let (logitStep, offsetStep) = (anchors * classes, anchors * 4)
    var sums = [SIMD2<Double>](repeating: .zero, count: pictures)
    logits.withElements { (logits: UnsafeBufferPointer<Float>) in
      offsets.withElements { (offsets: UnsafeBufferPointer<Float>) in
        sums.withUnsafeMutableBufferPointer { sums in
          Parallel.run(pictures) { part in
            for picture in part {
              sums[picture] = errors(
                of: picture, logits.baseAddress! + picture * logitStep,
                offsets.baseAddress! + picture * offsetStep,
                toLogits.map { $0 + picture * logitStep },
                toOffsets.map { $0 + picture * offsetStep })
            }
          }
        }
      }
    }
    // In the order of the pictures, whatever thread computed them.
    let sum = sums.reduce(.zero, +)
    return Tensor([Float(sum.x), Float(sum.y)])
  }

  private func errors(
    of picture: Int, _ logits: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>,
    _ toLogits: UnsafeMutablePointer<Float>?, _ toOffsets: UnsafeMutablePointer<Float>?
  ) -> SIMD2<Double> {
    let positives = loss.targets.positives[picture]
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: anchors) { normalizers in
      LogSumExp.rows(logits, count: anchors, width: classes, normalizers.baseAddress!)
      var classification = 0.0
      for positive in positives {
        classification += entropy(
          positive.anchor, positive.label + 1, logits, normalizers, toLogits)
      }
      switch loss.settings.classification {
      case .mean:
        var next = 0
        for anchor in 0..<anchors {
          if next < positives.count, positives[next].anchor == anchor {
            next += 1
          } else {
            classification += entropy(anchor, 0, logits, normalizers, toLogits)
          }
        }
      case .hardNegatives(let ratio, let minimum):
        let wanted = max(minimum, ratio * positives.count)
        for anchor in hardest(wanted, besides: positives, logits, normalizers) {
          classification += entropy(anchor, 0, logits, normalizers, toLogits)
        }
      }
      var box = 0.0
      for positive in positives { box += regression(positive, offsets, toOffsets) }
      return SIMD2(classification * Double(classScale), box * Double(boxScale))
    }
  }

  /// `log Σ exp(z) - z[label]`, and its gradient `softmax(z) - 1[label]`.
  @inline(__always)
  private func entropy(
    _ anchor: Int, _ label: Int, _ logits: UnsafePointer<Float>,
    _ normalizers: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let row = logits + anchor * classes
    let normalizer = normalizers[anchor]
    if let gradient {
      let to = gradient + anchor * classes
      for k in 0..<classes { to[k] = classScale * exp(row[k] - normalizer) }
      to[label] -= classScale
    }
    return Double(normalizer - row[label])
  }

  private func regression(
    _ positive: AnchorTargets.Positive, _ offsets: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    var sum = 0.0
    for k in 0..<4 {
      let i = 4 * positive.anchor + k
      let error = offsets[i] - positive.offsets[k]
      let slope: Float
      if loss.settings.regression == .smoothL1, abs(error) < 1 {
        sum += Double(error * error / 2)
        slope = error
      } else {
        sum += Double(abs(error)) - (loss.settings.regression == .smoothL1 ? 0.5 : 0)
        slope = error > 0 ? 1 : (error < 0 ? -1 : 0)
      }
      gradient?[i] = boxScale * slope
    }
    return sum
  }

  /// The background anchors of largest loss, by rising index; of equal losses the
  /// lower index is taken.
  private func hardest(
    _ wanted: Int, besides positives: [AnchorTargets.Positive], _ logits: UnsafePointer<Float>,
    _ normalizers: UnsafeMutableBufferPointer<Float>
  ) -> [Int] {
    guard wanted > 0 else { return [] }
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * anchors) { scratch in
      let losses = UnsafeMutableBufferPointer(rebasing: scratch[0..<anchors])
      let sorted = UnsafeMutableBufferPointer(rebasing: scratch[anchors...])
      for anchor in 0..<anchors {
        let loss = normalizers[anchor] - logits[anchor * classes]
        // What is not a number must show in the sum.
        losses[anchor] = loss.isNaN ? .infinity : loss
      }
      for positive in positives { losses[positive.anchor] = -.infinity }
      _ = sorted.update(from: losses)
      let count = min(wanted, anchors - positives.count)
      guard count > 0 else { return [] }
      let limit = Selection.largest(count, of: sorted)
      var chosen: [Int] = []
      chosen.reserveCapacity(count)
      var ties: [Int] = []
      for anchor in 0..<anchors where losses[anchor] >= limit {
        if losses[anchor] > limit { chosen.append(anchor) } else { ties.append(anchor) }
      }
      return (chosen + ties.prefix(max(0, count - chosen.count))).sorted()
    }
  }
}
