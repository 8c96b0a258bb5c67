import Foundation
import SakerData
import SakerTensor
import Testing

@testable import SakerData

private let preprocessing = Preprocessing(height: 24, width: 32)

/// Pictures of noise that never touch a disk: the name is the seed.
private func set(_ count: Int) -> DetectionDataset {
  DetectionDataset(
    classes: ["thing"],
    items: (0..<count).map {
      DetectionDataset.Item(
        name: "\($0)", picture: "\($0).png", size: PictureSize(width: 48, height: 40),
        annotations: [
          Annotation(box: Box(left: 12, top: 10, right: 24 + Float($0), bottom: 20), label: 0)
        ])
    })
}

@Sendable private func draw(_ item: DetectionDataset.Item) throws -> Picture {
  noise(width: 48, height: 40, seed: UInt64(item.name)!)
}

private struct Seen: Equatable {
  var images: [[Float]] = []
  var targets: [[Annotation]] = []
  var indices: [[Int]] = []
}

private func run(_ loader: Loader, epoch: Int = 0) throws -> Seen {
  var seen = Seen()
  let batches = loader.epoch(epoch)
  while let batch = try batches.next() {
    seen.images.append(Array(batch.images.floats))
    seen.targets += batch.targets
    seen.indices.append(batch.indices)
    #expect(UInt(bitPattern: batch.images.pointer) % 64 == 0)
    #expect(batch.images.count == batch.count * preprocessing.count)
    #expect(batch.names == batch.indices.map(String.init))
  }
  return seen
}

private let transforms: [any DetectionTransform] = [
  FitToInput(preprocessing), HorizontalFlip(), RandomScale(),
  ColorJitter(brightness: 0.4, hue: 0.1),
]

@Test(arguments: [0, 512 << 20, 20_000])
func batchesDoNotDependOnWorkers(cacheBytes: Int) throws {
  var options = Loader.Options()
  options.batchSize = 4
  options.shuffle = true
  options.seed = 3
  options.cacheBytes = cacheBytes
  var first: [Seen] = []
  for workers in [0, 1, 2, 5] {
    options.workers = workers
    options.prefetch = workers
    let loader = Loader(
      set(30), preprocessing: preprocessing, transforms: transforms, options: options, read: draw)
    let epochs = [try run(loader, epoch: 0), try run(loader, epoch: 1)]
    if first.isEmpty { first = epochs }
    #expect(epochs == first, "\(workers) workers")
  }
  #expect(first[0].indices.map(\.count) == [4, 4, 4, 4, 4, 4, 4, 2])
  #expect(first[0].indices.flatMap(\.self).sorted() == Array(0..<30))
  #expect(first[0].indices != first[1].indices)
  options.seed = 4
  let other = Loader(
    set(30), preprocessing: preprocessing, transforms: transforms, options: options, read: draw)
  #expect(try run(other).indices != first[0].indices)
}

@Test func batchHoldsPreprocessedPicturesAndFractions() throws {
  var options = Loader.Options()
  options.batchSize = 3
  let loader = Loader(set(3), preprocessing: preprocessing, options: options, read: draw)
  let batch = try #require(try loader.epoch().next())
  #expect(batch.height == 24 && batch.width == 32)
  for i in 0..<3 {
    let input = preprocessing.apply(noise(width: 48, height: 40, seed: UInt64(i)))
    let part = batch.images.floats[i * preprocessing.count..<(i + 1) * preprocessing.count]
    #expect(Array(part) == input)
    let box = batch.targets[i][0].box
    #expect(
      abs(box.left - 0.25) < 1e-6 && abs(box.top - 0.25) < 1e-6 && abs(box.bottom - 0.5) < 1e-6)
    #expect(abs(box.right - (24 + Float(i)) / 48) < 1e-6)
  }
}

@Test func lastBatchIsDroppedOnRequest() throws {
  var options = Loader.Options()
  options.batchSize = 4
  options.dropLast = true
  let loader = Loader(set(10), preprocessing: preprocessing, options: options, read: draw)
  #expect(loader.batchesPerEpoch == 2)
  #expect(try run(loader).indices == [[0, 1, 2, 3], [4, 5, 6, 7]])
}

