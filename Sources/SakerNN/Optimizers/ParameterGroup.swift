import SakerTensor

/// Parameters that an optimizer treats alike.
public struct ParameterGroup {
  public let parameters: [NamedParameter]
  /// Multiplies the optimizer's learning rate.
  public var rateFactor: Double
  /// In place of the optimizer's own decay, unless `nil`.
  public var decay: Double?

  public init(_ parameters: [NamedParameter], rateFactor: Double = 1, decay: Double? = nil) {
    self.parameters = parameters
    self.rateFactor = rateFactor
    self.decay = decay
  }
}

/// Which parameters of a model get a learning rate or a decay of their own.
public struct GroupRule: Sendable {
  public let pattern: String
  public let rateFactor: Double
  public let decay: Double?

  /// - Parameter pattern: of names, with `*` and `?`: `*.bias`, `cls_*`.
  public init(_ pattern: String, rateFactor: Double = 1, decay: Double? = nil) {
    self.pattern = pattern
    self.rateFactor = rateFactor
    self.decay = decay
  }
}

extension Module {
  /// The parameters as groups: each goes with the first rule its name fits, those that fit none
  /// come last. Groups without parameters are left out.
  public func parameterGroups(_ rules: [GroupRule] = []) -> [ParameterGroup] {
    var rest = namedParameters
    var groups: [ParameterGroup] = []
    for rule in rules {
      let fitting = rest.filter { $0.name.matches(glob: rule.pattern) }
      rest.removeAll { $0.name.matches(glob: rule.pattern) }
      groups.append(
        ParameterGroup(fitting, rateFactor: rule.rateFactor, decay: rule.decay))
    }
    groups.append(ParameterGroup(rest))
    return groups.filter { !$0.parameters.isEmpty }
  }
}
