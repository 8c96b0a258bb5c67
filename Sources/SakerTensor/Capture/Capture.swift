import CKernels

/// Runs `body` once, without gradients, and notes every operation: the graph of what it computes.
///
/// It is a real run, so it costs what a forward pass costs, and the memory of all values at once.
/// Layers that would fuse with their neighbours run apart (`Capture.isRunning`); put modules into
/// evaluation first, or use `Module.capture`, which does, and which names parameters and layers.
/// Operations have to run on the calling thread.
///
///     let graph = try capture([x], batch: .open) { [relu(matmul($0[0], weight))] }
///     graph([larger])  // for any number of pictures
///
/// - Parameters:
///   - batch: `.open` runs `body` a second time, with one picture more along the first axis of all
///     inputs that share the first input's, and keeps what follows that number open.
/// - Throws: `CaptureError` if numbers of what was computed from the inputs are read (`item`,
///   `floats`, printing), because what the program does with them is in no graph; if an operation
///   holds a function or an object; or, with `.open`, if anything depends on the number of pictures
///   otherwise than as a multiple. What `body` throws.
public func capture(
  _ inputs: [Tensor], batch: Capture.Batch = .fixed, _ body: ([Tensor]) throws -> [Tensor]
) throws -> Graph {
  check(
    Capture.recorder == nil && saker_get_depth() == 0, op: "capture",
    expected: "no capture and no operation around it", got: "one inside of another")
  let first = try Recorder.run(inputs, body)
  guard batch == .open else { return Graph(first) }
  let pictures = inputs.first?.shape.sizes.first ?? 0
  check(
    pictures > 0, op: "capture", expected: "a first input with pictures along its first axis",
    got: inputs.first?.shape ?? [])
  // Other pictures, too, so that constants which depend on them are told apart.
  let turned = Tensor((0...pictures).map { Int64(($0 + 1) % pictures) })
  let more = inputs.map { input in
    guard input.shape.sizes.first == pictures else { return input }
    let picked = input.indexSelect(turned, axis: 0)
    return input.isContiguous ? picked.contiguous() : picked.channelsLast()
  }
  let second = try Recorder.run(more, body)
  return try Graph(first, second, batches: (pictures, pictures + 1))
}

/// The graph of a function of one tensor: see `capture(_:batch:_:)`.
public func capture(
  _ x: Tensor, batch: Capture.Batch = .fixed, _ body: (Tensor) throws -> Tensor
) throws -> Graph {
  try capture([x], batch: batch) { [try body($0[0])] }
}

/// What code that runs may ask, or tell, a capture of it.
public enum Capture {
  /// Whether a graph holds for the number of pictures it was captured with, or for any.
  public enum Batch: Sendable { case fixed, open }

  @TaskLocal static var recorder: Recorder?

  /// Whether operations of this task are noted: then layers don't fuse. Costs a nanosecond
  /// while nobody captures.
  public static var isRunning: Bool { saker_capturing() != 0 && recorder != nil }

  /// Runs `body`, whose steps belong to `scope`.
  public static func scope<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
    guard let recorder else { return try body() }
    let before = recorder.scope
    recorder.scope = name
    defer { recorder.scope = before }
    return try body()
  }

  /// Notes that numbers are about to be read where no operation runs.
  static func willRead(_ tensor: Tensor) {
    guard saker_get_depth() == 0, let recorder else { return }
    recorder.willRead(tensor)
  }
}

/// Notes the operations of one run. All its values stay alive until it ends, so that no memory is
/// used twice and a tensor's memory says which value it is; nothing is changed in place, as
/// somebody else always sees it.
final class Recorder: @unchecked Sendable {
  struct Entry {
    enum Source { case input, constant, step }
    let tensor: Tensor
    let source: Source
    /// Whether it depends on an input.
    let isTraced: Bool
  }

  struct Step {
    let code: any TensorOperation
    let facts: OperationFacts
    let scope: String
    let inputs: [Int]
    let constants: [String: Int]
    let output: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var steps: [Step] = []
  private(set) var outputs: [Int] = []
  private(set) var inputCount = 0
  private var problems: [String] = []
  var scope = ""
  private var ids: [TensorKey: Int] = [:]
  /// The first value in a piece of memory.
  private var storages: [ObjectIdentifier: Int] = [:]

