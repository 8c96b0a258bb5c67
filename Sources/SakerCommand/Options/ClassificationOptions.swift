import ArgumentParser
import Foundation
import Saker

/// What only classifiers are trained with.
struct ClassificationOptions: ParsableArguments {
  @Option(
    help:
      "Classifiers: the stem, small or standard; by default small for images of up to 64 pixels."
  )
  var stem: ClassifierStem?
  @Option(help: "Classifiers: width multiplier.")
  var width: Double?
  @Option(help: "Classifiers: class names in label order, separated by commas.")
  var classes: String?
  @Option(
    help: "Classifiers: a file with one class name per line, for --weights of other programs.")
  var names: String?
  @Option(help: "Classifiers: label smoothing.")
  var labelSmoothing: Float?
  @Option(help: "Classifiers: alpha of MixUp; 0: off.")
  var mixup: Double?
  @Option(help: "Classifiers: alpha of CutMix; 0: off.")
  var cutmix: Double?
  @Option(
    help: "Classifiers: magnitude of RandAugment (two operations per image), 0...30; -1: off.")
  var randaugment: Int?
  @Option(help: "Classifiers: random shift by up to this many pixels.")
  var shift: Int?
  @Option(
    help:
      "Classifiers: least area fraction of a random resized crop; 1: off."
  )
  var resizedCrop: Float?
  @Option(help: "Classifiers: probability of random erasing.")
  var erase: Float?
  @Flag(help: "Classifiers: freeze the statistics, weights and biases of batch norm.")
  var freezeBn = false
  @Option(
    help:
      "Classifiers: layer-wise learning-rate decay: each stage's rate as a multiple of the next one's."
  )
  var layerDecay: Double?
  @Flag(
    help: "Classifiers: linear probing: train only the head, on features computed as in evaluation."
  )
  var linearProbe = false
  @Option(help: "Classifiers: class balancing: none, sampler, weights or threshold.")
  var balance: ClassificationSettings.Balance?
  @Option(
    help:
      "Classifiers with auxiliary heads: weight of their losses; 0 leaves the heads out. By default as published."
  )
  var auxWeight: Float?

  func apply(to own: inout ClassificationSettings) {
    func set<T>(_ path: WritableKeyPath<ClassificationSettings, T>, _ value: T?) {
      if let value { own[keyPath: path] = value }
    }
    set(\.labelSmoothing, labelSmoothing)
    set(\.mixup, mixup)
    set(\.cutmix, cutmix)
    if let randaugment { own.randAugment = randaugment < 0 ? nil : randaugment }
    set(\.shift, shift)
    set(\.resizedCrop, resizedCrop)
    set(\.erasing, erase)
    if freezeBn { own.freezesBatchNorm = true }
    set(\.layerDecay, layerDecay)
    if linearProbe { own.linearProbe = true }
    set(\.balance, balance)
    set(\.auxiliaryWeight, auxWeight)
  }

  /// The options that were named.
  var given: [String] {
    let all: [(String, Bool)] = [
      ("--stem", stem != nil), ("--width", width != nil), ("--classes", classes != nil),
      ("--names", names != nil),
      ("--label-smoothing", labelSmoothing != nil), ("--mixup", mixup != nil),
      ("--cutmix", cutmix != nil), ("--randaugment", randaugment != nil),
      ("--shift", shift != nil), ("--resized-crop", resizedCrop != nil),
      ("--erase", erase != nil), ("--freeze-bn", freezeBn),
      ("--layer-decay", layerDecay != nil), ("--linear-probe", linearProbe),
      ("--balance", balance != nil), ("--aux-weight", auxWeight != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Those of them that a list of transforms replaces.
  var pictureChanges: [String] {
    given.filter { ["--randaugment", "--shift", "--resized-crop", "--erase"].contains($0) }
  }

  var classNames: [String]? {
    classes?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}

extension ClassifierStem: ExpressibleByArgument {}
extension ClassificationSettings.Balance: ExpressibleByArgument {}

/// Names of classes, a line each.
func classNames(inFile file: String) throws -> [String] {
  guard let data = FileManager.default.contents(atPath: file),
    let text = String(data: data, encoding: .utf8)
  else { throw TrainingError("\(file): cannot be read as text: expected a class name a line") }
  let names = text.split(whereSeparator: \.isNewline)
    .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  guard !names.isEmpty else { throw TrainingError("\(file): is empty: expected class names") }
  return names
}
