import SakerTensor

/// How a rule changes one parameter. A value: what it remembers of each parameter lies in the optimizer.
public protocol UpdateRule: Sendable {
  /// What it remembers of a parameter, tensors of the parameter's shape that start as zeros, as the field's checkpoints
  /// call them.
  var slots: [String] { get }
  /// The share of the past in the direction, which schedules may cycle.
  var momentum: Double { get set }
  /// What parameters of groups without a decay of their own decay by.
  var decay: Double { get }

  /// Updates `count` elements in one pass. `step` is 1 in a parameter's first update.
  func update(
    _ parameter: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    slots: [UnsafeMutablePointer<Float>], count: Int, rate: Double, decay: Double, step: Int)
}

/// Changes parameters by their gradients: `Optimizer(SGD(momentum: 0.9), model.parameterGroups(), rate: 0.1)`.
public final class Optimizer {
  public var rule: any UpdateRule
  public private(set) var groups: [ParameterGroup]
  /// Set it before each step to follow a schedule.
  public var rate: Double

  /// What the rule remembers of one parameter.
  private struct Memory {
    var step = 0
    let slots: [Buffer]
  }
  private var memories: [ObjectIdentifier: Memory] = [:]

  public init(_ rule: some UpdateRule, _ groups: [ParameterGroup], rate: Double) {
    self.rule = rule
    self.groups = groups
    self.rate = rate
    let ids = groups.flatMap { $0.parameters.map { ObjectIdentifier($0.parameter) } }
    check(
      Set(ids).count == ids.count, op: "Optimizer", expected: "each parameter in one group",
      got: "\(ids.count - Set(ids).count) twice")
  }

  /// All parameters of a model in one group.
  public convenience init(_ rule: some UpdateRule, _ model: some Module, rate: Double) {
    self.init(rule, model.parameterGroups(), rate: rate)
  }

  public var parameters: [Parameter] { groups.flatMap { $0.parameters.map(\.parameter) } }

  /// Updates every parameter that has a gradient and is not frozen.
  public func step() {
    for group in groups {
      let (rate, decay) = (rate * group.rateFactor, group.decay ?? rule.decay)
      for named in group.parameters {
        guard !named.parameter.isFrozen, let gradient = named.parameter.gradient else { continue }
        update(named.parameter, gradient, rate, decay)
      }
    }
  }

  public func zeroGradients() {
    for parameter in parameters { parameter.gradient = nil }
  }

  private func update(_ parameter: Parameter, _ gradient: Tensor, _ rate: Double, _ decay: Double) {
    var memory =
      memories[ObjectIdentifier(parameter)]
      ?? Memory(slots: rule.slots.map { _ in Buffer(.zeros(parameter.shape)) })
    memory.step += 1
    memories[ObjectIdentifier(parameter)] = memory
    let (rule, step) = (rule, memory.step)
    gradient.converted(to: .float32).withElements(of: Float.self) { gradient in
      parameter.update { values in
        guard let value = values.baseAddress, let slope = gradient.baseAddress else { return }
        memory.slots.withPointers { slots in
          Parallel.run(values.count, grain: 16384) { part in
            let first = part.lowerBound
            rule.update(
              value + first, slope + first, slots: slots.map { $0 + first }, count: part.count,
              rate: rate, decay: decay, step: step)
          }
        }
      }
    }
  }
}

extension [Buffer] {
  /// Calls `body` with where all of them are written.
  fileprivate func withPointers(_ body: ([UnsafeMutablePointer<Float>]) -> Void) {
    func open(_ index: Int, _ pointers: [UnsafeMutablePointer<Float>]) {
      if index == count { return body(pointers) }
      self[index].update { open(index + 1, pointers + [$0.baseAddress!]) }
    }
    open(0, [])
  }
}

// MARK: - Stored and restored

extension Optimizer {
  /// What the rule remembers, by parameter name: `fc.weight.momentum_buffer`, and `fc.weight.step` as an int64 scalar.
  public var state: [NamedTensor] {
    var result: [NamedTensor] = []
    for named in groups.flatMap(\.parameters) {
      guard let memory = memories[ObjectIdentifier(named.parameter)] else { continue }
      result.append(NamedTensor("\(named.name).step", Tensor([Int64(memory.step)], [])))
      for (slot, buffer) in zip(rule.slots, memory.slots) {
        result.append(NamedTensor("\(named.name).\(slot)", buffer.value))
      }
    }
    return result
  }

  /// Goes on from a stored state, bit for bit. What has no entry starts anew.
  /// - Throws: `CheckpointError` with everything that does not fit; then nothing has changed.
  public func restore(_ state: [NamedTensor], file: String = "optimizer state") throws {
    let tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
    var problems: [String] = []
    var unused = Set(tensors.keys)
    var restored: [ObjectIdentifier: Memory] = [:]
    for named in groups.flatMap(\.parameters) {
      guard let step = tensors["\(named.name).step"] else { continue }
      unused.remove("\(named.name).step")
      var slots: [Buffer] = []
      for slot in rule.slots {
        let name = "\(named.name).\(slot)"
        unused.remove(name)
        guard let tensor = tensors[name] else {
          problems.append("\(name): missing")
          continue
        }
        guard tensor.shape == named.parameter.shape, tensor.dtype == .float32 else {
          problems.append(
            "\(name): expected float32 \(named.parameter.shape), got \(tensor.dtype) \(tensor.shape)"
          )
          continue
        }
        slots.append(Buffer(tensor))
      }
      guard step.count == 1, let number = step.scalars(as: Int64.self).first, number >= 0 else {
        problems.append("\(named.name).step: expected one count, got \(step.shape)")
        continue
      }
      restored[ObjectIdentifier(named.parameter)] = Memory(step: Int(number), slots: slots)
    }
    problems += unused.sorted().map { "\($0): unexpected" }
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "does not fit the optimizer", problems)
    }
    memories = restored
  }
}
