import Foundation
import SakerTensor

/// The order in which an epoch takes the items of a data set. The same sampler and epoch give the
/// same order, in any process.
public protocol Sampler: Sendable {
  /// Indices that an epoch gives.
  var count: Int { get }
  /// Indices of an epoch, in order.
  func indices(epoch: Int) -> [Int]
}

/// Why a sampler cannot be made.
public struct SamplerError: Error, Hashable, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// 0, 1, 2, ...
public struct SequentialSampler: Sampler {
  public let count: Int

  public init(count: Int) {
    precondition(count >= 0, "a data set has 0 or more items, got \(count)")
    self.count = count
  }

  public func indices(epoch: Int) -> [Int] { Array(0..<count) }
}

/// A new order every epoch; or, with replacement, so many draws in which items come again.
public struct RandomSampler: Sampler {
  public let items: Int
  public let count: Int
  public let seed: UInt64
  public let replacement: Bool

  /// - Parameter samples: draws an epoch; all items once if left out. Without replacement, more
  ///   draws than items go through further shuffles.
  public init(count items: Int, seed: UInt64, replacement: Bool = false, samples: Int? = nil) {
    precondition(items >= 0, "a data set has 0 or more items, got \(items)")
    precondition((samples ?? 0) >= 0, "samples: expected 0 or more, got \(samples ?? 0)")
    precondition(items > 0 || (samples ?? 0) == 0, "no items to draw from")
    self.items = items
    self.seed = seed
    self.replacement = replacement
    count = samples ?? items
  }

  public func indices(epoch: Int) -> [Int] {
    var random = Random(seed: seed, epoch, -1)
    if replacement { return (0..<count).map { _ in random.index(below: items) } }
    var order: [Int] = []
    while order.count < count {
      var pass = Array(0..<items)
      pass.shuffle(&random)
      order += pass.prefix(count - order.count)
    }
    return order
  }
}

/// Some of the items, in a new order every epoch.
public struct SubsetRandomSampler: Sampler {
  public let subset: [Int]
  public let seed: UInt64
  public var count: Int { subset.count }

  public init(_ subset: [Int], seed: UInt64) {
    precondition(subset.allSatisfy { $0 >= 0 }, "indices are 0 or more")
    self.subset = subset
    self.seed = seed
  }

  public func indices(epoch: Int) -> [Int] {
    var random = Random(seed: seed, epoch, -1)
    var order = subset
    order.shuffle(&random)
    return order
  }
}

/// Draws items in proportion to their weights.
///
/// With replacement by Walker and Vose's alias table, in constant time a draw; without, by
/// exponential keys (Efraimidis & Spirakis, "Weighted random sampling with a reservoir", 2006),
/// which gives the distribution of drawing one after the other.
public struct WeightedRandomSampler: Sampler {
  public let weights: [Double]
  public let count: Int
  public let replacement: Bool
  public let seed: UInt64

  private let alias: [(share: Double, other: Int)]