@Test(arguments: [0, 2])
func brokenPictureIsNamed(workers: Int) throws {
  let folder = try TemporaryFolder()
  var data = set(9)
  for i in data.items.indices {
    data.items[i].picture = folder.path + "/\(i).png"
    try noise(width: 48, height: 40, seed: UInt64(i)).write(to: data.items[i].picture)
  }
  try folder.write("no picture", "6.png")
  var options = Loader.Options()
  options.batchSize = 2
  options.workers = workers
  let epoch = Loader(data, preprocessing: preprocessing, options: options).epoch()
  for _ in 0..<3 { #expect(try epoch.next() != nil) }
  let error = #expect(throws: PictureError.self) { _ = try epoch.next() }
  #expect(error?.file == folder.path + "/6.png")
  #expect(try epoch.next() == nil)

  options.skipBad = true
  let loader = Loader(data, preprocessing: preprocessing, options: options)
  let kept = loader.epoch()
  var indices: [[Int]] = []
  while let batch = try kept.next() {
    indices.append(batch.indices)
    if batch.indices == [7] {
      #expect(
        Array(batch.images.floats) == preprocessing.apply(noise(width: 48, height: 40, seed: 7)))
    }
  }
  #expect(indices == [[0, 1], [2, 3], [4, 5], [7], [8]])
  #expect(kept.skipped.map(\.file) == [folder.path + "/6.png"])
}

@Test func nothingReadableIsAnError() throws {
  var options = Loader.Options()
  options.skipBad = true
  let loader = Loader(set(5), preprocessing: preprocessing, options: options) {
    throw PictureError(file: $0.picture, reason: "is broken")
  }
  #expect(throws: LoaderError.nothingReadable(pictures: 5, last: "4.png: is broken")) {
    _ = try loader.epoch().next()
  }
}

@Test func stallIsNamed() throws {
  let gate = DispatchSemaphore(value: 0)
  var options = Loader.Options()
  options.batchSize = 2
  options.patience = 0.3
  let loader = Loader(set(8), preprocessing: preprocessing, options: options) { item in
    if item.name == "3" { gate.wait() }
    return try draw(item)
  }
  var epoch: LoaderEpoch? = loader.epoch()
  let workers = try #require(epoch?.workerCount)
  #expect(try epoch?.next()?.indices == [0, 1])
  #expect(throws: LoaderError.stalled(file: "3.png", seconds: 0.3)) { _ = try epoch?.next() }
  #expect(try epoch?.next() == nil)
  epoch = nil
  gate.signal()
  try expectEnd(workers)
}

@Test func stoppingEarlyEndsTheWorkers() throws {
  for taken in 0..<4 {
    var options = Loader.Options()
    options.batchSize = 2
    options.workers = 5
    let loader = Loader(set(200), preprocessing: preprocessing, options: options, read: draw)
    var epoch: LoaderEpoch? = loader.epoch()
    let workers = try #require(epoch?.workerCount)
    #expect(workers() == 5)
    var batches: [Batch] = []
    for _ in 0..<taken { batches.append(try #require(try epoch?.next())) }
    epoch = nil
    try expectEnd(workers)
    #expect(batches.allSatisfy { $0.images.floats.allSatisfy(\.isFinite) })
  }
}

/// All threads are gone within some seconds.
private func expectEnd(_ workers: () -> Int) throws {
  for _ in 0..<500 where workers() > 0 { usleep(10_000) }
  #expect(workers() == 0)
}

@Test func memoryComesBackToTheLoader() throws {
  var options = Loader.Options()
  options.batchSize = 2
  options.workers = 0
  options.prefetch = 0
  let loader = Loader(set(12), preprocessing: preprocessing, options: options, read: draw)
  var places: Set<UnsafeMutablePointer<Float>> = []
  let epoch = loader.epoch()
  while let batch = try epoch.next() { places.insert(batch.images.pointer) }
  #expect(places.count <= 2)
}

@Test(arguments: [(cacheBytes: 512 << 20, reads: 10), (0, 20), (3 * 32 * 24 * 4, 16)])
func cachedPicturesAreReadOnce(cacheBytes: Int, reads: Int) throws {
  let counter = Counter()
  var options = Loader.Options()
  options.cacheBytes = cacheBytes
  let loader = Loader(
    set(10), preprocessing: preprocessing, transforms: transforms, options: options
  ) { item in
    counter.add()
    return try draw(item)
  }
  _ = try run(loader, epoch: 0)
  _ = try run(loader, epoch: 1)
  #expect(counter.value == reads)
}

private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0
  func add() { lock.withLock { count += 1 } }
  var value: Int { lock.withLock { count } }
}

/// A seed means the same order in every version.
@Test func orderOfASeedIsFixed() {
  var options = Loader.Options()
  options.shuffle = true
  options.seed = 1
  let loader = Loader(set(10), preprocessing: preprocessing, options: options, read: draw)
  #expect(loader.order(ofEpoch: 0) == [0, 2, 7, 8, 1, 3, 6, 5, 4, 9])
  #expect(loader.order(ofEpoch: 1) == [5, 9, 4, 0, 6, 1, 8, 2, 7, 3])
}
