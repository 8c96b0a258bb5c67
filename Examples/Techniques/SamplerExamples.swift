import Saker
import Testing

/// Counts down: an iterator gives one value after the other, until there is none.
private struct Countdown: Sequence, IteratorProtocol {
  var left: Int

  mutating func next() -> Int? {
    guard left > 0 else { return nil }
    defer { left -= 1 }
    return left
  }
}

@Suite struct SamplerExamples {
  @Test("Iterators and generators") func iterators() {
    #expect(Array(Countdown(left: 3)) == [3, 2, 1])
    let powers = sequence(first: 1) { $0 * 2 }  // endless: computed as far as somebody asks
    #expect(Array(powers.prefix(5)) == [1, 2, 4, 8, 16])
  }

  @Test("Sequential and random order") func orders() {
    #expect(SequentialSampler(count: 4).indices(epoch: 0) == [0, 1, 2, 3])
    let random = RandomSampler(count: 100, seed: 1)
    let (first, second) = (random.indices(epoch: 0), random.indices(epoch: 1))
    #expect(first != second && first.sorted() == second.sorted())
    #expect(RandomSampler(count: 3, seed: 1, replacement: true, samples: 10).count == 10)
  }

  @Test("Subset sampler") func subset() {
    let sampler = SubsetRandomSampler([7, 2, 5], seed: 0)
    #expect(sampler.indices(epoch: 0).sorted() == [2, 5, 7])
  }

  @Test("Balanced sampler") func balanced() throws {
    let sampler = try BalancedSampler(classes: [[0], [0], [0], [0], [1]], seed: 0)
    #expect(sampler.weights == [0.25, 0.25, 0.25, 0.25, 1])  // both classes weigh 1
  }

  @Test("Distributed sampler") func distributed() throws {
    let shares = try (0..<2).map { rank in
      try DistributedSampler(count: 5, replicas: 2, rank: rank, shuffle: false).indices(epoch: 0)
    }
    #expect(shares == [[0, 2, 4], [1, 3, 0]])  // the first comes again, so that all have as many
  }

  @Test("Batch sampler") func batches() {
    let order = SequentialSampler(count: 5)
    #expect(BatchSampler(order, batchSize: 2).batches(epoch: 0) == [[0, 1], [2, 3], [4]])
    let full = BatchSampler(order, batchSize: 2, dropLast: true)
    #expect(full.batches(epoch: 0) == [[0, 1], [2, 3]])
  }

  @Test("Batches of one aspect ratio") func aspectRatios() throws {
    let (wide, tall) = (PictureSize(width: 40, height: 30), PictureSize(width: 30, height: 40))
    let sampler = try AspectRatioBatchSampler(
      SequentialSampler(count: 4), sizes: [wide, tall, wide, tall], batchSize: 2)
    #expect(sampler.batches(epoch: 0) == [[0, 2], [1, 3]])
  }

  @Test("Options that exclude each other") func conflict() {
    var options = Loader.Options()
    #expect(options.conflict == nil)
    options.shuffle = true
    options.sampler = SequentialSampler(count: 4)
    #expect(options.conflict?.contains("shuffle") == true)
  }

  @Test("Loader: batches of pictures with their boxes") func loader() throws {
    let cells = try DetectionDataset(data: DetectionDataset.bloodCellFolder(), split: "train")
    var options = Loader.Options()
    options.batchSize = 4
    let loader = Loader(
      cells, preprocessing: Preprocessing(height: 64, width: 64), options: options)
    let epoch = loader.epoch()
    let batch = try #require(try epoch.next())
    #expect(batch.tensor().shape == [4, 3, 64, 64])
    #expect(batch.targets.map(\.count) == cells.items.prefix(4).map(\.annotations.count))
    #expect(loader.batchesPerEpoch == (cells.items.count + 3) / 4)
  }

  @Test("Data in two parts") func divided() throws {
    let cells = try DetectionDataset(data: DetectionDataset.bloodCellFolder(), split: "train")
    let (training, validation) = cells.divided(share: 0.2, seed: 1)
    #expect(training.items.count == 164 && validation.items.count == 41)
    #expect(Set(training.items).isDisjoint(with: validation.items))
  }
}