  /// - Throws: `CaptureError`, and what `body` throws.
  static func run(_ inputs: [Tensor], _ body: ([Tensor]) throws -> [Tensor]) throws -> Recorder {
    let recorder = Recorder()
    let inputs = inputs.map { $0.detached() }
    for input in inputs { recorder.add(input, .input, isTraced: true) }
    recorder.inputCount = inputs.count
    saker_add_observers(1)
    saker_add_captures(1)
    defer {
      saker_add_captures(-1)
      saker_add_observers(-1)
    }
    let results = try Capture.$recorder.withValue(recorder) {
      try withoutGradients { try body(inputs) }
    }
    recorder.outputs = results.map { recorder.id(of: $0.detached(), "a result") }
    guard recorder.problems.isEmpty else { throw CaptureError(problems: recorder.problems) }
    return recorder
  }

  @discardableResult
  private func add(_ tensor: Tensor, _ source: Entry.Source, isTraced: Bool) -> Int {
    let id = entries.count
    entries.append(Entry(tensor: tensor, source: source, isTraced: isTraced))
    ids[TensorKey(tensor)] = id
    let storage = ObjectIdentifier(tensor.storage)
    if storages[storage] == nil { storages[storage] = id }
    return id
  }

  /// The number of a tensor that somebody uses; new ones are constants.
  private func id(of tensor: Tensor, _ user: @autoclosure () -> String) -> Int {
    if let id = ids[TensorKey(tensor)] { return id }
    if let first = storages[ObjectIdentifier(tensor.storage)], entries[first].isTraced {
      problems.append(
        "\(user()) is a view \(tensor.shape), made without an operation, of \(origin(of: first))")
    }
    return add(tensor.detached(), .constant, isTraced: false)
  }

  func record(_ operation: some TensorOperation, _ inputs: [Tensor], _ output: Tensor) {
    let place = place(operation.name, steps.count)
    let facts = operation.facts
    let used = inputs.enumerated().map { index, tensor in
      id(of: tensor, "input \(index + 1) of \(place)")
    }
    var constants: [String: Int] = [:]
    for (name, tensor) in facts.constants.sorted(by: { $0.key < $1.key }) {
      let id = id(of: tensor, "\(name) of \(place)")
      constants[name] = id
      if entries[id].isTraced {
        problems.append("\(place) keeps \(name) for itself, which is \(origin(of: id))")
      }
    }
    if !facts.hidden.isEmpty {
      problems.append(
        "\(place) holds what no graph can: \(facts.hidden.joined(separator: ", "))")
    }
    let isTraced = used.contains { entries[$0].isTraced }
    let result = add(output.detached(), .step, isTraced: isTraced)
    steps.append(
      Step(
        code: operation, facts: facts, scope: scope, inputs: used, constants: constants,
        output: result))
  }

  func willRead(_ tensor: Tensor) {
    guard let first = storages[ObjectIdentifier(tensor.storage)], entries[first].isTraced else {
      return
    }
    let id = ids[TensorKey(tensor)] ?? first
    let problem =
      "numbers are read of \(origin(of: id)): what is made of them outside of operations, "
      + "and what they decide, is in no graph"
    if problems.last != problem { problems.append(problem) }
  }

  private func place(_ name: String, _ index: Int) -> String {
    "step \(index + 1), \(name)" + (scope.isEmpty ? "" : " in \(scope)")
  }

  /// Where a value comes from, for messages.
  private func origin(of id: Int) -> String {
    let shape = entries[id].tensor.shape
    guard let index = steps.lastIndex(where: { $0.output == id }) else {
      return "\(entries[id].source == .input ? "input \(id + 1)" : "a constant"), \(shape)"
    }
    let step = steps[index]
    let scope = step.scope.isEmpty ? "" : " in \(step.scope)"
    return "the result of step \(index + 1), \(step.code.name)\(scope), \(shape)"
  }
}
