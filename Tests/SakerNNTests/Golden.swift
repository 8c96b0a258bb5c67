import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// One case of a golden file: its tensors without the case's name, and its attributes.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  let name: String
  let tensors: [String: Tensor]
  private let attributes: Data

  var testDescription: String { name }

  subscript(name: String) -> Tensor {
    guard let tensor = tensors[name] else { fatalError("\(self.name): no tensor \(name)") }
    return tensor
  }

  private func attribute(_ key: String) -> Any? {
    let object = try? JSONSerialization.jsonObject(with: attributes) as? [String: Any]
    return object?[key]
  }

  func number(_ key: String) -> Double? { (attribute(key) as? NSNumber)?.doubleValue }
  func numbers(_ key: String) -> [Double]? {
    (attribute(key) as? [NSNumber])?.map(\.doubleValue)
  }
  func text(_ key: String) -> String? { attribute(key) as? String }
  func flag(_ key: String) -> Bool { (attribute(key) as? Bool) ?? false }
  func objects(_ key: String) -> [[String: Double]] {
    (attribute(key) as? [[String: NSNumber]])?.map { $0.mapValues(\.doubleValue) } ?? []
  }

  /// Height and width, from one number or two.
  func pair(_ key: String) -> (Int, Int)? {
    if let both = numbers(key) { return (Int(both[0]), Int(both[1])) }
    return number(key).map { (Int($0), Int($0)) }
  }

  var reduction: Reduction {
    switch text("reduction") {
    case "none": .none
    case "sum": .sum
    default: .mean
    }
  }

  /// All cases of a file whose attribute `op` is one of `operations`, by name.
  static func all(_ file: String, _ operations: String...) -> [GoldenCase] {
    guard let golden = try? GoldenFile("golden/\(file).safetensors"),
      let text = golden.metadata["cases"],
      let cases = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        as? [String: [String: Any]]
    else { return [] }
    return cases.keys.sorted().compactMap { name in
      guard operations.isEmpty || operations.contains(cases[name]?["op"] as? String ?? ""),
        let attributes = try? JSONSerialization.data(withJSONObject: cases[name]!)
      else { return nil }
      var tensors: [String: Tensor] = [:]
      for (key, tensor) in golden.tensors where key.hasPrefix(name + "/") {
        tensors[String(key.dropFirst(name.count + 1))] = tensor
      }
      return GoldenCase(name: name, tensors: tensors, attributes: attributes)
    }
  }

  /// How far each number of a tensor of the case may be off: 1e-5 of the largest, which `Rounding`
  /// allows sums of 28,000 terms, or of 230 by Winograd's kernels; or what `Rounding` makes of
  /// PyTorch's own error, where the case enlarges rounding more.
  func tolerance(_ key: String, relative: Float = 1e-5) -> Float {
    let largest = self[key].floats.lazy.filter(\.isFinite).map(abs).max() ?? 0
    let error = (attribute("errors") as? [String: NSNumber])?[key]?.floatValue ?? 0
    return max(relative * largest, Rounding.bound(enlarged: error))
  }

  /// Expects `function` of the case's `x` to give `y`, and the gradient `gy` to give `gx`; then
  /// those of `parameters`, by the names they have in the file.
  func expectLayer(
    _ parameters: [(String, Parameter?)] = [], relative: Float = 1e-5, function: (Tensor) -> Tensor,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let x = Parameter(self["x"])
    let y = function(x.value)
    expectClose(
      y, self["y"], relative: relative, absolute: tolerance("y", relative: relative), "\(name) y",
      sourceLocation: sourceLocation)
    y.backward(self["gy"])
    for (key, parameter) in [("x", x)]
      + parameters.compactMap({ pair in pair.1.map { (pair.0, $0) } })
    {
      guard let gradient = parameter.gradient else {
        Issue.record("\(name): no gradient of \(key)", sourceLocation: sourceLocation)
        continue
      }
      expectClose(
        gradient, self["g\(key)"], relative: relative,
        absolute: tolerance("g\(key)", relative: relative), "\(name) gradient of \(key)",
        sourceLocation: sourceLocation)
    }
  }
}
