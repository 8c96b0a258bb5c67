import SakerNN
import SakerTensor

// What a graph says about a model's size and work: walks over its steps, which look at names,
// attributes and shapes only, so that they also walk graphs that were read from files.

extension Graph {
  /// Products that are added up, of convolutions, matrix products and attentions.
  ///
  /// - Parameter batch: how many pictures, where the graph leaves that open.
  public func multiplyAdds(batch: Int = 1) -> Int {
    let values = values
    return steps.reduce(0) { $0 + multiplyAdds(of: $1, values, batch) }
  }

  /// Those of one step; 0 for operations that only move, compare or scale numbers.
  ///
  /// - Parameter values: the graph's.
  public func multiplyAdds(of step: Step, _ values: [Value], _ batch: Int = 1) -> Int {
    let inputs = step.inputs.map { values[$0].shape(batch: batch) }
    let y = step.output.shape(batch: batch)
    func each(_ weight: Shape) -> Int { weight.dropFirst().reduce(1, *) }
    switch step.operation {
    case "convolution2d", "conv3d": return y.elements * each(inputs[1])
    // Each input value lays its kernel over the result.
    case "convTranspose1d", "convTranspose2d", "convTranspose3d":
      return inputs[0].elements * each(inputs[1])
    case "deformConv2d": return y.elements * each(inputs[2])
    case "matrixProduct": return y.elements * (inputs[0].last ?? 1)
    // Scores, and the sums of values that they weigh.
    case "attention":
      let (q, k, v) = (inputs[0], inputs[1], inputs[2])
      return q[0] * q[1] * k[1] * (q[2] + v[2])
    default: return 0
    }
  }

  /// The numbers in the constants that bear one of these names: with a module's parameters, how
  /// many it uses. What is shared counts once.
  public func numbers(in names: Set<String>) -> Int {
    constants.filter { names.contains($0.name) }
      .reduce(0) { $0 + $1.value.shape().elements }
  }

  /// Of the module that the graph was captured of: how many numbers learn in it, and the names of
  /// parameters that no step uses, such as those of auxiliary heads.
  public func parameters(of module: some Module) -> (used: Int, unused: [String]) {
    let named = module.namedParameters.map(\.name)
    // Parts of a parameter are steps of it, but a shape without numbers may be all that is used.
    let used = Set(constants.map(\.name))
    return (numbers(in: Set(named)), named.filter { !used.contains($0) })
  }
}
