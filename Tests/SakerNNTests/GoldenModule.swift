import SakerNN
import SakerTensor
import TestSupport
import Testing

extension GoldenCase {
  /// Gives the parameters of `module` the case's `w.NAME`, all of them and no others, and expects
  /// `function` of the case's `inputs` to give `y`; then, from `gy`, the gradients `gNAME` of the
  /// inputs and `gw.NAME` of the parameters.
  func expectModule(
    _ module: any Module, _ inputs: [String], relative: Float = 1e-5,
    function: ([Tensor]) -> Tensor, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let named = module.namedParameters
    let wanted = Set(tensors.keys.filter { $0.hasPrefix("w.") })
    guard Set(named.map { "w." + $0.name }) == wanted else {
      Issue.record(
        "\(name): parameters \(named.map(\.name).sorted()), not \(wanted.sorted())",
        sourceLocation: sourceLocation)
      return
    }
    for entry in named { entry.parameter.value = self["w." + entry.name] }
    let leaves = inputs.map { Parameter(self[$0]) }
    let y = function(leaves.map(\.value))
    expectClose(
      y, self["y"], relative: relative, absolute: tolerance("y", relative: relative), "\(name) y",
      sourceLocation: sourceLocation)
    y.backward(self["gy"])
    let all =
      zip(inputs, leaves).map { ($0, $1) } + named.map { ("w." + $0.name, $0.parameter) }
    for (key, parameter) in all {
      guard let gradient = parameter.gradient else {
        Issue.record("\(name): no gradient of \(key)", sourceLocation: sourceLocation)
        continue
      }
      // A key's bias moves all scores of a query alike: its gradient is nothing but rounding.
      expectClose(
        gradient, self["g" + key], relative: relative,
        absolute: max(tolerance("g" + key, relative: relative), 2e-6),
        "\(name) gradient of \(key)", sourceLocation: sourceLocation)
    }
  }
}
