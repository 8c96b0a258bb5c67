import SakerTensor

/// Changes parameters by their gradients: `Optimizer(SGD(momentum: 0.9),
/// model.parameterGroups(), rate: 0.1)`.
public final class Optimizer {
  public var rule: any UpdateRule
  public private(set) var groups: [ParameterGroup]
  /// Set it before each step to follow a schedule.
  public var rate: Double

  /// What the rule remembers of one parameter.
  private struct Memory {
    var step = 0
    /// The rule's own number.
    var scalar: Float = 1
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

  /// Updates every parameter that has a gradient and is not frozen, all of them in one parallel
  /// loop.
  public func step() {
    var items: [UpdatePass.Item] = []
    for group in groups {
      let (rate, decay) = (rate * group.rateFactor, group.decay ?? rule.decay)
      for named in group.parameters {
        guard !named.parameter.isFrozen, let gradient = named.parameter.gradient else { continue }
        let memory = advance(named.parameter)
        let item = UpdatePass.Item(
          named.parameter, gradient, memory.slots, rate: rate, decay: decay, step: memory.step,
          scalar: Double(memory.scalar))
        if let item { items.append(item) }
      }
    }
    UpdatePass(rule, items).run()
  }

  public func zeroGradients() {
    for parameter in parameters { parameter.gradient = nil }
  }

  /// What is remembered of a parameter in its next step.
  private func advance(_ parameter: Parameter) -> Memory {
    var memory = memories[ObjectIdentifier(parameter)] ?? newMemory(parameter)
    memory.step += 1
    memory.scalar = Float(rule.advanced(Double(memory.scalar), step: memory.step))
    memories[ObjectIdentifier(parameter)] = memory
    return memory
  }

  private func newMemory(_ parameter: Parameter) -> Memory {
    Memory(
      slots: rule.slots.indices.map { Buffer(.full(parameter.shape, rule.start(ofSlot: $0))) })
  }

  /// Runs `body`; afterwards rate, rule and all that is remembered are what they were.
  func rewinding<R>(_ body: () throws -> R) rethrows -> R {
    let (rule, rate) = (rule, rate)
    let before = memories.mapValues { ($0, $0.slots.map(\.value)) }
    defer {
      (self.rule, self.rate) = (rule, rate)
      memories = before.mapValues { memory, values in
        for (slot, value) in zip(memory.slots, values) { slot.value = value }
        return memory
      }
    }
    return try body()
  }
}

// MARK: - Looking ahead

extension Optimizer {
  /// Runs `body` where momentum alone would take the parameters, `θ − μ v`, and moves them back,
  /// bit for bit: Nesterov's accelerated gradient as Sutskever and the notes write it, with the
  /// gradient there and the step here.
  ///
  ///     optimizer.zeroGradients()
  ///     optimizer.lookingAhead { loss(model(x), y).backward() }
  ///     optimizer.step()
  ///
  /// `SGD(nesterov: true)` is the same walk, told by the points at which gradients are taken,
  /// `φ = θ − μ v`: it moves parameters once instead of three times, and is what frameworks have.
  /// Decay belongs to the step, so to θ here and to φ there.
  ///
  /// The rule is `SGD` without `nesterov`. With the rate outside of the velocity the place is
  /// `θ − rate μ v`. Before the first step, and of frozen parameters, nothing moves.
  public func lookingAhead<R>(_ body: () throws -> R) rethrows -> R {
    let sgd = rule as? SGD
    check(
      sgd?.nesterov == false, op: "lookingAhead", expected: "SGD without nesterov", got: rule)
    guard let sgd else { return try body() }
    var before: [(parameter: Parameter, value: Tensor)] = []
    for group in groups {
      let rate = sgd.convention == .rateInside ? 1 : rate * group.rateFactor
      for parameter in group.parameters.map(\.parameter) where !parameter.isFrozen {
        guard let velocity = memories[ObjectIdentifier(parameter)]?.slots.first else { continue }
        let value = parameter.value.detached()
        before.append((parameter, value))
        parameter.value = value - velocity.value * Float(rate * sgd.momentum)
      }
    }
    defer { for (parameter, value) in before { parameter.value = value } }
    return try body()
  }
}

// MARK: - Stored and restored

extension Optimizer {
  /// What the rule remembers, by parameter name: `fc.weight.momentum_buffer`, and `fc.weight.step`
  /// as an int64 scalar; a number of the rule's own is a float32 scalar.
  public var state: [NamedTensor] {
    var result: [NamedTensor] = []
    for named in groups.flatMap(\.parameters) {
      guard let memory = memories[ObjectIdentifier(named.parameter)] else { continue }
      result.append(NamedTensor("\(named.name).step", Tensor([Int64(memory.step)], [])))
      if let scalar = rule.scalar {
        result.append(NamedTensor("\(named.name).\(scalar)", Tensor([memory.scalar], [])))
      }
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
      var memory = Memory(step: Int(number), slots: slots)
      if let scalar = rule.scalar {
        let name = "\(named.name).\(scalar)"
        unused.remove(name)
        guard let tensor = tensors[name], tensor.count == 1, tensor.dtype == .float32 else {
          let got = tensors[name].map { "\($0.dtype) \($0.shape)" } ?? "none"
          problems.append("\(name): expected one float32 number, got \(got)")
          continue
        }
        memory.scalar = tensor.item
      }
      restored[ObjectIdentifier(named.parameter)] = memory
    }
    problems += unused.sorted().map { "\($0): unexpected" }
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "does not fit the optimizer", problems)
    }
    memories = restored
  }
}
