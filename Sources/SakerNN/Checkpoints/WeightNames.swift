import SakerTensor

/// Translates the tensor names of other programs to a model's own: the same numbers, in the same
/// order, at most in another shape. Where the other one's batch norms add another ε to the
/// variance, the variance is moved by the difference, so that evaluation gives the same.
public struct WeightNames: Sendable {
  /// Whose names, as a message calls them: `timm`.
  public let name: String
  /// What is added to each running variance.
  public let varianceShift: Float
  private let translate: @Sendable (Set<String>) -> (String) -> String?

  /// - Parameters:
  ///   - translate: a name of the other's to the model's, or `nil` if it is none.
  public init(
    _ name: String, varianceShift: Float = 0, _ translate: @escaping @Sendable (String) -> String?
  ) {
    self.init(name, varianceShift: varianceShift, among: { _ in translate })
  }

  /// - Parameter translate: the same for names whose meaning depends on which others there are.
  public init(
    _ name: String, varianceShift: Float = 0,
    among translate: @escaping @Sendable (Set<String>) -> (String) -> String?
  ) {
    self.name = name
    self.varianceShift = varianceShift
    self.translate = translate
  }

  /// The tensors under the model's names and in its shapes. A name without translation stays, so
  /// that whoever compares can tell it.
  ///
  /// - Parameter shapes: the model's. A tensor of as many elements whose shape differs by axes
  ///   of length 1, or by joined last axes (a linear layer written as a convolution), takes
  ///   the model's shape.
  public func translated(_ state: [NamedTensor], to shapes: [String: Shape]) -> [NamedTensor] {
    let translation = translate(Set(state.map(\.name)))
    return state.map { named in
      let name = translation(named.name) ?? named.name
      var tensor = named.tensor
      if let shape = shapes[name], shape != tensor.shape, shape.elements == tensor.count,
        shape.first == tensor.shape.first
      {
        tensor = tensor.reshape(shape)
      }
      if varianceShift != 0, name.hasSuffix(".running_var") { tensor = tensor + varianceShift }
      return NamedTensor(name, tensor)
    }
  }

  /// The names among `known` under which more of a state's tensors are the model's than as they
  /// are; `nil` if none.
  public static func fitting(
    _ state: [NamedTensor], _ shapes: [String: Shape], among known: [WeightNames]
  ) -> WeightNames? {
    let given = Set(state.map(\.name))
    var best = (count: state.count { shapes[$0.name] != nil }, names: WeightNames?.none)
    for names in known {
      let translation = names.translate(given)
      let count = Set(given.map { translation($0) ?? $0 }).count { shapes[$0] != nil }
      if count > best.count { best = (count, names) }
    }
    return best.names
  }
}
