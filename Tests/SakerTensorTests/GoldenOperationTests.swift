import SakerTensor
import TestSupport
import Testing

/// PyTorch's results and gradients for every case of `Scripts/golden/tensor_ops.py`.
struct GoldenOperationTests {
  static let file: GoldenFile = {
    do { return try GoldenFile("golden/tensor_ops.safetensors") } catch {
      fatalError("\(error)")
    }
  }()

  static let cases: [String: Attributes] = {
    do { return try file.json("cases") } catch { fatalError("\(error)") }
  }()

  static let names = Set(cases.values.map(\.op)).sorted()

  @Test func everyKindOfCaseIsThere() {
    #expect(GoldenOperationTests.cases.count > 200)
    #expect(GoldenOperationTests.names.count > 60)
  }

  @Test(arguments: names)
  func matchesPyTorch(_ op: String) {
    for (name, attributes) in GoldenOperationTests.cases where attributes.op == op {
      check(GoldenCase(name: name, attributes: attributes, file: GoldenOperationTests.file))
    }
  }

  private func check(_ golden: GoldenCase) {
    let inputs = ["x", "w", "v"].compactMap { golden.tensor($0) }
    guard golden.tensor("gy") != nil else {
      for (result, name) in zip(golden.positions(inputs[0]), ["y", "d"]) {
        expectClose(result, golden.tensor(name)!, relative: 0, "\(golden.name)/\(name)")
      }
      return
    }
    var result = Tensor(0)
    let weights = golden.tensor("gy")!
    let gradients = SakerTensor.gradients(at: inputs) { inputs in
      result = golden.result(inputs)
      return (result * weights).sum()
    }.gradients
    expectClose(result, golden.tensor("y")!, "\(golden.name)/y")
    for (gradient, name) in zip(gradients, ["gx", "gw", "gv"]) {
      expectClose(gradient, golden.tensor(name)!, "\(golden.name)/\(name)")
    }
    if golden.name.hasPrefix("argsort")
      || ["max", "min", "sort", "topk"].contains(golden.attributes.op)
    {
      expectClose(
        golden.positions(inputs[0])[0], golden.tensor("i")!, relative: 0, "\(golden.name)/i")
    }
  }
}

/// What a case's JSON may hold, by PyTorch's names.
struct Attributes: Decodable {
  let op: String
  let dim: OneOrMany?
  let keepdim: Bool?
  let min, max, exponent, value: Float?
  let dims, sizes, shape, starts, ends, steps, shifts, repeats, pads: [Int]?
  let part, start, index, slice, k: Int?
  let descending, largest: Bool?
}

struct OneOrMany: Decodable {
  let values: [Int]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Int.self) {
      values = [one]
    } else {
      values = try container.decode([Int].self)
    }
  }
}

struct GoldenCase {
  let name: String
  let attributes: Attributes
  let file: GoldenFile

  func tensor(_ key: String) -> Tensor? { file.tensors["\(name)/\(key)"] }

  private var indices: Tensor { tensor("i")!.converted(to: .int64) }
  private var mask: Tensor { tensor("m")!.converted(to: .bool) }
  private var axis: Int { attributes.dim!.values[0] }
  private var keeping: Bool { attributes.keepdim ?? false }

  /// Integer results.
  func positions(_ x: Tensor) -> [Tensor] {
    switch attributes.op {
    case "argmax": [x.argmax(axis: attributes.dim?.values.first)]
    case "argmin": [x.argmin(axis: attributes.dim?.values.first)]
    case "argsort": [x.argsort(axis: axis), x.argsort(axis: axis, descending: true)]
    case "max": [x.max(axis: axis, keepingAxis: keeping).indices]
    case "min": [x.min(axis: axis, keepingAxis: keeping).indices]
    case "sort": [x.sorted(axis: axis, descending: attributes.descending!).indices]
    case "topk": [x.topK(attributes.k!, axis: axis, largest: attributes.largest!).indices]
    default: fatalError("no positions for \(name)")
    }
  }

  func result(_ inputs: [Tensor]) -> Tensor {
    pointwise(inputs) ?? reduced(inputs[0]) ?? indexed(inputs) ?? shaped(inputs)
      ?? { fatalError("golden case \(name) has no test for \(attributes.op)") }()
  }

  private func pointwise(_ inputs: [Tensor]) -> Tensor? {
    let x = inputs[0]
    return switch attributes.op {
    case "add": x + inputs[1]
    case "sub": x - inputs[1]
    case "mul": x * inputs[1]
    case "div": x / inputs[1]
    case "pow": attributes.exponent.map { pow(x, $0) } ?? pow(x, inputs[1])
    case "maximum": maximum(x, inputs[1])
    case "minimum": minimum(x, inputs[1])
    case "atan2": atan2(x, inputs[1])
    case "matmul": matmul(x, inputs[1])
    case "clamp": x.clamped(from: attributes.min, to: attributes.max)
    default: GoldenCase.functions[attributes.op]?(x)
    }
  }

