/// One segment of a panoptic picture.
public struct PanopticSegment: Hashable, Codable, Sendable {
  /// What its pixels hold in the map; not 0, which is void.
  public var id: Int
  public var category: Int
  /// A crowd (truths only): not to be found, and what lies in it doesn't count.
  public var isCrowd: Bool

  public init(id: Int, category: Int, isCrowd: Bool = false) {
    self.id = id
    self.category = category
    self.isCrowd = isCrowd
  }
}

/// Panoptic quality (Kirillov et al., "Panoptic Segmentation", arXiv:1801.00868, section 4): how
/// many segments are found, and how well. Segments match if they have one category and IoU > 0.5,
/// which leaves no choice. Pixels that are void in the truth are taken out of a prediction's area;
/// a prediction that is more than half void or crowd of its category isn't wrong.
public struct PanopticQuality: Hashable, Codable, Sendable {
  public struct Counts: Hashable, Codable, Sendable {
    public var truePositives = 0
    public var falsePositives = 0
    public var falseNegatives = 0
    /// Sum of the matches' IoU.
    public var iou = 0.0

    /// Mean IoU of what was found, 0...1.
    public var segmentation: Double { truePositives == 0 ? 0 : iou / Double(truePositives) }
    /// F1 of the segments, 0...1.
    public var recognition: Double {
      ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
    }
    /// Their product.
    public var quality: Double { segmentation * recognition }
    var isEmpty: Bool { truePositives + falsePositives + falseNegatives == 0 }
  }

  public private(set) var categories: [Int: Counts] = [:]

  public init() {}

  /// Means over the categories that are there or found; 0 without any.
  public var quality: Double { mean(\.quality) }
  public var segmentation: Double { mean(\.segmentation) }
  public var recognition: Double { mean(\.recognition) }

  private func mean(_ value: KeyPath<Counts, Double>) -> Double {
    let known = categories.keys.sorted().compactMap { categories[$0] }.filter { !$0.isEmpty }
    return known.isEmpty ? 0 : known.reduce(0) { $0 + $1[keyPath: value] } / Double(known.count)
  }

  /// Counts one picture: the segment id of each pixel, 0 for void, and the segments. Pixels of ids
  /// that aren't listed are void.
  public mutating func add(
    predicted: [Int32], _ found: [PanopticSegment], truths: [Int32], _ there: [PanopticSegment]
  ) {
    precondition(
      predicted.count == truths.count,
      "maps of one size expected, got \(predicted.count) and \(truths.count) pixels")
    let foundByID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
    let thereByID = Dictionary(there.map { ($0.id, $0) }) { first, _ in first }
    // Runs of equal pairs are counted at once: segments are large.
    var overlaps: [Pair: Int] = [:]
    var start = 0
    for index in 0...truths.count {
      if index < truths.count, truths[index] == truths[start],
        predicted[index] == predicted[start]
      {
        continue
      }
      if index > start {
        let truth = thereByID[Int(truths[start])] == nil ? 0 : Int(truths[start])
        let guess = foundByID[Int(predicted[start])] == nil ? 0 : Int(predicted[start])
        overlaps[Pair(truth: truth, found: guess), default: 0] += index - start
      }
      start = index
    }
    var truthArea: [Int: Int] = [:]
    var foundArea: [Int: Int] = [:]
    for (pair, area) in overlaps {
      truthArea[pair.truth, default: 0] += area
      foundArea[pair.found, default: 0] += area
    }

    var isMatchedTruth: Set<Int> = []
    var isMatchedFound: Set<Int> = []
    for pair in overlaps.keys.sorted(by: { ($0.truth, $0.found) < ($1.truth, $1.found) }) {
      guard let truth = thereByID[pair.truth], let guess = foundByID[pair.found], pair.truth != 0,
        pair.found != 0, !truth.isCrowd, truth.category == guess.category
      else { continue }
      let shared = overlaps[pair] ?? 0
      let void = overlaps[Pair(truth: 0, found: pair.found)] ?? 0
      let union = (truthArea[pair.truth] ?? 0) + (foundArea[pair.found] ?? 0) - shared - void
      let iou = ratio(shared, union)
      guard iou > 0.5 else { continue }
      categories[truth.category, default: Counts()].truePositives += 1
      categories[truth.category, default: Counts()].iou += iou
      isMatchedTruth.insert(pair.truth)
      isMatchedFound.insert(pair.found)
    }
    for truth in there
    where !truth.isCrowd && truth.id != 0 && !isMatchedTruth.contains(truth.id)
      && truthArea[truth.id] != nil
    {
      categories[truth.category, default: Counts()].falseNegatives += 1
    }
    for guess in found where guess.id != 0 && !isMatchedFound.contains(guess.id) {
      guard let area = foundArea[guess.id] else { continue }
      var excused = overlaps[Pair(truth: 0, found: guess.id)] ?? 0
      for truth in there where truth.isCrowd && truth.category == guess.category {
        excused += overlaps[Pair(truth: truth.id, found: guess.id)] ?? 0
      }
      if 2 * excused > area { continue }
      categories[guess.category, default: Counts()].falsePositives += 1
    }
  }

  private struct Pair: Hashable {
    var truth, found: Int
  }
}
