import Foundation

/// One pass over a loader's data: ask `next()` until it gives `nil`. Releasing it before the end
/// stops the workers; each finishes the picture it is at.
public final class LoaderEpoch {
  private let work: EpochWork

  init(_ loader: Loader, _ number: Int, skipping batches: Int) {
    work = EpochWork(loader, number, skipping: batches)
    work.start()
  }

  /// The next batch in order; `nil` at the end.
  ///
  /// - Throws: `PictureError` for a picture that cannot be read, `LoaderError` for a stall or when
  ///   nothing could be read. The epoch has ended then: later calls give `nil`.
  public func next() throws -> Batch? { try work.next() }

  /// Pictures left out so far, and why.
  public var skipped: [PictureError] { work.skipped }

  /// Batches of the epoch that have gone by, those included that were left out whole: what a run
  /// that goes on skips.
  public var position: Int { work.position }

  /// Threads that have not ended yet.
  var activeWorkers: Int { work.activeWorkers }

  /// For tests, which look at the workers after the epoch is gone.
  var workerCount: () -> Int { { [work] in work.activeWorkers } }

  deinit { work.stop() }
}

/// What workers and consumer share. Workers hold this, never the epoch, so that releasing the
/// epoch can end them.
private final class EpochWork: @unchecked Sendable {
  /// A batch being filled: each picture has its place, so the order of completion does not matter.
  private struct Filling {
    var memory: UnsafeMutablePointer<Float>
    var results: [Result<Loader.Labels, any Error>?]
    var missing: Int
  }

  private let loader: Loader
  private let number: Int
  private let order: [Int]
  /// Where each batch begins in `order`; the last entry is its end.
  private let starts: [Int]
  /// How often the picture at each place came before; empty where none comes again.
  private let again: [Int]
  /// Batches skipped.
  private let first: Int
  private let changed = NSCondition()

  // All below is guarded by `changed`.
  private var fillings: [Int: Filling] = [:]
  private var nextPosition = 0
  /// The batch that `nextPosition` belongs to.
  private var claimBatch = 0
  private var nextBatch = 0
  private var stopped = false
  private var workers = 0
  private var inWork: [Int: Date] = [:]
  private var left: [PictureError] = []
  private var delivered = 0

  init(_ loader: Loader, _ number: Int, skipping batches: Int) {
    self.loader = loader
    self.number = number
    let plan = loader.batches(ofEpoch: number)
    order = plan.flatMap(\.self)
    starts = plan.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    first = batches
    nextBatch = batches
    claimBatch = batches
    nextPosition = starts[min(batches, plan.count)]
    var seen: [Int: Int] = [:]
    let counts = order.map { index in
      seen[index, default: 0] += 1
      return seen[index]! - 1
    }
    again = seen.count == order.count ? [] : counts
  }

  private var batchCount: Int { starts.count - 1 }

  var skipped: [PictureError] { changed.withLock { left } }
  var position: Int { changed.withLock { nextBatch } }
  var activeWorkers: Int { changed.withLock { workers } }

