/// What an operation says about itself beside its inputs: what a graph writes down.
public struct OperationFacts: Sendable {
  public var attributes: [String: Graph.Attribute] = [:]
  /// Tensors that it holds and that are the same in every run: given statistics, masks.
  public var constants: [String: Tensor] = [:]
  /// What it holds that cannot be written down: functions and objects.
  public var hidden: [String] = []

  public init() {}

  /// By reflection over the stored properties: numbers, truths, text, lists of numbers, cases of
  /// enumerations, and what lies in optionals, tuples and structures of these, each under its own
  /// name. What is `nil` is left out.
  public init(reflecting operation: some TensorOperation) {
    for child in Mirror(reflecting: operation).children {
      add(child.value, child.label ?? "value", under: "")
    }
  }

  private mutating func add(_ value: Any, _ label: String, under parent: String) {
    let name = attributes[label] == nil && constants[label] == nil ? label : "\(parent).\(label)"
    if let tensor = value as? Tensor {
      constants[name] = tensor.detached()
    } else if let attribute = Graph.Attribute(value) {
      attributes[name] = attribute
    } else {
      add(parts: Mirror(reflecting: value), value, name)
    }
  }

  private mutating func add(parts: Mirror, _ value: Any, _ name: String) {
    switch parts.displayStyle {
    case .optional:
      if let content = parts.children.first { add(content.value, name, under: name) }
    case .struct where parts.children.count == 1 && parts.children.first?.label == "rawValue":
      for child in parts.children { add(child.value, name, under: name) }
    case .struct, .tuple:
      for child in parts.children { add(child.value, label(child.label, name), under: name) }
    case .enum:
      guard let payload = parts.children.first else {
        attributes[name] = .string("\(value)")
        return
      }
      let chosen = payload.label ?? "\(value)"
      attributes[name] = .string(chosen)
      addPayload(payload.value, chosen)
    case .collection:
      for (index, child) in parts.children.enumerated() {
        add(child.value, "\(name).\(index)", under: name)
      }
    default: hidden.append(name)
    }
  }

  /// What a case of an enumeration holds.
  private mutating func addPayload(_ value: Any, _ name: String) {
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle == .tuple else { return add(value, "value", under: name) }
    let labels = mirror.children.map(\.label)
    let numbers = mirror.children.compactMap { Graph.Attribute($0.value)?.double }
    if labels.allSatisfy({ $0?.hasPrefix(".") ?? true }), numbers.count == labels.count {
      attributes["values"] = .doubles(numbers)
    } else {
      for child in mirror.children { add(child.value, label(child.label, name), under: name) }
    }
  }

  /// A tuple's places have none: `.0` of `padding` is `padding.0`.
  private func label(_ label: String?, _ parent: String) -> String {
    guard let label, !label.hasPrefix(".") else { return parent + (label ?? "") }
    return label
  }
}

extension Graph.Attribute {
  /// Of numbers, truths, text, shapes, types and lists of numbers.
  init?(_ value: Any) {
    switch value {
    case let value as Bool: self = .bool(value)
    case let value as any BinaryInteger: self = .int(Int(clamping: value))
    // The shortest decimal: what was written as 1e-5 reads as 1e-5.
    case let value as any BinaryFloatingPoint: self = .double(Double("\(value)") ?? .nan)
    case let value as String: self = .string(value)
    case let value as Shape: self = .ints(value.sizes)
    case let value as DType: self = .string(value.rawValue)
    // An axis that is new has no place among the old ones.
    case let value as [Int?]: self = .ints(value.map { $0 ?? -1 })
    case let value as [any BinaryInteger]: self = .ints(value.map { Int(clamping: $0) })
    case let value as [any BinaryFloatingPoint]:
      self = .doubles(value.map { Double("\($0)") ?? .nan })
    default: return nil
    }
  }
}

/// An operation whose attributes may hold sizes that follow the batch: a graph with an open batch
/// asks it for itself at another number of pictures.
public protocol BatchFollowing: TensorOperation {
  /// The same with `sizes` as its attribute `name`.
  func following(_ name: String, _ sizes: [Int]) -> Self
}
