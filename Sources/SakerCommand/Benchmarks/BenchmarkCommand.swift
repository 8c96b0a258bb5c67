import ArgumentParser
import Foundation
import Saker

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure the speed of training, inference or loading on this machine.",
    discussion: """
      train: forward, loss (a detector's with its anchors' targets), backward and SGD. infer: forward in evaluation. load: the embedded pictures \
      from JPEG files to ready batches, without a cache. data: the training loader, with its cache and augmentation, from \
      the second epoch on. convolution: the 3x3 convolutions of well-known networks, our \
      kernels against oneDNN's. optimizer: steps of SGD, Adam and AdamW on ResNet-50's parameters, against what the \
      memory gives. operations: single operations from 16 numbers to 64 MB. memory: what a thousand steps of each layer \
      leave behind. local: memory and time of locally supervised training against end-to-end. weights: a file of weights into a classifier.
      """)

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    case train, infer, load, data, convolution, optimizer, operations, memory, local, weights
  }

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions

  @Option(
    help:
      "The model: tiny-ssd, or a classifier of 1000 classes; 'saker models' lists them."
  )
  var model = "tiny-ssd"
  @Option(
    help: "train, infer, load, data, convolution, optimizer, operations, memory, local or weights.")
  var mode = Mode.train
  @Option(
    help: "Batch size, 32 by default; in the mode convolution a list, 1,8,32 by default.")
  var batch: Numbers?
  @Option(help: "Height and width of the input.")
  var size = 256
  @Option(help: "f32 or bf16.")
  var precision = TrainingSettings.Precision.float32
  @Option(help: "How long to measure.")
  var seconds = 10.0
  @Option(help: "Threads that load and preprocess images, in the modes load and data.")
  var workers = 2
  @Option(
    help:
      "In the mode data: a list of transforms, as saker train takes it; usual training if left out."
  )
  var augment: String?
  @Option(help: "In the mode weights: the file, safetensors or PyTorch's.")
  var weights: String?
  @Flag(
    help: "In the mode operations: measure the cases that the lines of the input name.")
  var serve = false
  @OptionGroup var suite: ConvolutionOptions

  private var classifier: ClassifierEntry? { ClassifierCatalog.named(model) }
  private var pictures: Int { batch?.values.first ?? 32 }

  func validate() throws {
    let batches = batch?.values ?? [32]
    guard augment == nil || mode == .data else {
      throw ValidationError("augment: for --mode data only")
    }
    guard batches.allSatisfy((1...4096).contains), seconds > 0, seconds < 86_400,
      (0...64).contains(workers)
    else {
      throw ValidationError(
        "expected batch 1...4096, seconds above 0, workers 0...64; got \(batches.map(String.init).joined(separator: ",")), \(seconds), \(workers)"
      )
    }
    if mode == .convolution { return try suite.validate() }
    guard (weights != nil) == (mode == .weights) else {
      throw ValidationError("weights: for --mode weights, and needed there")
    }
    if [.optimizer, .operations, .memory, .weights].contains(mode) { return }
    guard batches.count == 1 else {
      throw ValidationError(
        "batch: expected one number in the mode \(mode.rawValue), got \(batches.count)")
    }
    let side = try classifier?.input.smallestSide ?? ModelEntry.named(model).smallestSide
    guard (side...4096).contains(size) else {
      throw ValidationError("size: expected \(side)...4096, got \(size)")
    }
  }

  private struct Percentiles: Encodable { var median, p10, p90: Double }

  private struct Report: Encodable {
    var model, mode, precision: String
    var batch, size, threads, steps: Int
    var imagesPerSecond: Double
    var stepMs: Percentiles
    /// Of the whole process, as the system counts it.
    var peakMemoryBytes: Int
    /// Time outside kernels, 0...1; only where kernels run.
    var frameworkShare: Double?
    /// Threads that prepare pictures; only where pictures are loaded.
    var workers: Int?
  }

  func run() throws {
    common.apply()
    if mode == .convolution {
      return try suite.run(batches: batch?.values ?? [1, 8, 32], json: common.json)
    }
    if mode == .optimizer {
      return try OptimizerBenchmark(seconds: seconds).run(json: common.json)
    }
    if mode == .operations {
      let benchmark = OperationBenchmark(seconds: seconds)
      return try serve ? benchmark.serve() : benchmark.run(json: common.json)
    }
    if mode == .memory { return try MemoryBenchmark.run(json: common.json) }
    if mode == .local {
      return try LocalBenchmark.run(
        batch: pictures, size: size, seconds: seconds, json: common.json)
    }
    if mode == .weights {
      return try WeightsBenchmark(model: model, file: weights ?? "", seconds: seconds)
        .run(json: common.json)
    }
    let times: [Double]
    var share: Double?
    switch mode {
    case .load, .data: times = try loading()
    case .convolution, .optimizer, .operations, .memory, .local, .weights: return
    case .train, .infer:
      let step = try classifier.map(classifying) ?? work()
      step()
      step()
      times = repeated(step)
      share = frameworkShare(of: step)
    }
    let sorted = times.sorted()
    func at(_ share: Double) -> Double {
      sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] * 1e3
    }
    let report = Report(
      model: model, mode: mode.rawValue, precision: precision.rawValue, batch: pictures, size: size,
      threads: Parallel.threads, steps: times.count,
      imagesPerSecond: Double(pictures) / (at(0.5) / 1e3),
      stepMs: Percentiles(median: at(0.5), p10: at(0.1), p90: at(0.9)),
      peakMemoryBytes: ProcessMemory.peak, frameworkShare: share,
      workers: mode == .load || mode == .data ? workers : nil)
    if common.json { return try printJSON(report) }
    print(
      String(
        format:
          "%@ %@ %@, batch %d, %dx%d, %d threads: %.1f images/s, step %.1f ms (%.1f to %.1f), peak %.0f MiB",
        model, mode.rawValue, precision.rawValue, pictures, size, size, Parallel.threads,
        report.imagesPerSecond, report.stepMs.median, report.stepMs.p10, report.stepMs.p90,
        Double(report.peakMemoryBytes) / 0x1p20)
        + (share.map { String(format: ", %.2f%% outside kernels", 100 * $0) } ?? ""))
  }

  private func repeated(_ step: () -> Void) -> [Double] {
    var times: [Double] = []
    let start = Date()
    while times.count < 3 || Date().timeIntervalSince(start) < seconds {
      let before = Date()
      step()
      times.append(Date().timeIntervalSince(before))
    }
    return times
  }

  /// Watched apart from the measurement: watching costs, too.
  private func frameworkShare(of step: () -> Void) -> Double {
    let profiler = Profiler()
    for _ in 0..<3 { step() }
    return profiler.finish().frameworkShare
  }

  /// One step on made-up pictures, each with a dozen objects.
  private func work() throws -> () -> Void {
    let detector = try ModelEntry.named(model).untrained(classes: 3, size: size, .notes)
    try MemoryNeed.check(
      detector, batch: pictures, mode == .train ? .training : .inference, precision)
    var random = Random(seed: 1)
    let images = Tensor.normal([pictures, 3, size, size], using: &random).channelsLast()
    let input = precision == .bfloat16 ? images.converted(to: .bfloat16) : images
    let objects = (0..<pictures).map { _ in
      (0..<12).map { label -> Annotation in
        let (width, height) = (random.uniform(0.1...0.4), random.uniform(0.1...0.4))
        let (left, top) = (random.uniform(0...1 - width), random.uniform(0...1 - height))
        return Annotation(
          box: Box(left: left, top: top, right: left + width, bottom: top + height),
          label: label % 3)
      }
    }
    guard mode == .train else {
      return { _ = detector.evaluating { detector.rawOutputs(input) } }
    }
    let optimizer = Optimizer(
      SGD(momentum: 0.9, decay: 5e-4), detector.parameterGroups(), rate: 1e-3)
    return {
      detector.loss(input, objects).total.backward()
      optimizer.step()
      optimizer.zeroGradients()
    }
  }

  /// One step of a classifier on made-up pictures: cross-entropy, SGD.
  private func classifying(_ entry: ClassifierEntry) -> () -> Void {
    let classes = 1000
    let model = withSeed(0) { entry.build(classes) }
    var random = Random(seed: 1)
    let images = Tensor.normal([pictures, 3, size, size], using: &random).channelsLast()
    let input = precision == .bfloat16 ? images.converted(to: .bfloat16) : images
    let labels = Tensor((0..<pictures).map { _ in Int32.random(in: 0..<1000, using: &random) })
    guard mode == .train else { return { _ = model.evaluating { model(input) } } }
    let optimizer = Optimizer(SGD(momentum: 0.9), model.parameterGroups(), rate: 1e-3)
    return {
      crossEntropy(model(input), labels).backward()
      optimizer.step()
      optimizer.zeroGradients()
    }
  }

  private func loading() throws -> [Double] {
    let dataset = try source.dataset(split: nil)
    var options = Loader.Options()
    options.batchSize = pictures
    options.workers = workers
    options.dropLast = true
    let preprocessing = Preprocessing.imageNet(height: size, width: size)
    var transforms: [any SampleTransform] = []
    if mode == .data {
      var settings = TrainingSettings()
      settings.augmentation = try augment.map(augmentationList)
      transforms = settings.transforms(preprocessing)
      options.shuffle = true
      options.outlines = augment != nil
    } else {
      options.cacheBytes = 0
    }
    let loader = Loader(
      dataset, preprocessing: preprocessing, transforms: transforms, options: options)
    guard loader.batchesPerEpoch > 0 else {
      throw ValidationError("batch: expected at most the \(dataset.items.count) pictures there are")
    }
    // Whole epochs: single batches may lie ready before they are asked for.
    var times: [Double] = []
    var number = 0
    let start = Date()
    while number < 2 || Date().timeIntervalSince(start) < seconds {
      let before = Date()
      let epoch = loader.epoch(number)
      while try epoch.next() != nil {}
      let mean = Date().timeIntervalSince(before) / Double(loader.batchesPerEpoch)
      if number > 0 { times.append(mean) }
      number += 1
    }
    return times
  }
}