  /// - Throws: `SamplerError` if a weight is negative or no number, all are 0, or there are fewer
  ///   weights above 0 than draws without replacement.
  public init(
    weights: [Double], samples: Int, replacement: Bool = true, seed: UInt64
  ) throws {
    if let bad = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw SamplerError("weights: expected numbers from 0, got \(weights[bad]) for item \(bad)")
    }
    guard samples >= 0 else { throw SamplerError("samples: expected 0 or more, got \(samples)") }
    let usable = weights.count { $0 > 0 }
    guard usable > 0 || samples == 0 else { throw SamplerError("weights: all are 0") }
    guard replacement || usable >= samples else {
      throw SamplerError(
        "samples: \(samples) draws without replacement need as many weights above 0, got \(usable)")
    }
    self.weights = weights
    self.replacement = replacement
    self.seed = seed
    count = samples
    alias = replacement ? Self.aliasTable(weights) : []
  }

  /// Vose's form: each place keeps a share for itself and gives the rest to one other.
  private static func aliasTable(_ weights: [Double]) -> [(share: Double, other: Int)] {
    let largest = weights.max() ?? 0
    guard largest > 0 else { return [] }
    // Divided by the largest first, so that a sum of huge weights stays finite.
    let sum = weights.reduce(0) { $0 + $1 / largest }
    var scaled = weights.map { $0 / largest * Double(weights.count) / sum }
    var table = weights.indices.map { (share: 1.0, other: $0) }
    var small = weights.indices.filter { scaled[$0] < 1 }
    var large = weights.indices.filter { scaled[$0] >= 1 }
    while let low = small.last, let high = large.last {
      small.removeLast()
      table[low] = (scaled[low], high)
      scaled[high] -= 1 - scaled[low]
      if scaled[high] < 1 {
        large.removeLast()
        small.append(high)
      }
    }
    // What rounding left over has no partner; an item of weight 0 must not be drawn for it.
    for place in small where weights[place] == 0 {
      table[place] = (0, weights.firstIndex(of: largest)!)
    }
    return table
  }

  public func indices(epoch: Int) -> [Int] {
    var random = Random(seed: seed, epoch, -1)
    if replacement {
      return (0..<count).map { _ in
        let place = random.index(below: alias.count)
        return random.double() < alias[place].share ? place : alias[place].other
      }
    }
    let keys = weights.enumerated().filter { $0.element > 0 }.map { index, weight in
      (key: -log1p(-random.double()) / weight, index: index)
    }
    return keys.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.prefix(count).map(\.index)
  }
}

/// Draws so that classes turn up nearly alike (exactly, if an item has one class): an item
/// weighs the mean, over its classes, of 1 / items of the class. Items without a class weigh as
/// the mean of the others.
public struct BalancedSampler: Sampler {
  private let sampler: WeightedRandomSampler
  public var count: Int { sampler.count }
  public var weights: [Double] { sampler.weights }

  /// - Parameters:
  ///   - classes: of each item its classes; one that is there more than once counts once.
  ///   - samples: draws an epoch, with replacement; as many as items if left out.
  public init(classes: [[Int]], samples: Int? = nil, seed: UInt64) throws {
    let sets = classes.map(Set.init)
    var items: [Int: Int] = [:]
    for set in sets { for label in set { items[label, default: 0] += 1 } }
    var weights = sets.map { set in
      set.reduce(0.0) { $0 + 1 / Double(items[$1]!) } / Double(max(set.count, 1))
    }
    let known = weights.filter { $0 > 0 }
    let mean = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
    for i in weights.indices where sets[i].isEmpty { weights[i] = mean }
    sampler = try WeightedRandomSampler(
      weights: weights, samples: samples ?? classes.count, seed: seed)
  }

  public func indices(epoch: Int) -> [Int] { sampler.indices(epoch: epoch) }
}

/// One process's share of the items, for training in several: every `replicas`-th of a common
/// order, as PyTorch's `DistributedSampler` deals them out.
public struct DistributedSampler: Sampler {
  public let items, replicas, rank: Int
  public let shuffle, dropLast: Bool
  public let seed: UInt64

  /// - Parameters:
  ///   - rank: this process, 0..<replicas.
  ///   - shuffle: a new common order every epoch.
  ///   - dropLast: leaves out the items that cannot be dealt out evenly; else the
  ///     first ones come again.
  /// - Throws: `SamplerError` if the rank is not among the processes.
  public init(
    count items: Int, replicas: Int, rank: Int, shuffle: Bool = true, seed: UInt64 = 0,
    dropLast: Bool = false
  ) throws {
    guard replicas > 0, (0..<replicas).contains(rank) else {
      throw SamplerError("rank: expected 0..<\(max(replicas, 0)), got \(rank)")
    }
    guard items >= 0 else { throw SamplerError("count: expected 0 or more, got \(items)") }
    self.items = items
    self.replicas = replicas
    self.rank = rank
    self.shuffle = shuffle
    self.seed = seed
    self.dropLast = dropLast
  }

  /// The same for all processes.
  public var count: Int {
    dropLast ? items / replicas : (items + replicas - 1) / replicas
  }

  public func indices(epoch: Int) -> [Int] {
    guard items > 0 else { return [] }
    let order: [Int] =
      shuffle
      ? RandomSampler(count: items, seed: seed).indices(epoch: epoch) : Array(0..<items)
    return (0..<count).map { order[($0 * replicas + rank) % items] }
  }
}
