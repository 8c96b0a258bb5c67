import Foundation

// MARK: - JSON

extension Graph {
  /// `model.json`: an object with `inputs`, `constants`, `steps` and `outputs`, each step on
  /// a line of its own.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func list(_ items: [some Encodable]) throws -> String {
      let lines = try items.map { "    " + String(decoding: try encoder.encode($0), as: UTF8.self) }
      return lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]"
    }
    let parts = [
      "  \"inputs\": \(try list(inputs))", "  \"constants\": \(try list(constants))",
      "  \"steps\": \(try list(steps))",
      "  \"outputs\": [\(outputs.map(String.init).joined(separator: ", "))]",
    ]
    return Data("{\n\(parts.joined(separator: ",\n"))\n}\n".utf8)
  }

  /// From what `json()` gives; it can be walked, not run.
  public init(json: Data) throws {
    self = try JSONDecoder().decode(Graph.self, from: json)
  }
}

extension Graph.Extent: Codable, CustomStringConvertible {
  /// `64`, `N`, `12N`
  public var description: String {
    switch self {
    case .fixed(let size): "\(size)"
    case .batch(let each): each == 1 ? "N" : "\(each)N"
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if case .fixed(let size) = self {
      try container.encode(size)
    } else {
      try container.encode(description)
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let size = try? container.decode(Int.self) {
      self = .fixed(size)
      return
    }
    let text = try container.decode(String.self)
    guard text.hasSuffix("N"), let each = text == "N" ? 1 : Int(text.dropLast()) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a size, N or 12N, got \(text)")
    }
    self = .batch(each)
  }
}

extension Graph.Attribute: Codable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .double(let value) where value.isFinite: try container.encode(value)
    // JSON has no infinities.
    case .double(let value): try container.encode("\(value)")
    case .string(let value): try container.encode(value)
    case .ints(let values): try container.encode(values)
    case .doubles(let values) where values.allSatisfy(\.isFinite): try container.encode(values)
    case .doubles(let values): try container.encode(values.map { "\($0)" })
    case .extents(let values): try container.encode(values)
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .int(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      let isNumber = ["inf", "-inf", "nan"].contains(value)
      self = isNumber ? .double(Double(value) ?? .nan) : .string(value)
    } else if let values = try? container.decode([Int].self) {
      self = .ints(values)
    } else if let values = try? container.decode([Double].self) {
      self = .doubles(values)
    } else if let values = try? container.decode([Graph.Extent].self) {
      self = .extents(values)
    } else {
      self = .doubles(try container.decode([String].self).map { Double($0) ?? .nan })
    }
  }
}

// MARK: - DOT

extension Graph {
  /// For Graphviz, `dot -Tsvg model.dot`: a box a step, with its layer, its operation and the shape
  /// of its result, and the names and shapes of the constants that it takes.
  public var dot: String {
    var lines = [
      "digraph {", "  node [shape=box, fontname=Helvetica, fontsize=10]",
      "  edge [fontname=Helvetica, fontsize=8]",
    ]
    func quoted(_ parts: [String]) -> String {
      let text = parts.filter { !$0.isEmpty }.map {
        $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      }
      return "\"\(text.joined(separator: "\\n"))\""
    }
    let known = Dictionary(uniqueKeysWithValues: constants.map { ($0.id, $0) })
    for (index, input) in inputs.enumerated() {
      lines.append(
        "  v\(input.id) [shape=ellipse, label=\(quoted(["input \(index + 1)", input.text]))]")
    }
    for id in Set(outputs).intersection(known.keys).sorted() {
      lines.append("  v\(id) [label=\(quoted([known[id]!.name, known[id]!.value.text]))]")
    }
    for step in steps {
      let held = (step.inputs + step.constants.sorted { $0.key < $1.key }.map(\.value))
        .compactMap { known[$0] }.map { "\($0.name) \($0.value.text)" }
      lines.append(
        "  v\(step.output.id) [label=\(quoted([step.scope, step.operation, step.output.text] + held))]"
      )
      for id in step.inputs where known[id] == nil {
        lines.append("  v\(id) -> v\(step.output.id)")
      }
    }
    for (index, id) in outputs.enumerated() {
      lines.append("  o\(index) [shape=ellipse, label=\"output \(index + 1)\"]")
      lines.append("  v\(id) -> o\(index)")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }
}

extension Graph.Value {
  /// `[N, 64, 56, 56]`
  public var text: String { "[" + shape.map(\.description).joined(separator: ", ") + "]" }
}
