import Foundation
import SakerTensor

/// Batches of anything: samples are loaded by index on worker threads, ahead of the consumer, and
/// made into a batch by a function of yours. `Loader` is the one for detection, with its memory
/// kept between batches.
///
/// Order and results do not depend on the number of workers.
public final class DataLoader<Sample: Sendable, Output: Sendable>: Sendable {
  /// As PyTorch's `DataLoader` has them, with its rules of what excludes what.
  public struct Options: Sendable {
    /// Samples a batch.
    public var batchSize = 1 { didSet { batchSizeIsGiven = true } }
    /// Whether each epoch has its own order, drawn from the seed. Excludes `sampler`.
    public var shuffle = false
    /// The order. Excludes `shuffle`.
    public var sampler: (any Sampler)?
    /// The batches. Excludes `batchSize`, `shuffle`, `sampler` and `dropLast`.
    public var batchSampler: (any BatchSampling)?
    /// Whether a last batch that is not full is left out.
    public var dropLast = false
    /// Threads that load; 0 loads in the caller.
    public var workers = 0
    /// Batches made ahead of the one asked for; bounds the memory.
    public var prefetch = 2
    public var seed: UInt64 = 0
    /// Seconds without a batch after which waiting ends with an error.
    public var patience = 60.0
    fileprivate(set) var batchSizeIsGiven = false

    public init() {}

    /// What excludes what, in words; `nil` if nothing does.
    public var conflict: String? {
      LoaderRules.conflict(
        batchSize: batchSizeIsGiven ? batchSize : nil, shuffle: shuffle, sampler: sampler != nil,
        batchSampler: batchSampler != nil, dropLast: dropLast)
        ?? LoaderRules.range(
          batchSize: batchSize, workers: workers, prefetch: prefetch, patience: patience)
    }
  }

  public let count: Int
  public let options: Options
  let load: @Sendable (Int, inout Random) throws -> Sample
  let collate: @Sendable ([Sample]) throws -> Output
  let name: @Sendable (Int) -> String

  /// - Parameters:
  ///   - count: samples there are.
  ///   - name: a sample's name in errors, for example its file.
  ///   - load: loads a sample; it draws random numbers from what it is given, which depends on
  ///     seed, epoch and index.
  ///   - collate: makes a batch; runs on the workers.
  /// - Throws: `LoaderError.conflict` when options exclude each other.
  public init(
    count: Int, options: Options = Options(),
    name: @escaping @Sendable (Int) -> String = { "sample \($0)" },
    load: @escaping @Sendable (Int, inout Random) throws -> Sample,
    collate: @escaping @Sendable ([Sample]) throws -> Output
  ) throws {
    if let conflict = options.conflict { throw LoaderError.conflict(conflict) }
    self.count = count
    self.options = options
    self.name = name
    self.load = load
    self.collate = collate
  }

  /// Indices of each batch of an epoch.
  public func batches(epoch: Int) -> [[Int]] {
    if let batchSampler = options.batchSampler { return batchSampler.batches(epoch: epoch) }
    let sampler: any Sampler =
      options.sampler
      ?? (options.shuffle
        ? RandomSampler(count: count, seed: options.seed) as any Sampler
        : SequentialSampler(count: count))
    return BatchSampler(sampler, batchSize: options.batchSize, dropLast: options.dropLast)
      .batches(epoch: epoch)
  }

  /// The batches of an epoch, in order. Workers start now and end with the epoch, or
  /// when it is released.
  public func epoch(_ number: Int = 0) -> DataLoaderEpoch<Output> {
    let plan = batches(epoch: number)
    return DataLoaderEpoch(
      jobs: plan.count, workers: options.workers, prefetch: options.prefetch,
      patience: options.patience
    ) { [self] job, progress in
      var seen: [Int: Int] = [:]
      let samples = try plan[job].enumerated().map { place, index in
        progress(name(index))
        // An item that comes again in a batch is drawn anew.
        let again = seen[index, default: 0]
        seen[index] = again + 1
        var random =
          again == 0
          ? Random(seed: options.seed, number, index)
          : Random(seed: options.seed, number, index, job, place)
        do {
          return try load(index, &random)
        } catch {
          throw LoaderError.failed(file: name(index), reason: "\(error)")
        }
      }
      return try collate(samples)
    }
  }
}

