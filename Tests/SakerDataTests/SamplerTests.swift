import Foundation
import SakerTensor
import Testing

@testable import SakerData

@Test func samplersGiveTheirOrders() throws {
  #expect(SequentialSampler(count: 4).indices(epoch: 3) == [0, 1, 2, 3])
  let random = RandomSampler(count: 50, seed: 1)
  #expect(random.indices(epoch: 0).sorted() == Array(0..<50))
  #expect(random.indices(epoch: 0) == RandomSampler(count: 50, seed: 1).indices(epoch: 0))
  #expect(random.indices(epoch: 0) != random.indices(epoch: 1))
  #expect(random.indices(epoch: 0) != RandomSampler(count: 50, seed: 2).indices(epoch: 0))
  // More draws than items go through further shuffles.
  let long = RandomSampler(count: 5, seed: 1, samples: 12).indices(epoch: 0)
  #expect(long.count == 12 && long[..<5].sorted() == [0, 1, 2, 3, 4])
  let drawn = RandomSampler(count: 10, seed: 1, replacement: true, samples: 1000).indices(epoch: 0)
  let counts = drawn.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
  #expect(counts.count == 10 && counts.values.allSatisfy { (60...140).contains($0) })
  #expect(
    SubsetRandomSampler([7, 3, 9], seed: 0).indices(epoch: 2).sorted() == [3, 7, 9])
  #expect(RandomSampler(count: 0, seed: 0).indices(epoch: 0).isEmpty)
}

@Test func weightsDecideHowOftenItemsAreDrawn() throws {
  let sampler = try WeightedRandomSampler(weights: [1, 0, 3, 6], samples: 20_000, seed: 5)
  let counts = sampler.indices(epoch: 0).reduce(into: [0, 0, 0, 0]) { $0[$1] += 1 }
  #expect(counts[1] == 0)
  for (count, share) in zip(counts, [0.1, 0, 0.3, 0.6]) {
    #expect(abs(Double(count) / 20_000 - share) < 0.015)
  }
  // Huge and tiny weights keep their proportion.
  let wide = try WeightedRandomSampler(weights: [1e308, 1e308, 1e-300], samples: 1000, seed: 1)
  let ones = wide.indices(epoch: 0).count { $0 == 1 }
  #expect((400...600).contains(ones) && !wide.indices(epoch: 0).contains(2))
}

@Test func withoutReplacementNothingComesTwice() throws {
  // First draws follow the weights; all draws together are everything.
  var first = [0, 0, 0]
  for seed in 0..<3000 as Range<UInt64> {
    let sampler = try WeightedRandomSampler(
      weights: [1, 2, 7], samples: 3, replacement: false, seed: seed)
    let order = sampler.indices(epoch: 0)
    #expect(order.sorted() == [0, 1, 2])
    first[order[0]] += 1
  }
  for (count, share) in zip(first, [0.1, 0.2, 0.7]) {
    #expect(abs(Double(count) / 3000 - share) < 0.03)
  }
}

