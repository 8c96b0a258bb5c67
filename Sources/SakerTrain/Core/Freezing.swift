import SakerNN
import SakerTensor
import SakerVision

extension Classifier {
  /// Freezes the lowest stages: their weights take no gradients, and their normalizations keep
  /// their statistics, as everything in them computes as in evaluation.
  ///
  /// - Parameter layers: how many, or the name of the last one: `layer2`, or a member
  ///   of one, `features`.
  /// - Throws: `TrainingError` if there is no such stage.
  public func freezeStages(_ layers: String) throws {
    try freeze(layers, of: stages.map { (name: $0.name, keys: $0.keys) })
  }
}

extension Detector {
  /// Freezes the lowest stages, as a classifier's.
  ///
  /// - Parameter layers: how many, or the name of the last one, or of a module that holds it.
  /// - Throws: `TrainingError` if there is no such stage.
  public func freezeStages(_ layers: String) throws {
    try freeze(layers, of: stages.map { (name: $0, keys: [$0]) })
  }
}

extension Module {
  /// Freezes stages from the lowest to the named one, or so many.
  fileprivate func freeze(_ layers: String, of stages: [(name: String, keys: [String])]) throws {
    func holds(_ key: String, _ name: String) -> Bool { name == key || name.hasPrefix(key + ".") }
    let count: Int
    if let number = Int(layers) {
      guard (0...stages.count).contains(number) else {
        throw TrainingError("freeze layers: expected 0...\(stages.count), got \(number)")
      }
      count = number
    } else {
      guard let last = stages.lastIndex(where: { $0.keys.contains { holds(layers, $0) } }) else {
        throw TrainingError(
          "freeze layers: expected a number or one of "
            + "\(stages.map(\.name).joined(separator: ", ")), got '\(layers)'")
      }
      count = last + 1
    }
    let frozen = stages.prefix(count).flatMap(\.keys)
    func isFrozen(_ name: String) -> Bool { frozen.contains { holds($0, name) } }
    for named in namedParameters where isFrozen(named.name) { named.parameter.freeze() }
    holdEvaluation(isFrozen)
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
