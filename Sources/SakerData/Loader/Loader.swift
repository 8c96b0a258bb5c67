import Foundation
import SakerTensor

/// Turns a data set into batches: reads and decodes pictures, applies transforms and preprocessing,
/// on worker threads and ahead of the consumer.
///
/// The order of pictures and everything drawn depend on the seed, the epoch and the picture's index
/// only: any number of workers gives the same batches, bit for bit.
public final class Loader: Sendable {
  public struct Options: Sendable {
    /// Pictures a batch; the last one may be smaller.
    public var batchSize = 16 { didSet { batchSizeIsGiven = true } }
    /// Threads that prepare pictures; 0 prepares them in the caller.
    public var workers = 2
    /// Batches prepared ahead of the one asked for.
    public var prefetch = 2
    /// Whether each epoch has its own order, drawn from the seed. Excludes `sampler`.
    public var shuffle = false
    /// The order of pictures. Excludes `shuffle`.
    public var sampler: (any Sampler)?
    /// The batches. Excludes `batchSize`, `shuffle`, `sampler` and `dropLast`.
    public var batchSampler: (any BatchSampling)?
    /// Whether a last batch that is not full is left out.
    public var dropLast = false
    /// Seed of the order and of everything that transforms draw.
    public var seed: UInt64 = 0
    /// Pictures are kept in memory, as the transforms before the first random one leave them, up to
    /// so many bytes; 0 keeps none.
    public var cacheBytes = 512 << 20
    /// Whether samples carry masks and key points, where the data have them, for
    /// transforms that use them.
    public var outlines = false
    /// Whether a picture that breaks is left out and counted instead of ending the epoch.
    public var skipBad = false
    /// Seconds without a batch after which waiting for workers ends with an error.
    public var patience = 60.0
    private(set) var batchSizeIsGiven = false

    public init() {}

    /// What excludes what, or is out of range, in words; `nil` if nothing is. A loader stops on it.
    public var conflict: String? {
      LoaderRules.conflict(
        batchSize: batchSizeIsGiven ? batchSize : nil, shuffle: shuffle, sampler: sampler != nil,
        batchSampler: batchSampler != nil, dropLast: dropLast)
        ?? LoaderRules.range(
          batchSize: batchSize, workers: workers, prefetch: prefetch, patience: patience)
    }
  }

  public let source: any PictureSource
  public let preprocessing: Preprocessing
  public let transforms: [any DetectionTransform]
  public let options: Options

  let cache: SampleCache
  let pool: BatchMemoryPool
  let recent: RecentSamples

  /// How many pictures before a picture mosaics and mixtures take their others from, when
  /// not all are cached.
  static let neighbourhood = 64

  /// - Parameters:
  ///   - transforms: applied in order before `preprocessing`. Starting with `FitToInput` makes the
  ///     others cheaper and the cache smaller.
  ///   - read: how an item's picture is had; by default from its file.
  public convenience init(
    _ dataset: DetectionDataset, preprocessing: Preprocessing,
    transforms: [any DetectionTransform] = [], options: Options = Options(),
    read: @escaping @Sendable (DetectionDataset.Item) throws -> Picture = {
      try Picture(file: $0.picture)
    }
  ) {
    self.init(
      DetectionSource(dataset: dataset, outlines: options.outlines, read: read),
      preprocessing: preprocessing, transforms: transforms, options: options)
  }

  /// - Parameter transforms: applied in order before `preprocessing`, which the last
  ///   one's pictures fit.
  public init(
    _ source: some PictureSource, preprocessing: Preprocessing,
    transforms: [any SampleTransform] = [], options: Options = Options()
  ) {
    if let conflict = options.conflict { preconditionFailure(conflict) }
    self.source = source
    self.preprocessing = preprocessing
    self.transforms = transforms
    self.options = options
    cache = SampleCache(count: source.count, limit: options.cacheBytes)
    recent = RecentSamples(
      capacity: transforms.contains { $0.mixes }
        ? Loader.neighbourhood + 4 * options.workers + 4 : 0
    )
    pool = BatchMemoryPool(
      capacity: (options.batchSampler?.batchSize ?? options.batchSize) * preprocessing.count,
      limit: options.prefetch + 2)
  }

  /// Pictures of an epoch when every one can be read; of the first epoch where a batch
  /// sampler's epochs differ.
  public var picturesPerEpoch: Int {
    if let batchSampler = options.batchSampler {
      return batchSampler.batches(epoch: 0).reduce(0) { $0 + $1.count }
    }
    let count = options.sampler?.count ?? source.count
    return options.dropLast ? count / options.batchSize * options.batchSize : count
  }

  /// Batches of an epoch when every picture can be read; of the first epoch where a batch
  /// sampler's epochs differ.
  public var batchesPerEpoch: Int {
    if let batchSampler = options.batchSampler { return batchSampler.batches(epoch: 0).count }
    let count = options.sampler?.count ?? source.count
    return options.dropLast
      ? count / options.batchSize : (count + options.batchSize - 1) / options.batchSize
  }

  /// The batches of an epoch, in order. Workers start now, and end with the epoch or
  /// when it is released.
  ///
  /// - Parameter skipping: batches that were had before, by a run that goes on in the
  ///   middle of an epoch.
  public func epoch(_ number: Int = 0, skipping batches: Int = 0) -> LoaderEpoch {
    LoaderEpoch(self, number, skipping: batches)
  }