@Test func impossibleWeightsAreNamed() {
  func told(_ weights: [Double], _ samples: Int, _ replacement: Bool = true) -> String {
    do {
      _ = try WeightedRandomSampler(
        weights: weights, samples: samples, replacement: replacement, seed: 0)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }
  #expect(told([1, -1], 1) == "weights: expected numbers from 0, got -1.0 for item 1")
  #expect(told([.nan], 1).contains("got nan for item 0"))
  #expect(told([.infinity], 1).contains("got inf"))
  #expect(told([0, 0], 1) == "weights: all are 0")
  #expect(told([], 1) == "weights: all are 0")
  #expect(told([1, 0, 1], 3, false).contains("need as many weights above 0, got 2"))
  #expect(told([1], -1).contains("samples: expected 0 or more, got -1"))
  #expect(told([], 0) == "nothing")
  #expect(throws: SamplerError.self) { try DistributedSampler(count: 3, replicas: 2, rank: 2) }
}

@Test func balancedDrawsClassesAlike() throws {
  // 90 of class 0, 9 of class 1, one of both: (90/91 + 0.0555) / (9/10 + 0.0555) is 1.093, not 9.1.
  let classes = (0..<100).map { $0 < 90 ? [0, 0] : $0 < 99 ? [1] : [0, 1] }
  let sampler = try BalancedSampler(classes: classes, samples: 20_000, seed: 2)
  var counts = [0, 0]
  for index in sampler.indices(epoch: 0) { for label in Set(classes[index]) { counts[label] += 1 } }
  #expect(abs(Double(counts[0]) / Double(counts[1]) - 1.093) < 0.05)
  #expect(try BalancedSampler(classes: [[], []], seed: 0).indices(epoch: 0).count == 2)
}

@Test(arguments: [(10, 3), (9, 3), (2, 4), (1, 3), (0, 2)])
func distributedSharesCoverEverything(_ count: Int, _ replicas: Int) throws {
  for drop in [false, true] {
    let shares = try (0..<replicas).map {
      try DistributedSampler(
        count: count, replicas: replicas, rank: $0, shuffle: true, seed: 1, dropLast: drop
      ).indices(epoch: 4)
    }
    let each = drop ? count / replicas : (count + replicas - 1) / replicas
    #expect(shares.allSatisfy { $0.count == each })
    let all = shares.flatMap(\.self)
    #expect(Set(all).count == (drop ? each * replicas : count))
  }
  // Without shuffling, PyTorch's: 0...9 among three, the first two again.
  let plain = try (0..<3).map {
    try DistributedSampler(count: 10, replicas: 3, rank: $0, shuffle: false).indices(epoch: 0)
  }
  #expect(plain == [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]])
}

@Test func batchSamplersMakeBatches() throws {
  let order = SequentialSampler(count: 7)
  #expect(BatchSampler(order, batchSize: 3).batches(epoch: 0) == [[0, 1, 2], [3, 4, 5], [6]])
  #expect(
    BatchSampler(order, batchSize: 3, dropLast: true).batches(epoch: 0) == [[0, 1, 2], [3, 4, 5]])
  let sizes = [(4, 3), (3, 4), (4, 4), (1, 9), (9, 1), (3, 4), (2, 1)].map {
    PictureSize(width: $0.0, height: $0.1)
  }
  let groups = try AspectRatioBatchSampler(order, sizes: sizes, batchSize: 2)
  #expect(groups.batches(epoch: 0) == [[0, 2], [1, 3], [4, 6], [5]])
  let three = try AspectRatioBatchSampler(
    order, sizes: sizes, borders: [0.5, 2], batchSize: 2, dropLast: true)
  #expect(three.groups == [1, 1, 1, 0, 2, 1, 2])
  #expect(three.batches(epoch: 0) == [[0, 1], [2, 5], [4, 6]])
  #expect(throws: SamplerError.self) {
    try AspectRatioBatchSampler(order, sizes: sizes, borders: [2, 1], batchSize: 2)
  }
}

// MARK: Loaders

private let preprocessing = Preprocessing(height: 8, width: 8)

private func set(_ count: Int) -> DetectionDataset {
  DetectionDataset(
    classes: ["thing"],
    items: (0..<count).map {
      DetectionDataset.Item(
        name: "\($0)", picture: "\($0).png", size: PictureSize(width: 12, height: 10),
        annotations: [Annotation(box: Box(left: 1, top: 1, right: 5, bottom: 5), label: 0)])
    })
}

@Sendable private func draw(_ item: DetectionDataset.Item) throws -> Picture {
  noise(width: 12, height: 10, seed: UInt64(item.name)!)
}

@Test func loadersFollowTheirSamplers() throws {
  var options = Loader.Options()
  options.sampler = try WeightedRandomSampler(
    weights: (0..<20).map { Double($0 % 3) }, samples: 30, seed: 3)
  options.batchSize = 7
  var images: [[Float]]?
  for workers in [0, 1, 3, 9] {
    options.workers = workers
    let loader = Loader(
      set(20), preprocessing: preprocessing,
      transforms: [ColorJitter(brightness: 0.5)], options: options, read: draw)
    #expect(loader.batchesPerEpoch == 5)
    var (seen, pixels): ([[Int]], [[Float]]) = ([], [])
    let epoch = loader.epoch(2)
    while let batch = try epoch.next() {
      seen.append(batch.indices)
      pixels.append(Array(batch.images.floats))
    }
    #expect(seen == loader.batches(ofEpoch: 2) && seen.map(\.count) == [7, 7, 7, 7, 2])
    #expect(seen.flatMap(\.self).allSatisfy { $0 % 3 > 0 })
    images = images ?? pixels
    #expect(pixels == images, "\(workers) workers")
  }
  var groups = Loader.Options()
  groups.batchSampler = BatchSampler(SequentialSampler(count: 5), batchSize: 20)
  groups.workers = 2
  let loader = Loader(set(5), preprocessing: preprocessing, options: groups, read: draw)
  let epoch = loader.epoch()
  #expect(try epoch.next()?.indices == [0, 1, 2, 3, 4] && epoch.next() == nil)
}

@Test func optionsThatExcludeEachOtherAreNamed() throws {
  var options = Loader.Options()
  #expect(options.conflict == nil)
  options.sampler = SequentialSampler(count: 3)
  options.shuffle = true
  #expect(options.conflict == "sampler makes the order: leave out shuffle")
  options.batchSampler = BatchSampler(SequentialSampler(count: 3), batchSize: 2)
  options.batchSize = 16
  options.dropLast = true
  #expect(
    options.conflict
      == "batchSampler makes the batches: leave out batchSize, shuffle, sampler, dropLast")
  var bad = Loader.Options()
  bad.workers = -1
  #expect(bad.conflict?.contains("got -1, 2 and 60.0") == true)
  var general = DataLoader<Int, [Int]>.Options()
  general.batchSampler = BatchSampler(SequentialSampler(count: 3), batchSize: 2)
  general.shuffle = true
  #expect(throws: LoaderError.conflict("batchSampler makes the batches: leave out shuffle")) {
    try DataLoader<Int, [Int]>(count: 3, options: general) { index, _ in
      index
    } collate: {
      $0
    }
  }
}