  private static let functions: [String: @Sendable (Tensor) -> Tensor] = [
    "neg": { -$0 }, "exp": { exp($0) }, "expm1": { expm1($0) }, "sin": { sin($0) },
    "cos": { cos($0) }, "tanh": { tanh($0) }, "sigmoid": { sigmoid($0) }, "erf": { erf($0) },
    "abs": { abs($0) }, "square": { square($0) }, "relu": { relu($0) }, "relu6": { relu6($0) },
    "gelu": { gelu($0) }, "gelu_tanh": { geluTanh($0) }, "silu": { silu($0) },
    "mish": { mish($0) }, "softplus": { softplus($0) }, "elu": { elu($0) },
    "leaky_relu": { leakyReLU($0, slope: 0.1) }, "hardswish": { hardSwish($0) },
    "hardsigmoid": { hardSigmoid($0) }, "logsigmoid": { logSigmoid($0) }, "atan": { atan($0) },
    "sinh": { sinh($0) }, "cosh": { cosh($0) }, "log": { log($0) }, "log1p": { log1p($0) },
    "log2": { log2($0) }, "sqrt": { sqrt($0) }, "rsqrt": { rsqrt($0) },
    "reciprocal": { reciprocal($0) },
  ]

  private func reduced(_ x: Tensor) -> Tensor? {
    let axes = attributes.dim?.values
    return switch attributes.op {
    case "sum": x.sum(axes: axes, keepingAxes: keeping)
    case "mean": x.mean(axes: axes, keepingAxes: keeping)
    case "amax": x.max(axes: axes, keepingAxes: keeping)
    case "amin": x.min(axes: axes, keepingAxes: keeping)
    case "var": x.variance(axes: axes, keepingAxes: keeping)
    case "var_biased": x.variance(axes: axes, correction: 0, keepingAxes: keeping)
    case "logsumexp": x.logSumExp(axes: axes, keepingAxes: keeping)
    case "max": x.max(axis: axis, keepingAxis: keeping).values
    case "min": x.min(axis: axis, keepingAxis: keeping).values
    case "softmax": softmax(x, axis: axis)
    case "log_softmax": logSoftmax(x, axis: axis)
    case "cumsum": x.cumulativeSum(axis: axis)
    case "sort": x.sorted(axis: axis, descending: attributes.descending!).values
    case "topk": x.topK(attributes.k!, axis: axis, largest: attributes.largest!).values
    default: nil
    }
  }

  private func indexed(_ inputs: [Tensor]) -> Tensor? {
    let x = inputs[0]
    switch attributes.op {
    case "gather": return x.gather(indices, axis: axis)
    case "index_select": return x.indexSelect(indices, axis: axis)
    case "scatter_add": return x.scatterAdd(rows(inputs[1]), at: indices, axis: axis)
    case "where": return .where(mask, x, inputs[1])
    case "masked_select": return x[mask]
    case "masked_fill": return x.filled(where: mask, with: attributes.value!)
    default: return nil
    }
  }

  /// PyTorch lets the values be larger than the indices.
  private func rows(_ value: Tensor) -> Tensor {
    var value = value
    for axis in 0..<value.rank { value = value.narrow(axis, 0..<indices.shape[axis]) }
    return value
  }

  private func shaped(_ inputs: [Tensor]) -> Tensor? {
    let x = inputs[0]
    switch attributes.op {
    case "cat": return concatenate(inputs, axis: axis)
    case "stack": return stack(inputs, axis: axis)
    case "split": return x.split(sizes: attributes.sizes!, axis: axis)[attributes.part!]
    case "permute": return x.permute(attributes.dims!)
    case "transpose": return x.transposed(attributes.dims![0], attributes.dims![1])
    case "reshape":
      let source = attributes.dims.map { x.permute($0) } ?? x
      return source.reshape(Shape(attributes.shape!))
    case "flatten": return x.flatten(from: attributes.start!)
    case "slice":
      return (0..<3).reduce(x) { x, axis in
        let all = [TensorIndex](repeating: .all, count: axis)
        let range = attributes.starts![axis]..<attributes.ends![axis]
        let part = TensorIndex.step(range, by: attributes.steps![axis])
        return axis == 0 ? x[part] : axis == 1 ? x[all[0], part] : x[all[0], all[1], part]
      }
    case "flip": return x.flip(attributes.dims!)
    case "roll":
      return zip(attributes.shifts!, attributes.dims!).reduce(x) { $0.roll($1.0, axis: $1.1) }
    case "select": return x.select(axis: axis, at: attributes.index!)
    case "squeeze": return x[0..<attributes.slice!].squeeze(axis)
    case "unsqueeze": return x.unsqueeze(axis)
    case "repeat": return x.repeated(attributes.repeats!)
    case "expand": return x.expand(Shape(attributes.shape!))
    case "pad":
      let pads = attributes.pads!
      return pad(x, [(pads[2], pads[3]), (pads[0], pads[1])])
    default: return nil
    }
  }
}
