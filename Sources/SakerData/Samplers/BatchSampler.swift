/// The batches of an epoch, as lists of indices.
public protocol BatchSampling: Sendable {
  /// The largest batch.
  var batchSize: Int { get }
  func batches(epoch: Int) -> [[Int]]
}

/// Batches of one size, in a sampler's order.
public struct BatchSampler: BatchSampling {
  public let sampler: any Sampler
  public let batchSize: Int
  /// Whether a last batch that is not full is left out.
  public let dropLast: Bool

  public init(_ sampler: any Sampler, batchSize: Int, dropLast: Bool = false) {
    precondition(batchSize > 0, "a batch holds at least 1 item, got \(batchSize)")
    self.sampler = sampler
    self.batchSize = batchSize
    self.dropLast = dropLast
  }

  public func batches(epoch: Int) -> [[Int]] {
    let order = sampler.indices(epoch: epoch)
    return stride(from: 0, to: order.count, by: batchSize).compactMap {
      let end = min($0 + batchSize, order.count)
      return dropLast && end - $0 < batchSize ? nil : Array(order[$0..<end])
    }
  }
}

/// Batches whose pictures have similar proportions, so that little is lost on their common frame.
/// Batches come in the order in which they get full; those that do not, at the end.
public struct AspectRatioBatchSampler: BatchSampling {
  public let sampler: any Sampler
  /// The group of each item.
  public let groups: [Int]
  public let batchSize: Int
  public let dropLast: Bool

  /// - Parameters:
  ///   - sizes: of each item.
  ///   - borders: ratios (width / height) that divide the groups, rising. torchvision's references
  ///     take 2^-1 ... 2^1 in three steps an octave; a single 1 tells portrait from landscape.
  /// - Throws: `SamplerError` if the borders do not rise.
  public init(
    _ sampler: any Sampler, sizes: [PictureSize], borders: [Double] = [1], batchSize: Int,
    dropLast: Bool = false
  ) throws {
    precondition(batchSize > 0, "a batch holds at least 1 item, got \(batchSize)")
    guard zip(borders, borders.dropFirst()).allSatisfy({ $0 < $1 }), borders.allSatisfy(\.isFinite)
    else { throw SamplerError("borders: expected rising numbers, got \(borders)") }
    self.sampler = sampler
    self.batchSize = batchSize
    self.dropLast = dropLast
    groups = sizes.map { size in
      let ratio = Double(size.width) / Double(max(size.height, 1))
      return borders.count { $0 <= ratio }
    }
  }

  public func batches(epoch: Int) -> [[Int]] {
    var open: [Int: [Int]] = [:]
    var done: [[Int]] = []
    for index in sampler.indices(epoch: epoch) {
      precondition(
        groups.indices.contains(index), "index \(index) is beyond the \(groups.count) sizes")
      open[groups[index], default: []].append(index)
      if open[groups[index]]!.count == batchSize {
        done.append(open.removeValue(forKey: groups[index])!)
      }
    }
    if !dropLast { done += open.sorted { $0.key < $1.key }.map(\.value) }
    return done
  }
}
