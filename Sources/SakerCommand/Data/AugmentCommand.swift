import ArgumentParser
import Foundation
import Saker

struct AugmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "augment",
    abstract: "Show what augmentation does to images and their boxes.",
    discussion: """
      Without options, writes an image of every transform to the folder --out: those of docs/augmentation.md. With \
      --transforms, applies a list of them (YAML or JSON) to the first images of the data and writes one sheet.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions

  @Option(help: "The folder for the images.")
  var out = "augmented"
  @Option(help: "A list of transforms in YAML or JSON, as --list prints them.")
  var transforms: String?
  @Option(help: "Number of images on the sheet of --transforms.")
  var count = 12
  @Option(help: "Random seed.")
  var seed: UInt64 = 0
  @Flag(
    help:
      "Print every transform with its usual parameters, as YAML (with --json, as JSON), and stop.")
  var list = false

  // For Benchmarks/peers/augmentation.py.
  @Flag(help: .hidden)
  var measure = false
  @Option(help: .hidden)
  var load: String?
  @Option(help: .hidden)
  var workers = 2
  @Option(help: .hidden)
  var size = 640
  @Option(help: .hidden)
  var seconds = 5.0

  func validate() throws {
    guard (1...1000).contains(count) else {
      throw ValidationError("count: expected 1...1000, got \(count)")
    }
  }

  func run() throws {
    common.apply()
    if measure { return try AugmentationBenchmark.serve() }
    if let load {
      return try AugmentationBenchmark.load(
        load, workers: workers, size: size, seconds: seconds)
    }
    if list {
      let all: [any SampleTransform] = AugmentationFile.types.map { $0.standard }
      print(try common.json ? AugmentationFile.json(all) : AugmentationFile.yaml(all))
      return
    }
    let dataset = try source.dataset(split: nil)
    guard !dataset.items.isEmpty else { throw ValidationError("there are no pictures to change") }
    try RunFolder.make(out)
    var files: [String] = []
    if let transforms {
      let path = "\(out)/augmented.jpg"
      try sheet(AugmentationFile.read(transforms), dataset).write(to: path)
      files.append(path)
    } else {
      let gallery = AugmentationGallery(dataset: dataset, seed: seed)
      for entry in AugmentationGallery.entries {
        let path = "\(out)/\(entry.name).jpg"
        try gallery.strip(entry).write(to: path, as: .jpeg(quality: 85))
        files.append(path)
      }
    }
    if common.json { try printJSON(files) } else { print(files.joined(separator: "\n")) }
  }

  private func sheet(_ transforms: [any SampleTransform], _ dataset: DetectionDataset) throws
    -> Picture
  {
    let others = SampleSource { random in
      let item = dataset.items[
        Int(random.next().multipliedFullWidth(by: UInt64(dataset.items.count)).high)]
      return item.sample(try Picture(file: item.picture))
    }
    let tiles = try dataset.items.prefix(count).enumerated().map { index, item in
      var random = Random(seed: seed, index)
      var sample = item.sample(try Picture(file: item.picture))
      try transforms.apply(to: &sample, using: &random, from: others)
      return ContactSheet.Tile(
        try sample.picture.annotated(
          with: [], classNames: dataset.classes, truths: sample.annotations), caption: item.name)
    }
    return try ContactSheet(tiles).picture()
  }
}
