import SakerTensor
import Synchronization

extension Layer {
  /// `forward`, and the hooks if anybody set one.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerHooks.isEmpty ? forward(x) : LayerHooks.run(self, x, forward)
  }

  /// Calls `body(input, output)` after each forward pass; what it returns, unless `nil`, takes
  /// the output's place.
  @discardableResult
  public func onForward(_ body: @escaping (Tensor, Tensor) -> Tensor?) -> HookHandle {
    LayerHooks.add(self) { $0.forward[$1] = body }
  }

  /// Calls `body(input)` in place of each forward pass; where it gives `nil`, the layer computes as
  /// ever. What is set by `onForward(_:)` is called with the result.
  @discardableResult
  public func replacingForward(_ body: @escaping (Tensor) -> Tensor?) -> HookHandle {
    LayerHooks.add(self) { $0.replacement[$1] = body }
  }

  /// Calls `body(output, input)` in each backward pass with the gradients of the layer's output and
  /// input, once both are complete; what it returns, unless `nil`, takes the place of the input's.
  /// A layer whose input wants no gradient, such as the first one, is called when the output's has
  /// come, with `nil` for the input's.
  @discardableResult
  public func onBackward(_ body: @escaping (Tensor, Tensor?) -> Tensor?) -> HookHandle {
    LayerHooks.add(self) { $0.backward[$1] = body }
  }
}

/// The hooks of all layers, in a table of their own: layers stay plain, and pay one comparison
/// while nobody watches.
enum LayerHooks {
  struct Hooks: @unchecked Sendable {
    /// Ids are reused after a layer is gone; the table believes only in the layer itself.
    weak var layer: (any Layer)?
    var forward: [Int: (Tensor, Tensor) -> Tensor?] = [:]
    var backward: [Int: (Tensor, Tensor?) -> Tensor?] = [:]
    var replacement: [Int: (Tensor) -> Tensor?] = [:]
    var isEmpty: Bool { forward.isEmpty && backward.isEmpty && replacement.isEmpty }
  }

  private struct Table: @unchecked Sendable {
    var hooks: [ObjectIdentifier: Hooks] = [:]
    var nextId = 0
    /// Captures that want to know which layer runs.
    var captures = 0
  }

  private static let table = Mutex(Table())
  private static let count = Atomic<Int>(0)

  static var isEmpty: Bool { count.load(ordering: .relaxed) == 0 }

  /// The names of the layers whose steps a graph tells apart.
  @TaskLocal private static var names: [ObjectIdentifier: String]?

  /// Runs `body`, in which a captured step belongs to the layer that runs it, by its name.
  static func naming<R>(
    _ names: [ObjectIdentifier: String], _ body: () throws -> R
  ) rethrows -> R {
    func add(_ number: Int) {
      table.withLock { table in
        table.captures += number
        count.store(table.hooks.count + table.captures, ordering: .relaxed)
      }
    }
    add(1)
    defer { add(-1) }
    return try $names.withValue(names, operation: body)
  }

  static func add(_ layer: any Layer, _ insert: (inout Hooks, Int) -> Void) -> HookHandle {
    let key = ObjectIdentifier(layer)
    let id = table.withLock { table in
      table.nextId += 1
      table.hooks = table.hooks.filter { $0.value.layer != nil }
      insert(&table.hooks[key, default: Hooks(layer: layer)], table.nextId)
      count.store(table.hooks.count + table.captures, ordering: .relaxed)
      return table.nextId
    }
    return HookHandle {
      table.withLock { table in
        table.hooks[key]?.forward[id] = nil
        table.hooks[key]?.backward[id] = nil
        table.hooks[key]?.replacement[id] = nil
        if table.hooks[key]?.isEmpty == true { table.hooks[key] = nil }
        count.store(table.hooks.count + table.captures, ordering: .relaxed)
      }
    }
  }

  /// The hooks of `layer`, if it has some.
  static func of(_ layer: any Layer) -> Hooks? {
    if isEmpty { return nil }
    let hooks = table.withLock { $0.hooks[ObjectIdentifier(layer)] }
    return hooks?.layer === layer ? hooks : nil
  }

  static func run(_ layer: any Layer, _ x: Tensor, _ forward: (Tensor) -> Tensor) -> Tensor {
    guard let name = names?[ObjectIdentifier(layer)] else { return hooked(layer, x, forward) }
    return Capture.scope(name) { hooked(layer, x, forward) }
  }

  private static func hooked(
    _ layer: any Layer, _ x: Tensor, _ forward: (Tensor) -> Tensor
  ) -> Tensor {
    guard let hooks = of(layer) else { return forward(x) }
    // The layer gets nodes of its own at both ends, whatever else uses its input and output.
    let probed = hooks.backward.isEmpty ? x : apply(Probe(), x)
    // The last one that was set.
    let replacement = hooks.replacement.max { $0.key < $1.key }?.value
    var output = replacement?(probed) ?? forward(probed)
    for (_, body) in hooks.forward.sorted(by: { $0.key < $1.key }) {
      output = body(x, output) ?? output
    }
    guard !hooks.backward.isEmpty else { return output }
    output = apply(Probe(), output)
    guard output.isRecorded else { return output }
    let bodies = hooks.backward.sorted { $0.key < $1.key }.map(\.value)
    var arrived: Tensor?
    output.onGradient { gradient in
      if probed.isRecorded {
        arrived = gradient
      } else {
        for body in bodies { _ = body(gradient, nil) }
      }
      return nil
    }
    if probed.isRecorded {
      probed.onGradient { gradient in
        guard let arrived else { return nil }
        return bodies.reduce(gradient) { $1(arrived, $0) ?? $0 }
      }
    }
    return output
  }
}

/// Nothing, with a node of its own.
private struct Probe: UnaryOperation {
  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x }
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient }
}
