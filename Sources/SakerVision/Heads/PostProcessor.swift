import Foundation
import SakerData
import SakerTensor

/// Turns the logits and offsets of all anchors into the objects of each picture: softmax,
/// confidence, decoding, clipping to the input, class-wise suppression, the best of them.
public struct PostProcessor: Hashable, Codable, Sendable {
  public var options: DetectionOptions
  public var coder: BoxCoder

  public init(_ options: DetectionOptions = .init(), coder: BoxCoder = .init()) {
    self.options = options
    self.coder = coder
  }

  /// - Parameters:
  ///   - logits: `[pictures, anchors, classes + 1]`, background first.
  ///   - offsets: `[pictures, anchors, 4]`.
  /// - Returns: for each picture, by falling score; boxes in fractions of the input, 0...1.
  public func callAsFunction(
    _ logits: Tensor, _ offsets: Tensor, _ grid: AnchorGrid
  ) -> [[Detection]] {
    let pictures = logits.shape[0]
    check(
      logits.rank == 3 && logits.shape[1] == grid.count
        && offsets.shape == [pictures, grid.count, 4], op: "PostProcessor",
      expected: "logits [N, \(grid.count), classes + 1] and offsets [N, \(grid.count), 4]",
      got: "\(logits.shape) and \(offsets.shape)")
    let classes = logits.shape[2]
    let (logits, offsets) = withoutGradients {
      (logits.converted(to: .float32), offsets.converted(to: .float32))
    }
    var results = [[Detection]](repeating: [], count: pictures)
    logits.withElements { (logits: UnsafeBufferPointer<Float>) in
      offsets.withElements { (offsets: UnsafeBufferPointer<Float>) in
        results.withUnsafeMutableBufferPointer { results in
          Parallel.run(pictures) { part in
            for picture in part {
              results[picture] = detections(
                logits.baseAddress! + picture * grid.count * classes, classes,
                offsets.baseAddress! + picture * grid.count * 4, grid)
            }
          }
        }
      }
    }
    return results
  }

  private func detections(
    _ logits: UnsafePointer<Float>, _ classes: Int, _ offsets: UnsafePointer<Float>,
    _ grid: AnchorGrid
  ) -> [Detection] {
    var anchors: [Int] = []
    var scores: [Float] = []
    var labels: [Int] = []
    withUnsafeTemporaryAllocation(of: Float.self, capacity: grid.count) { normalizers in
      LogSumExp.rows(logits, count: grid.count, width: classes, normalizers.baseAddress!)
      for anchor in 0..<grid.count {
        for k in 1..<classes {
          let score = exp(logits[anchor * classes + k] - normalizers[anchor])
          guard score >= options.confidence else { continue }
          anchors.append(anchor)
          scores.append(min(score, 1))
          labels.append(k - 1)
        }
      }
    }
    let suppression = options.suppression
    // Only boxes that take part need decoding.
    let chosen = suppression.participants(scores: scores, labels: labels).flatMap { $0 }.sorted()
    let boxes = Boxes(chosen.map { box(anchors[$0], offsets, grid) })
    let kept = suppression.survivors(
      boxes, scores: chosen.map { scores[$0] }, labels: chosen.map { labels[$0] },
      least: options.confidence)
    return kept.map {
      Detection(box: $0.box, label: labels[chosen[$0.index]], score: $0.score)
    }
  }

  private func box(_ anchor: Int, _ offsets: UnsafePointer<Float>, _ grid: AnchorGrid) -> Box {
    let o = offsets + 4 * anchor
    let box = coder.decode([o[0], o[1], o[2], o[3]], grid.boxes.vector(anchor))
      .clamped(lowerBound: .zero, upperBound: .one)
    return Box(left: box[0], top: box[1], right: box[2], bottom: box[3])
  }
}

/// Detection as "Dive into Deep Learning" has it, section 14.4 (multibox_detection): each anchor
/// speaks for its most probable class only, boxes of all classes suppress each other, nothing is
/// clipped. For comparison; the product's way is `PostProcessor`.
public enum MultiBoxDetection {
  /// One row of the result.
  public struct Row: Hashable, Sendable {
    /// The class, or -1 if the box was suppressed or its confidence is too low.
    public var label: Int
    /// The class's probability; of a box of too low confidence, the background's share
    /// `1 - probability`.
    public var confidence: Float
    public var box: Box
  }

  /// - Parameters:
  ///   - probabilities: `[pictures, classes + 1, anchors]`, background first.
  ///   - offsets: `[pictures, anchors * 4]`.
  ///   - iou: kept beside a better box if their IoU is at most this.
  ///   - confidence: at least this.
  /// - Returns: all anchors of each picture: first the kept boxes by falling confidence, then
  ///   the others by index.
  public static func detect(
    _ probabilities: Tensor, _ offsets: Tensor, _ anchors: Boxes, iou: Float = 0.5,
    confidence: Float = 0.009999999, coder: BoxCoder = .init()
  ) -> [[Row]] {
    let (pictures, classes, count) = (
      probabilities.shape[0], probabilities.shape[1], anchors.count
    )
    check(
      probabilities.shape == [pictures, classes, count] && offsets.count == pictures * count * 4,
      op: "MultiBoxDetection", expected: "[N, classes + 1, \(count)] and \(4 * count) offsets each",
      got: "\(probabilities.shape) and \(offsets.shape)")
    let (all, moves) = (probabilities.floats, offsets.floats)
    return (0..<pictures).map { picture in
      var labels = [Int](repeating: 0, count: count)
      var scores = [Float](repeating: 0, count: count)
      for anchor in 0..<count {
        let column = (1..<classes).map { all[(picture * classes + $0) * count + anchor] }
        labels[anchor] = column.indices.reduce(0) { column[$1] > column[$0] ? $1 : $0 }
        scores[anchor] = column[labels[anchor]]
      }
      let step = 4 * count
      let boxes = coder.decode(Array(moves[picture * step..<(picture + 1) * step]), anchors)
      let kept = nms(boxes, scores: scores, iou: iou)
      let isKept = Set(kept)
      return (kept + (0..<count).filter { !isKept.contains($0) }).map { i in
        let isLow = scores[i] < confidence
        return Row(
          label: isLow || !isKept.contains(i) ? -1 : labels[i],
          confidence: isLow ? 1 - scores[i] : scores[i], box: boxes[i])
      }
    }
  }
}
