import SakerData

/// The outcomes of one category's detections, at ten thresholds (a bit each) and four areas.
struct COCOOutcomes {
  /// By picture, and by descending score within one.
  var scores: [Double] = []
  /// 0 for the best one of its picture.
  var ranks: [UInt8] = []
  /// Whether it lies on a truth.
  var matched: [[UInt16]] = Array(repeating: [], count: 4)
  /// Whether it counts neither way.
  var ignored: [[UInt16]] = Array(repeating: [], count: 4)
  /// Truths that count.
  var truths = [0, 0, 0, 0]
}

extension COCOCases {
  static let allThresholds: UInt16 = 0x3FF

  /// Matches one category in all pictures.
  func outcomes(category: Int) -> COCOOutcomes {
    var outcomes = COCOOutcomes()
    let first = category * pictures
    let most = Int(foundStarts[first + pictures] - foundStarts[first])
    outcomes.scores.reserveCapacity(most)
    outcomes.ranks.reserveCapacity(most)
    for area in 0..<4 {
      outcomes.matched[area].reserveCapacity(most)
      outcomes.ignored[area].reserveCapacity(most)
    }
    var work = PictureWork()
    for group in first..<first + pictures {
      let here = Int(foundStarts[group])..<Int(foundStarts[group + 1])
      let there = Int(truthStarts[group])..<Int(truthStarts[group + 1])
      if here.isEmpty && there.isEmpty { continue }
      match(here, there, &work, &outcomes)
    }
    return outcomes
  }

  /// What is used anew for each picture.
  struct PictureWork {
    var order: [Int] = []
    var overlaps: [Double] = []
    var truthOrder: [Int] = []
    var isIgnored: [Bool] = []
    var taken: [Bool] = []
    var matched: [UInt16] = []
    var ignored: [UInt16] = []
  }

  private func match(
    _ here: Range<Int>, _ there: Range<Int>, _ work: inout PictureWork,
    _ outcomes: inout COCOOutcomes
  ) {
    work.order.removeAll(keepingCapacity: true)
    work.order.append(contentsOf: here)
    if here.count > 1 {
      // The order in the file is part of the key, for the sort needn't be stable.
      work.order.sort { (found[$1].score, $0) < (found[$0].score, $1) }
      if here.count > 100 { work.order.removeLast(here.count - 100) }
    }
    let isClose = !there.isEmpty && !here.isEmpty && overlap(there, &work)
    for (rank, place) in work.order.enumerated() {
      outcomes.scores.append(found[place].score)
      outcomes.ranks.append(UInt8(rank))
    }
    for area in 0..<4 {
      let range = COCOEvaluation.areas[area]
      if !there.isEmpty {
        for truth in there where counts(truths[truth], range) { outcomes.truths[area] += 1 }
      }
      if isClose {
        match(there, range, &work)
        outcomes.matched[area].append(contentsOf: work.matched)
        outcomes.ignored[area].append(contentsOf: work.ignored)
      } else {
        for place in work.order {
          outcomes.matched[area].append(0)
          outcomes.ignored[area].append(
            isOutside(found[place].area, range) ? Self.allThresholds : 0)
        }
      }
    }
  }

  @inline(__always)
  private func isOutside(_ area: Double, _ range: ClosedRange<Double>) -> Bool {
    area < range.lowerBound || area > range.upperBound
  }

  @inline(__always)
  private func counts(_ truth: Truth, _ range: ClosedRange<Double>) -> Bool {
    !truth.isCrowd && !isOutside(truth.area, range)
  }

  /// IoU of each detection with each truth; whether any of them reaches a threshold. What isn't a
  /// number, of boxes too large for doubles, isn't below one.
  private func overlap(_ there: Range<Int>, _ work: inout PictureWork) -> Bool {
    work.overlaps.removeAll(keepingCapacity: true)
    var isClose = false
    for place in work.order {
      for truth in there {
        let iou = iou(found[place], truths[truth])
        isClose = isClose || !(iou < 0.5)
        work.overlaps.append(iou)
      }
    }
    return isClose
  }

  private func iou(_ a: Found, _ b: Truth) -> Double {
    let boxes = iou(a.box, b.box, isCrowd: b.isCrowd)
    guard kind == .masks, boxes > 0 else { return boxes }
    let (first, second) = (masks[Int(a.mask)], masks[Int(b.mask)])
    guard first.height == second.height, first.width == second.width else { return -1 }
    let shared = first.intersection(second)
    guard shared > 0 else { return 0 }
    let area = first.area
    return Double(shared) / Double(b.isCrowd ? area : area + second.area - shared)
  }

  /// Of a crowd, the share of the detection that lies in it. Operation by operation as pycocotools,
  /// for an IoU that is exactly a threshold must stay it.
  @inline(__always)
  private func iou(_ a: COCOBox, _ b: COCOBox, isCrowd: Bool) -> Double {
    let width = lesser(a.width + a.x, b.width + b.x) - greater(a.x, b.x)
    if width <= 0 { return 0 }
    let height = lesser(a.height + a.y, b.height + b.y) - greater(a.y, b.y)
    if height <= 0 { return 0 }
    let shared = width * height
    let area = a.width * a.height
    return shared / (isCrowd ? area : area + b.width * b.height - shared)
  }

  @inline(__always)
  private func lesser(_ a: Double, _ b: Double) -> Double { a < b ? a : b }
  @inline(__always)
  private func greater(_ a: Double, _ b: Double) -> Double { a > b ? a : b }

  /// Fills `work.matched` and `work.ignored` for one range of areas.
  private func match(
    _ there: Range<Int>, _ range: ClosedRange<Double>, _ work: inout PictureWork
  ) {
    // Truths that count come first, each kind in file order.
    work.truthOrder.removeAll(keepingCapacity: true)
    work.isIgnored.removeAll(keepingCapacity: true)
    for (place, truth) in there.enumerated() where counts(truths[truth], range) {
      work.truthOrder.append(place)
      work.isIgnored.append(false)
    }
    for (place, truth) in there.enumerated() where !counts(truths[truth], range) {
      work.truthOrder.append(place)
      work.isIgnored.append(true)
    }
    work.matched.removeAll(keepingCapacity: true)
    work.ignored.removeAll(keepingCapacity: true)
    for _ in work.order {
      work.matched.append(0)
      work.ignored.append(0)
    }
    for (index, threshold) in COCOEvaluation.thresholds.enumerated() {
      let bit = UInt16(1) << UInt16(index)
      work.taken.removeAll(keepingCapacity: true)
      for _ in there { work.taken.append(false) }
      for detection in work.order.indices {
        let row = detection * there.count
        var best = min(threshold, 1 - 1e-10)
        var match = -1
        for candidate in work.truthOrder.indices {
          let place = work.truthOrder[candidate]
          if work.taken[candidate] && !truths[there.lowerBound + place].isCrowd { continue }
          // A truth that counts is never given up for one that doesn't.
          if match >= 0 && !work.isIgnored[match] && work.isIgnored[candidate] { break }
          let iou = work.overlaps[row + place]
          if iou < best { continue }
          best = iou
          match = candidate
        }
        if match < 0 { continue }
        work.taken[match] = true
        if work.isIgnored[match] { work.ignored[detection] |= bit }
        if !truths[there.lowerBound + work.truthOrder[match]].isZero {
          work.matched[detection] |= bit
        }
      }
    }
    for (detection, place) in work.order.enumerated()
    where isOutside(found[place].area, range) {
      work.ignored[detection] |= ~work.matched[detection] & Self.allThresholds
    }
  }
}