@Test func dataLoadersCollateInOrderWithAnyWorkers() throws {
  var expected: [[UInt64]]?
  for workers in [0, 1, 2, 7] {
    var options = DataLoader<UInt64, [UInt64]>.Options()
    options.batchSize = 3
    options.shuffle = true
    options.workers = workers
    options.seed = 9
    let loader = try DataLoader<UInt64, [UInt64]>(count: 20, options: options) { index, random in
      UInt64(index) << 32 | random.next() >> 32
    } collate: {
      $0
    }
    var seen: [[UInt64]] = []
    let epoch = loader.epoch(1)
    while let batch = try epoch.next() { seen.append(batch) }
    #expect(seen.map(\.count) == [3, 3, 3, 3, 3, 3, 2])
    #expect(Set(seen.flatMap(\.self).map { $0 >> 32 }) == Set(0..<20))
    expected = expected ?? seen
    #expect(seen == expected, "\(workers) workers")
  }
}

private struct Broken: Error {}

@Sendable private func fileName(_ index: Int) -> String { "file\(index).jpg" }

@Test(arguments: [0, 2])
func dataLoadersNameWhatBrokeAndWhatHangs(_ workers: Int) throws {
  var options = DataLoader<Int, Int>.Options()
  options.workers = workers
  options.patience = 0.3
  let loader = try DataLoader<Int, Int>(
    count: 5, options: options, name: fileName
  ) { index, _ in
    if index == 2 { throw Broken() }
    return index
  } collate: {
    $0[0]
  }
  let epoch = loader.epoch()
  #expect(try epoch.next() == 0 && epoch.next() == 1)
  #expect(throws: LoaderError.failed(file: "file2.jpg", reason: "Broken()")) { try epoch.next() }
  #expect(try epoch.next() == nil)
  guard workers > 0 else { return }
  let hanging = try DataLoader<Int, Int>(
    count: 5, options: options, name: fileName
  ) { index, _ in
    if index == 1 { Thread.sleep(forTimeInterval: 1) }
    return index
  } collate: {
    $0[0]
  }
  let slow = hanging.epoch()
  #expect(try slow.next() == 0)
  #expect(throws: LoaderError.stalled(file: "file1.jpg", seconds: 0.3)) { try slow.next() }
}

@Test func workersStayWithinTheirPrefetch() throws {
  let lock = NSLock()
  nonisolated(unsafe) var started = 0
  var options = DataLoader<Int, Int>.Options()
  options.workers = 4
  options.prefetch = 2
  let loader = try DataLoader<Int, Int>(count: 50, options: options) { index, _ in
    lock.withLock { started += 1 }
    return index
  } collate: {
    $0[0]
  }
  let epoch = loader.epoch()
  Thread.sleep(forTimeInterval: 0.2)
  #expect(lock.withLock { started } <= 3)
  _ = try epoch.next()
  Thread.sleep(forTimeInterval: 0.1)
  #expect(lock.withLock { started } <= 4)
}

@Test(arguments: [false, true])
func pictureCachesKeepWhatFits(_ onDisk: Bool) throws {
  let folder = try TemporaryFolder()
  let pictures = (0..<3).map { noise(width: 20, height: 10, seed: UInt64($0)) }
  let paths = try pictures.enumerated().map {
    try folder.write($1.encoded(as: .png()), "p\($0).png")
  }
  let place: PictureCache.Place = onDisk ? .folder(folder.path + "/cache") : .memory
  let cache = try PictureCache(place, limit: 1300)  // two pictures of 600 bytes
  for _ in 0..<2 {
    for (path, picture) in zip(paths, pictures) { #expect(try cache.picture(path) == picture) }
  }
  #expect(cache.usage.bytes <= 1300 && cache.usage.hits == 2 && cache.usage.misses == 4)
  #expect(throws: PictureError.self) { try cache.picture(folder.path + "/no.png") }
  guard onDisk else { return }
  // A later run finds the files; a picture that has changed is decoded again.
  let later = try PictureCache(place, limit: 1300)
  #expect(later.usage.bytes == cache.usage.bytes)
  #expect(try later.picture(paths[0]) == pictures[0] && later.usage.hits == 1)
  try folder.write(noise(width: 30, height: 10, seed: 9).encoded(as: .png()), "p0.png")
  #expect(try later.picture(paths[0]).width == 30)
  // A damaged file is no picture, but no error either.
  for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache") {
    try folder.write([1, 2, 3], "cache/" + name)
  }
  #expect(try later.picture(paths[1]) == pictures[1])
}
