import ArgumentParser
import Foundation
import Saker

/// What only classifiers are trained with.
struct ClassificationOptions: ParsableArguments {
  @Option(
    help:
      "Classifiers: small or standard, the first layers; small for pictures of up to 64 pixels if left out."
  )
  var stem: ClassifierStem?
  @Option(help: "Classifiers: channels everywhere, in units of the published network's.")
  var width: Double?
  @Option(help: "Classifiers: the classes, in the order of their numbers, separated by commas.")
  var classes: String?
  @Option(
    help: "Classifiers: a file with a line for each class that foreign --weights tell apart.")
  var names: String?
  @Option(help: "Classifiers: the share of a target that is spread over all classes.")
  var labelSmoothing: Float?
  @Option(help: "Classifiers: mix pictures in pairs, with this alpha; 0: never.")
  var mixup: Double?
  @Option(help: "Classifiers: paste parts of other pictures, with this alpha; 0: never.")
  var cutmix: Double?
  @Option(
    help: "Classifiers: two random operations a picture, of this magnitude, 0...30; -1: none.")
  var randaugment: Int?
  @Option(help: "Classifiers: move pictures at random by up to so many pixels.")
  var shift: Int?
  @Option(
    help:
      "Classifiers: the least share of the area that a random crop of random shape keeps; 1: no such crop."
  )
  var resizedCrop: Float?
  @Option(help: "Classifiers: share of pictures of which a random rectangle is erased.")
  var erase: Float?
  @Flag(help: "Classifiers: batch norm keeps its statistics, weights and biases.")
  var freezeBn = false
  @Option(help: "Classifiers: the learning rate of a stage, in units of that above it.")
  var layerDecay: Double?
  @Flag(help: "Classifiers: only the head learns, on features as in evaluation.")
  var linearProbe = false
  @Option(help: "Classifiers: classes of different sizes: none, sampler, weights or threshold.")
  var balance: ClassificationSettings.Balance?
  @Option(
    help:
      "Classifiers with auxiliary heads: how much each of their losses counts; 0 leaves the heads out. Left out: as published."
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
