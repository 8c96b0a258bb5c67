import Foundation
import SakerData

/// What becomes of a box that overlaps a better one of its class.
public enum SuppressionRule: Hashable, Codable, Sendable {
  /// It goes if their IoU is above the threshold.
  case hard
  /// Its score is multiplied by `1 - IoU` where the IoU is above the threshold. Bodla et al.,
  /// "Soft-NMS", arXiv:1704.04503, section 3.
  case softLinear
  /// Its score is multiplied by `exp(-IoU² / sigma)`, whatever the threshold; the same paper,
  /// which has sigma 0.5.
  case softGaussian(sigma: Float = 0.5)
  /// It goes if `IoU - (d² / c²)^exponent` is above the threshold: d is the distance of the
  /// centres, c the diagonal of the smallest box around both, so that two objects of which one
  /// hides the other may both stay. Zheng et al., "Distance-IoU Loss", arXiv:1911.08287, section
  /// 3.4, where the exponent is 1.
  case distance(exponent: Float = 1)
  /// It joins the fused box that it overlaps most, if their IoU is above the threshold: the mean of
  /// the boxes, weighted by score. The fused score is the mean, times the share of members that
  /// found it. Solovyev et al., "Weighted boxes fusion", arXiv:1910.13302.
  ///
  /// - Parameter members: how many detectors, or views of a picture, the boxes come from.
  case fusion(members: Int = 1)
  /// All stay.
  case none

  /// Whether a box that overlaps has a say in what comes out, so that scores or boxes change.
  var changesWhatStays: Bool {
    switch self {
    case .softLinear, .softGaussian, .fusion: true
    case .hard, .distance, .none: false
    }
  }
}

extension Suppression {
  /// One box that stays, as it then is.
  public struct Survivor: Hashable, Sendable {
    /// Index of the box it was; of a fused one, of the best that it is made of.
    public var index: Int
    public var box: Box
    public var score: Float
  }

  /// The boxes that stay, by falling score; of equal scores the lower index is better.
  ///
  /// - Parameter least: what falls below this score on the way is out.
  public func survivors(
    _ boxes: Boxes, scores: [Float], labels: [Int], least: Float = 0
  ) -> [Survivor] {
    guard rule.changesWhatStays else {
      return self(boxes, scores: scores, labels: labels).map {
        Survivor(index: $0, box: boxes[$0], score: scores[$0])
      }
    }
    let all = participants(scores: scores, labels: labels).flatMap { order -> [Survivor] in
      let group = order.map { Survivor(index: $0, box: boxes[$0], score: scores[$0]) }
      return if case .fusion(let members) = rule {
        fused(group, members: members)
      } else {
        softened(group, least: least)
      }
    }
    let sorted = all.sorted { $0.score != $1.score ? $0.score > $1.score : $0.index < $1.index }
    return Array(sorted.lazy.filter { $0.score >= least }.prefix(limit))
  }

  /// Takes the best again and again, and lowers the scores of those that overlap it.
  private func softened(_ group: [Survivor], least: Float) -> [Survivor] {
    var waiting = group.filter { !$0.score.isNaN }
    var kept: [Survivor] = []
    while kept.count < limit,
      let best = waiting.indices.max(by: { a, b in
        let (x, y) = (waiting[a], waiting[b])
        return x.score != y.score ? x.score < y.score : x.index > y.index
      })
    {
      let winner = waiting.remove(at: best)
      guard winner.score >= least else { break }
      kept.append(winner)
      for index in waiting.indices {
        waiting[index].score *= factor(winner.box.iou(waiting[index].box))
      }
    }
    return kept
  }

  private func factor(_ overlap: Float) -> Float {
    switch rule {
    case .softLinear: overlap > iou ? 1 - overlap : 1
    case .softGaussian(let sigma): exp(-overlap * overlap / sigma)
    default: 1
    }
  }

  /// A fused box with what it is made of.
  private struct Cluster {
    let index: Int
    /// Sums of score times corner, of scores, and how many there are.
    var corners: SIMD4<Float>
    var scores: Float
    var count = 1

    var box: Box {
      let mean = corners / scores
      return Box(left: mean[0], top: mean[1], right: mean[2], bottom: mean[3])
    }
  }

  /// - Parameter group: by falling score.
  private func fused(_ group: [Survivor], members: Int) -> [Survivor] {
    var clusters: [Cluster] = []
    for one in group where one.score > 0 && one.box.area > 0 {
      let corners = one.score * SIMD4(one.box.left, one.box.top, one.box.right, one.box.bottom)
      var best: (index: Int, overlap: Float)?
      for (index, cluster) in clusters.enumerated() {
        let overlap = cluster.box.iou(one.box)
        if overlap > best?.overlap ?? iou { best = (index, overlap) }
      }
      if let best {
        clusters[best.index].corners += corners
        clusters[best.index].scores += one.score
        clusters[best.index].count += 1
      } else {
        clusters.append(Cluster(index: one.index, corners: corners, scores: one.score))
      }
    }
    return clusters.map { cluster in
      let share = Float(min(cluster.count, members)) / Float(max(1, members))
      let score = cluster.scores / Float(cluster.count) * share
      return Survivor(index: cluster.index, box: cluster.box, score: score)
    }
  }
}
