import Foundation
import Saker

/// A file of weights, read once: one of ours, or another program's.
struct GivenWeights {
  let file: String
  let weights: WeightsFile
  /// Of ours.
  let card: ClassifierCard?
  /// Of the classes it tells apart, if anybody knows.
  let names: [String]?
  /// Where they were named.
  let namesFile: String?

  /// - Parameters:
  ///   - path: a file, or a run's folder, whose best weights are meant.
  ///   - namesFile: a line for each class.
  init(_ path: String, _ namesFile: String?) throws {
    file = GivenWeights.file(path)
    self.namesFile = namesFile
    weights = try WeightsFile(contentsOf: file)
    card =
      weights.metadata[ClassifierCard.metadataKey] == nil
      ? nil : try ClassifierCard(metadata: weights.metadata, file: file)
    names = try namesFile.map(classNames(inFile:)) ?? card?.classNames
  }

  /// Whether it is for a classifier: by the model's name, or because the file says so.
  func isClassifier(_ model: String?) -> Bool {
    if let model { return ClassifierCatalog.named(model) != nil }
    return card != nil
  }

  /// The weights of a path: the file itself, or the best ones of a run's folder.
  static func file(_ path: String) -> String {
    let run = RunFolder(path)
    return [run.best, run.last].first(where: FileManager.default.fileExists) ?? path
  }

  /// Whether a tensor belongs to one of the heads in the middle that the model may have.
  func hasAuxiliaryHeads(of entry: ClassifierEntry) -> Bool {
    let model = withoutStarts { entry.build(2) }
    guard let names = (model as? any AuxiliaryClassifier)?.namesOfAllAuxiliaryHeads,
      let state = try? weights.state(fitting: Set(model.state.map(\.name)))
    else { return false }
    return state.contains { named in names.contains { named.name.hasPrefix($0 + ".") } }
  }

  func load(into model: any Classifier, _ card: ClassifierCard) throws -> ClassifierStart {
    // What was there only to train it is no part of it.
    let state = try model.state(of: weights, headIsOptional: true).state.filter {
      !$0.name.hasPrefix("training.") && !$0.name.hasPrefix("local_heads.")
    }
    return try model.start(from: state, names: names, classNames: card.classNames, file: file)
  }
}

extension ClassifierStart {
  func description(_ card: ClassifierCard) -> String {
    var parts = ["starts from \(loaded == total ? "all" : "\(loaded)") of \(total) tensors"]
    if !replaced.isEmpty {
      let reused =
        reusedClasses.isEmpty
        ? "" : ", of which the rows of \(reusedClasses.joined(separator: ", ")) were known"
      parts[0] += " with a new head for \(card.classNames.count) classes" + reused
    }
    if !newAuxiliaryHeads.isEmpty {
      parts.append("auxiliary heads start anew: \(newAuxiliaryHeads.joined(separator: ", "))")
    }
    if !notUsed.isEmpty {
      let more = notUsed.count > 3 ? " and \(notUsed.count - 3) more" : ""
      parts.append(
        "not used \(notUsed.count): \(notUsed.prefix(3).joined(separator: ", "))\(more)")
    }
    return parts.joined(separator: "; ")
  }
}
