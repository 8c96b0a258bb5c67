import SakerTensor

/// Something that learns: a final class whose properties are parameters, buffers and further
/// modules.
///
/// Nothing is registered. `members` lists the properties by reflection in the order of their
/// declaration, and a walk over them finds `Parameter`, `Buffer` and `Module`, optionals of these,
/// and arrays of these of any depth. A name is the path to the property, `layer1.0.conv1.weight`,
/// with `camelCase` written as `snake_case`: that is how the published weights of the field are
/// named, so a network that is written like the published one loads them as they are.
public protocol Module: AnyObject {
  /// Named properties, in order. Give it yourself only where published names cannot be property
  /// names.
  var members: [(name: String, value: Any)] { get }
}

extension Module {
  public var members: [(name: String, value: Any)] {
    Mirror(reflecting: self).children.compactMap { child in
      child.label.map { ($0.snakeCased, child.value) }
    }
  }
}

/// A module that makes one tensor from one. `layer(x)` computes `forward` and runs the hooks.
public protocol Layer: Module {
  func forward(_ x: Tensor) -> Tensor
}

public struct NamedParameter {
  public let name: String
  public let parameter: Parameter

  public init(name: String, parameter: Parameter) {
    self.name = name
    self.parameter = parameter
  }
}

public struct NamedBuffer {
  public let name: String
  public let buffer: Buffer
}

// MARK: - What a module holds

extension Module {
  /// All parameters in order of declaration, each once, under the first of its names.
  public var namedParameters: [NamedParameter] {
    Walk(self).entries.compactMap { entry in
      guard case .parameter(let parameter) = entry.item else { return nil }
      return NamedParameter(name: entry.name, parameter: parameter)
    }
  }

  public var parameters: [Parameter] { namedParameters.map(\.parameter) }

  /// All buffers, as `namedParameters`.
  public var namedBuffers: [NamedBuffer] {
    Walk(self).entries.compactMap { entry in
      guard case .buffer(let buffer) = entry.item else { return nil }
      return NamedBuffer(name: entry.name, buffer: buffer)
    }
  }

  public var buffers: [Buffer] { namedBuffers.map(\.buffer) }

  /// This module, under the name "", and all modules inside, outer before inner, each once.
  public var namedModules: [(name: String, module: any Module)] { Walk(self).modules }

  /// The values of all parameters and buffers by name: what a checkpoint stores.
  public var state: [NamedTensor] {
    Walk(self).entries.map { NamedTensor($0.name, $0.item.value) }
  }

  /// The number of single numbers that learn or could: frozen ones count, buffers don't.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elements } }

  public func zeroGradients() {
    for parameter in parameters { parameter.gradient = nil }
  }
}

/// A tensor and what it is called in a state.
public struct NamedTensor: Sendable {
  public let name: String
  public let tensor: Tensor

  public init(_ name: String, _ tensor: Tensor) {
    self.name = name
    self.tensor = tensor.detached()
  }
}

// MARK: - Freezing

extension Module {
  /// Freezes the parameters whose names match `pattern`, where `*` is any text and `?` any
  /// character: `backbone.*`. Frozen parameters take no gradient and no update. Batch norm goes on
  /// collecting statistics: see `BatchNorm.freeze()`.
  /// - Returns: the names it froze, none if nothing matches.
  @discardableResult
  public func freeze(matching pattern: String = "*") -> [String] {
    setFrozen(true, pattern)
  }

  @discardableResult
  public func unfreeze(matching pattern: String = "*") -> [String] {
    setFrozen(false, pattern)
  }

  private func setFrozen(_ frozen: Bool, _ pattern: String) -> [String] {
    let matching = namedParameters.filter { $0.name.matches(glob: pattern) }
    for named in matching {
      named.parameter.isFrozen = frozen
      if frozen { named.parameter.gradient = nil }
    }
    return matching.map(\.name)
  }
}
