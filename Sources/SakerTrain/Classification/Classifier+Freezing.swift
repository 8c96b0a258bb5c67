import SakerNN
import SakerTensor
import SakerVision

extension Classifier {
  /// Freezes the lowest stages: their weights take no gradients, and their normalizations keep their statistics, as everything in them
  /// computes as in evaluation.
  ///
  /// - Parameter layers: how many, or the name of the last one: `layer2`, or a member of one, `features`.
  /// - Throws: `TrainingError` if there is no such stage.
  public func freezeStages(_ layers: String) throws {
    let stages = stages
    let count: Int
    if let number = Int(layers) {
      guard (0...stages.count).contains(number) else {
        throw TrainingError("freeze layers: expected 0...\(stages.count), got \(number)")
      }
      count = number
    } else {
      let last = stages.lastIndex { stage in
        stage.keys.contains { $0 == layers || $0.hasPrefix(layers + ".") }
      }
      guard let last else {
        throw TrainingError(
          "freeze layers: expected a number or one of "
            + "\(stages.map(\.name).joined(separator: ", ")), got '\(layers)'")
      }
      count = last + 1
    }
    let frozen = stages.prefix(count)
    for named in namedParameters where frozen.contains(where: { $0.contains(named.name) }) {
      named.parameter.freeze()
    }
    holdEvaluation { name in frozen.contains { $0.contains(name) } }
  }

  /// Keeps layers, by their names, in evaluation.
  func holdEvaluation(_ belongs: (String) -> Bool) {
    for (name, module) in namedModules where belongs(name) {
      (module as? any ModeDependent)?.hold(.evaluation)
    }
  }
}

extension Parameter {
  /// No gradient, no update.
  func freeze() {
    isFrozen = true
    gradient = nil
  }
}
