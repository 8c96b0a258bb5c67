/// What a function computed, operation by operation: values and the steps that make them, as
/// `capture` saw them in one real run.
///
/// Every step names its operation and the operation's attributes, and says which values go
/// in. Values are numbered: inputs first, then constants (parameters, buffers, numbers that
/// the function made) and results in the order in which they appeared. A step uses only
/// values before it.
///
///     let graph = try capture(x) { relu(conv2d($0, weight)) }
///     graph.steps.map(\.operation)  // ["convolution2d", "relu"]
///     graph(x)  // the same numbers
///
/// Encoded, a graph keeps names, attributes, shapes and types, but neither the numbers of constants
/// nor the code of operations: a decoded one can be walked, not run.
public struct Graph: Codable, Sendable {
  /// What the function was given, in its order.
  public var inputs: [Value]
  /// What the steps use that is neither given nor made by them.
  public var constants: [Constant]
  /// In the order in which they ran.
  public var steps: [Step]
  /// The numbers of the values that the function returned.
  public var outputs: [Int]

  /// A tensor that an input, a constant or a step stands for.
  public struct Value: Hashable, Codable, Sendable {
    public var id: Int
    public var shape: [Extent]
    public var dtype: DType

    enum CodingKeys: String, CodingKey {
      case id, shape
      case dtype = "type"
    }
  }

  /// A tensor that is the same in every run.
  public struct Constant: Codable, Sendable {
    public var id: Int
    /// That of the parameter or buffer, if `naming(_:)` knows it; else `constant` and its number.
    public var name: String
    public var shape: [Extent]
    public var dtype: DType
    /// The number that all its elements are, where it is small or follows the batch.
    public var fill: Double?
    /// `nil` where the graph was decoded, or the constant follows the batch.
    public internal(set) var tensor: Tensor?

    public var value: Value { Value(id: id, shape: shape, dtype: dtype) }

    enum CodingKeys: String, CodingKey {
      case id, name, shape, fill
      case dtype = "type"
    }
  }

  /// One run of one operation.
  public struct Step: Codable, Sendable {
    /// `TensorOperation.name`
    public var operation: String
    /// The name of the innermost module that ran it, `layer1.0.conv1`; empty outside of modules.
    public var scope: String
    public var attributes: [String: Attribute]
    /// The numbers of what goes in, in the operation's order.
    public var inputs: [Int]
    /// The numbers of constants that the operation holds itself, by what it calls them.
    public var constants: [String: Int]
    public var output: Value
    /// What ran; `nil` in a decoded graph.
    public internal(set) var code: (any TensorOperation)?

    enum CodingKeys: String, CodingKey {
      case operation, scope, attributes, inputs, constants, output
    }
  }
}

extension Graph {
  /// The size of an axis, which may follow the number of pictures in a batch.
  public enum Extent: Hashable, Sendable {
    case fixed(Int)
    /// So many for each picture.
    case batch(Int)

    /// For a batch of `batch` pictures.
    public func size(batch: Int) -> Int {
      switch self {
      case .fixed(let size): size
      case .batch(let each): each * batch
      }
    }

    /// Seen at two batch sizes; `nil` if it neither stays nor grows with them.
    init?(_ first: Int, _ second: Int, batches: (Int, Int)) {
      if first == second {
        self = .fixed(first)
      } else if first % batches.0 == 0, second == first / batches.0 * batches.1 {
        self = .batch(first / batches.0)
      } else {
        return nil
      }
    }
  }

  /// What an operation is set to.
  public enum Attribute: Hashable, Sendable {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case ints([Int])
    case doubles([Double])
    /// Numbers of which some follow the batch.
    case extents([Extent])

    public var ints: [Int]? {
      if case .ints(let values) = self { values } else { nil }
    }
    public var int: Int? {
      if case .int(let value) = self { value } else { nil }
    }
    /// Also of a whole number, which a file does not tell from others.
    public var double: Double? {
      switch self {
      case .double(let value): value
      case .int(let value): Double(value)
      default: nil
      }
    }
    public var string: String? {
      if case .string(let value) = self { value } else { nil }
    }
    public var bool: Bool? {
      if case .bool(let value) = self { value } else { nil }
    }
  }
}

extension Graph.Value {
  /// For a batch of `batch` pictures.
  public func shape(batch: Int = 1) -> Shape { Shape(shape.map { $0.size(batch: batch) }) }
}

extension Graph.Step {
  /// For messages: `step 12, convolution2d in layer1.0.conv1`.
  func place(_ index: Int) -> String {
    "step \(index + 1), \(operation)" + (scope.isEmpty ? "" : " in \(scope)")
  }
}

extension Graph {
  /// All values by their numbers.
  public var values: [Value] {
    let all = inputs + constants.map(\.value) + steps.map(\.output)
    return all.sorted { $0.id < $1.id }
  }

  /// Whether its batch is open: it was captured with two sizes.
  public var hasOpenBatch: Bool {
    inputs.contains { $0.shape.contains { if case .batch = $0 { true } else { false } } }
  }

  /// The same with constants called by the names that their tensors have here, such as
  /// `model.state`; they are compared by memory, not by their numbers.
  public func naming(_ tensors: [(name: String, tensor: Tensor)]) -> Graph {
    var names: [TensorKey: String] = [:]
    for (name, tensor) in tensors where names[TensorKey(tensor)] == nil {
      names[TensorKey(tensor)] = name
    }
    var result = self
    for (index, constant) in constants.enumerated() {
      guard let tensor = constant.tensor, let name = names[TensorKey(tensor)] else { continue }
      result.constants[index].name = name
    }
    return result
  }
}

/// Which numbers a tensor shows: while nothing is written, equal keys are equal tensors.
struct TensorKey: Hashable {
  let storage: ObjectIdentifier
  let offset: Int
  let shape: Shape
  let strides: [Int]
  let dtype: DType

  init(_ tensor: Tensor) {
    storage = ObjectIdentifier(tensor.storage)
    (offset, shape) = (tensor.offset, tensor.shape)
    (strides, dtype) = (tensor.strides, tensor.dtype)
  }
}

/// Why a function is no graph: one line for each step that does not fit.
public struct CaptureError: Error, Hashable, CustomStringConvertible {
  public let problems: [String]

  public var description: String {
    "capture: " + problems.joined(separator: "\n         ")
  }
}