  /// Indices of the pictures in the order of an epoch, those of a last batch that is
  /// left out included.
  public func order(ofEpoch number: Int) -> [Int] {
    if let batchSampler = options.batchSampler {
      return batchSampler.batches(epoch: number).flatMap(\.self)
    }
    let count = source.count
    let sampler: any Sampler =
      options.sampler
      ?? (options.shuffle
        ? RandomSampler(count: count, seed: options.seed) : SequentialSampler(count: count))
    return sampler.indices(epoch: number)
  }

  /// Indices of each batch of an epoch.
  public func batches(ofEpoch number: Int) -> [[Int]] {
    if let batchSampler = options.batchSampler {
      return batchSampler.batches(epoch: number).filter { !$0.isEmpty }
    }
    let order = order(ofEpoch: number)
    let size = options.batchSize
    return stride(from: 0, to: order.count, by: size).compactMap {
      let end = min($0 + size, order.count)
      return options.dropLast && end - $0 < size ? nil : Array(order[$0..<end])
    }
  }

  /// What is known of a picture in a batch.
  struct Labels {
    /// Boxes in fractions of the input.
    var annotations: [Annotation]
    var classes: [ClassShare]
  }

  /// Writes a picture as the model wants it and returns what it shows.
  ///
  /// - Parameters:
  ///   - again: how often the picture came before in this epoch; each time it is drawn anew.
  ///   - neighbours: pictures that mosaics and mixtures may take, too; all if empty.
  func prepare(
    _ index: Int, epoch: Int, again: Int = 0, among neighbours: ArraySlice<Int> = [],
    into input: UnsafeMutablePointer<Float>
  ) throws -> Labels {
    var random =
      again == 0
      ? Random(seed: options.seed, epoch, index) : Random(seed: options.seed, epoch, index, again)
    let fixed = transforms.prefix { !$0.isRandom }
    var sample = try base(index, fixed)
    let others = SampleSource { [self] random in
      let choices = neighbours.isEmpty ? 0..<source.count : neighbours.indices
      func draw() throws -> Sample {
        let choice = choices.lowerBound + random.index(below: choices.count)
        return try base(neighbours.isEmpty ? choice : neighbours[choice], fixed)
      }
      // A broken neighbour is no fault of this picture: another one will do.
      for _ in 0..<(options.skipBad ? 20 : 0) {
        if let sample = try? draw() { return sample }
      }
      return try draw()
    }
    try transforms.dropFirst(fixed.count).apply(to: &sample, using: &random, from: others)
    preprocessing.apply(sample.picture, into: input)
    let size = PictureSize(width: sample.picture.width, height: sample.picture.height)
    let place = preprocessing.placement(of: size)
    let annotations = sample.annotations.map { annotation in
      var target = annotation
      target.box = place.toFractions(annotation.box)
      return target
    }
    return Labels(annotations: annotations, classes: sample.classes)
  }

  /// A sample as the transforms before the first random one leave it.
  private func base(_ index: Int, _ fixed: ArraySlice<any SampleTransform>) throws -> Sample {
    if let cached = cache[index] ?? recent[index] { return cached }
    var sample = try source.sample(at: index)
    // They draw nothing.
    var random = Random(seed: 0)
    for transform in fixed { transform.apply(&sample, using: &random) }
    cache[index] = sample
    recent[index] = sample
    return sample
  }
}

/// The samples used last, for mosaics and mixtures of pictures that are not cached: a picture is
/// then decoded once for itself and its turns as a neighbour. What is not here is made again,
/// with the same result.
final class RecentSamples: @unchecked Sendable {
  private let lock = NSLock()
  private var samples: [(index: Int, sample: Sample)] = []
  private var next = 0
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  subscript(index: Int) -> Sample? {
    get { lock.withLock { samples.first { $0.index == index }?.sample } }
    set {
      guard let newValue, capacity > 0 else { return }
      lock.withLock {
        if samples.contains(where: { $0.index == index }) { return }
        if samples.count < capacity {
          samples.append((index, newValue))
        } else {
          samples[next] = (index, newValue)
          next = (next + 1) % capacity
        }
      }
    }
  }
}

/// Samples kept in memory, up to a number of bytes; what does not fit is prepared again each time,
/// with the same result.
final class SampleCache: @unchecked Sendable {
  private let lock = NSLock()
  private var samples: [DetectionSample?]
  private var room: Int

  init(count: Int, limit: Int) {
    samples = Array(repeating: nil, count: limit > 0 ? count : 0)
    room = limit
  }

  subscript(index: Int) -> DetectionSample? {
    get { lock.withLock { index < samples.count ? samples[index] : nil } }
    set {
      lock.withLock {
        guard let newValue, index < samples.count, samples[index] == nil,
          newValue.bytes <= room
        else { return }
        room -= newValue.bytes
        samples[index] = newValue
      }
    }
  }
}

extension Sample {
  /// Of the picture and everything as large as it.
  fileprivate var bytes: Int {
    objects.reduce(picture.pixels.count + (labelMap?.values.count ?? 0)) {
      $0 + ($1.mask?.values.count ?? 0)
    }
  }
}