  func start() {
    let count = min(loader.options.workers, order.count)
    workers = count
    for _ in 0..<count {
      let thread = Thread { [self] in
        while workOnce() {}
        changed.withLock {
          workers -= 1
          changed.broadcast()
        }
      }
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

  /// Takes one picture and prepares it. Waits while all allowed batches are full; false when there
  /// is nothing left to do.
  private func workOnce() -> Bool {
    changed.lock()
    while !stopped && nextPosition < order.count && !isAllowed { changed.wait() }
    guard !stopped && nextPosition < order.count else {
      changed.unlock()
      return false
    }
    let (position, batch, place) = claim()
    changed.unlock()
    finish(position, batch, Result { try prepare(position, place) })
    return true
  }

  /// The pictures just before one in the order, which are decoded already; at the
  /// start, the first ones.
  private func neighbours(of position: Int) -> ArraySlice<Int> {
    let count = Loader.neighbourhood
    return order[max(0, position - count)..<min(order.count, max(position, count))]
  }

  private func prepare(_ position: Int, _ place: UnsafeMutablePointer<Float>) throws
    -> Loader.Labels
  {
    try loader.prepare(
      order[position], epoch: number, again: again.isEmpty ? 0 : again[position],
      among: neighbours(of: position), into: place)
  }

  private var isAllowed: Bool { claimBatch <= nextBatch + loader.options.prefetch }

  /// The next picture's position, its batch, and where it goes. Needs the lock.
  private func claim() -> (position: Int, batch: Int, place: UnsafeMutablePointer<Float>) {
    let (position, batch) = (nextPosition, claimBatch)
    nextPosition += 1
    while claimBatch < batchCount && nextPosition >= starts[claimBatch + 1] { claimBatch += 1 }
    inWork[position] = Date()
    if fillings[batch] == nil {
      let count = starts[batch + 1] - starts[batch]
      fillings[batch] = Filling(
        memory: loader.pool.take(), results: Array(repeating: nil, count: count), missing: count)
    }
    let place = fillings[batch]!.memory + (position - starts[batch]) * loader.preprocessing.count
    return (position, batch, place)
  }

  private func finish(_ position: Int, _ batch: Int, _ result: Result<Loader.Labels, any Error>) {
    changed.withLock {
      inWork[position] = nil
      fillings[batch]!.results[position - starts[batch]] = result
      fillings[batch]!.missing -= 1
      if fillings[batch]!.missing == 0 { changed.broadcast() }
    }
  }

  func next() throws -> Batch? {
    while true {
      let batch = changed.withLock { nextBatch }
      if changed.withLock({ stopped }) { return nil }
      guard batch < batchCount else {
        stop()
        // A run that goes on may have had its readable pictures before.
        if delivered == 0, first == 0, let last = left.last {
          throw LoaderError.nothingReadable(pictures: order.count, last: last.description)
        }
        return nil
      }
      do {
        let filling = try loader.options.workers == 0 ? fillHere(batch) : wait(for: batch)
        if let done = try deliver(batch, filling) { return done }
      } catch {
        stop()
        throw error
      }
    }
  }

  /// Without workers: prepares the batch in the caller.
  private func fillHere(_ batch: Int) throws -> Filling {
    repeat {
      let (position, batch, place) = changed.withLock { claim() }
      finish(position, batch, Result { try prepare(position, place) })
    } while changed.withLock { fillings[batch]!.missing > 0 }
    return changed.withLock { fillings[batch]! }
  }

  private func wait(for batch: Int) throws -> Filling {
    let deadline = Date(timeIntervalSinceNow: loader.options.patience)
    changed.lock()
    defer { changed.unlock() }
    while fillings[batch].map({ $0.missing > 0 }) ?? true {
      guard changed.wait(until: deadline) else {
        let oldest = inWork.min { $0.value < $1.value }?.key ?? starts[batch]
        throw LoaderError.stalled(
          file: loader.source.file(of: order[oldest]), seconds: loader.options.patience)
      }
    }
    return fillings[batch]!
  }

  /// Makes a batch of what succeeded; `nil` when nothing did. Throws the first error unless bad
  /// pictures are to be left out.
  private func deliver(_ batch: Int, _ filling: Filling) throws -> Batch? {
    let count = loader.preprocessing.count
    var (labels, indices): ([Loader.Labels], [Int]) = ([], [])
    var errors: [PictureError] = []
    for (place, result) in filling.results.enumerated() {
      let index = order[starts[batch] + place]
      switch result! {
      case .success(let found):
        // A hole that a bad picture left is closed.
        if indices.count < place {
          (filling.memory + indices.count * count).update(
            from: filling.memory + place * count, count: count)
        }
        labels.append(found)
        indices.append(index)
      case .failure(let error as PictureError): errors.append(error)
      case .failure(let error):
        errors.append(PictureError(file: loader.source.file(of: index), reason: "\(error)"))
      }
    }
    if let error = errors.first, !loader.options.skipBad { throw error }
    let memory = loader.pool.own(filling.memory, count: indices.count * count)
    changed.withLock {
      fillings[batch] = nil
      nextBatch = batch + 1
      left += errors
      delivered += indices.isEmpty ? 0 : 1
      changed.broadcast()
    }
    guard !indices.isEmpty else { return nil }
    return Batch(
      images: memory, height: loader.preprocessing.height, width: loader.preprocessing.width,
      targets: labels.map(\.annotations), classes: labels.map(\.classes), indices: indices,
      names: indices.map(loader.source.name))
  }

  /// When the last holder lets go, nobody works any more: unfinished batches give
  /// their memory back.
  deinit {
    for filling in fillings.values { loader.pool.put(filling.memory) }
  }
}