/// One pass over a `DataLoader`'s data: ask `next()` until it gives `nil`.
public final class DataLoaderEpoch<Output: Sendable> {
  private let work: OrderedWork<Output>

  init(
    jobs: Int, workers: Int, prefetch: Int, patience: Double,
    _ body: @escaping @Sendable (Int, (String) -> Void) throws -> Output
  ) {
    work = OrderedWork(
      jobs: jobs, workers: workers, prefetch: prefetch, patience: patience, body)
    work.start()
  }

  /// The next batch in order; `nil` at the end, and after an error.
  ///
  /// - Throws: `LoaderError.failed` with the sample's name, `LoaderError.stalled` when a worker
  ///   does not come back.
  public func next() throws -> Output? { try work.next() }

  deinit { work.stop() }
}

/// Jobs done by workers and handed out in order, never more than `prefetch` ahead.
private final class OrderedWork<Output: Sendable>: @unchecked Sendable {
  private let jobs, workers, prefetch: Int
  private let patience: Double
  private let body: @Sendable (Int, (String) -> Void) throws -> Output
  private let changed = NSCondition()
  // All below is guarded by `changed`.
  private var done: [Int: Result<Output, any Error>] = [:]
  private var inWork: [Int: (name: String, since: Date)] = [:]
  private var claimed = 0
  private var delivered = 0
  private var stopped = false

  init(
    jobs: Int, workers: Int, prefetch: Int, patience: Double,
    _ body: @escaping @Sendable (Int, (String) -> Void) throws -> Output
  ) {
    self.jobs = jobs
    self.workers = workers
    self.prefetch = prefetch
    self.patience = patience
    self.body = body
  }

  func start() {
    for _ in 0..<min(workers, jobs) {
      let thread = Thread { [self] in while workOnce() {} }
      thread.name = "saker loader"
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  func stop() {
    changed.withLock {
      stopped = true
      changed.broadcast()
    }
  }

  private func workOnce() -> Bool {
    changed.lock()
    while !stopped && claimed < jobs && claimed > delivered + prefetch { changed.wait() }
    guard !stopped && claimed < jobs else {
      changed.unlock()
      return false
    }
    let job = claimed
    claimed += 1
    inWork[job] = ("", Date())
    changed.unlock()
    let result = Result {
      try body(job) { name in changed.withLock { inWork[job] = (name, Date()) } }
    }
    changed.withLock {
      inWork[job] = nil
      done[job] = result
      changed.broadcast()
    }
    return true
  }

  func next() throws -> Output? {
    let job = changed.withLock { stopped || delivered >= jobs ? nil : delivered }
    guard let job else { return nil }
    do {
      let output = workers == 0 ? try body(job) { _ in } : try wait(for: job)
      changed.withLock {
        delivered += 1
        changed.broadcast()
      }
      return output
    } catch {
      stop()
      throw error
    }
  }

  private func wait(for job: Int) throws -> Output {
    let deadline = Date(timeIntervalSinceNow: patience)
    changed.lock()
    defer { changed.unlock() }
    while done[job] == nil {
      guard changed.wait(until: deadline) else {
        let oldest = inWork.values.min { $0.since < $1.since }?.name ?? "batch \(job)"
        throw LoaderError.stalled(file: oldest, seconds: patience)
      }
    }
    return try done.removeValue(forKey: job)!.get()
  }
}

/// Which options exclude each other, as in PyTorch's `DataLoader`.
enum LoaderRules {
  static func conflict(
    batchSize: Int?, shuffle: Bool, sampler: Bool, batchSampler: Bool, dropLast: Bool
  ) -> String? {
    if batchSampler {
      let others = [
        (batchSize != nil, "batchSize"), (shuffle, "shuffle"), (sampler, "sampler"),
        (dropLast, "dropLast"),
      ].filter(\.0).map(\.1)
      if !others.isEmpty {
        return "batchSampler makes the batches: leave out \(others.joined(separator: ", "))"
      }
    }
    return sampler && shuffle ? "sampler makes the order: leave out shuffle" : nil
  }

  static func range(batchSize: Int, workers: Int, prefetch: Int, patience: Double) -> String? {
    if batchSize < 1 { return "a batch holds at least 1 picture, got \(batchSize)" }
    if workers < 0 || prefetch < 0 || !(patience > 0) {
      return "workers and prefetch are 0 or more and patience above 0; got \(workers), "
        + "\(prefetch) and \(patience)"
    }
    return nil
  }
}
