extension Graph {
  /// Of one run, for its number of pictures.
  init(_ run: Recorder) {
    func value(_ id: Int) -> Value {
      let tensor = run.entries[id].tensor
      return Value(id: id, shape: tensor.shape.map { .fixed($0) }, dtype: tensor.dtype)
    }
    inputs = (0..<run.inputCount).map(value)
    constants = run.constants.map { id in
      let tensor = run.entries[id].tensor
      let value = value(id)
      return Constant(
        id: id, name: "constant\(id)", shape: value.shape, dtype: value.dtype,
        fill: tensor.count == 1 ? tensor.onlyNumber : nil, tensor: tensor)
    }
    steps = run.steps.map { step in
      Step(
        operation: step.code.name, scope: step.scope, attributes: step.facts.attributes,
        inputs: step.inputs, constants: step.constants, output: value(step.output), code: step.code)
    }
    outputs = run.outputs
  }

  /// Of two runs whose numbers of pictures differ.
  ///
  /// - Throws: `CaptureError` where they differ in more.
  init(_ first: Recorder, _ second: Recorder, batches: (Int, Int)) throws {
    self.init(first)
    var unifier = Unifier(first: first, second: second, batches: batches)
    for (index, step) in steps.enumerated() {
      guard index < second.steps.count, unifier.compare(step, second.steps[index], index) else {
        if index >= second.steps.count {
          unifier.problems.append(
            "\(step.place(index)) runs for \(batches.0) pictures, but not for \(batches.1)")
        }
        throw CaptureError(problems: unifier.problems)
      }
    }
    if second.steps.count > steps.count || second.outputs != outputs {
      unifier.problems.append(
        "\(batches.0) pictures take \(steps.count) steps, \(batches.1) take \(second.steps.count)")
      throw CaptureError(problems: unifier.problems)
    }
    for index in inputs.indices {
      inputs[index].shape = unifier.shape(of: inputs[index].id, "input \(index + 1)")
    }
    for index in constants.indices { unifier.unify(&constants[index]) }
    for index in steps.indices { unifier.unify(&steps[index], second.steps[index], index) }
    guard unifier.problems.isEmpty else { throw CaptureError(problems: unifier.problems) }
  }
}

/// Two runs of one function, value by value: they have the same numbers, as each run counts
/// in its own order.
private struct Unifier {
  let first, second: Recorder
  let batches: (Int, Int)
  var problems: [String] = []

  /// Whether a step is the same in both but for its sizes; else notes what it is instead.
  mutating func compare(_ a: Graph.Step, _ b: Recorder.Step, _ index: Int) -> Bool {
    let isSame =
      a.operation == b.code.name && a.inputs == b.inputs && a.output.id == b.output
      && a.constants == b.constants
      && Set(a.attributes.keys) == Set(b.facts.attributes.keys)
    if !isSame {
      problems.append(
        "\(a.place(index)), with \(batches.0) pictures is \(b.code.name) with \(batches.1), or takes other inputs"
      )
    }
    return isSame
  }

  mutating func shape(of id: Int, _ place: @autoclosure () -> String) -> [Graph.Extent] {
    let (a, b) = (first.entries[id].tensor.shape, second.entries[id].tensor.shape)
    guard let extents = extents(a.sizes, b.sizes) else {
      problems.append(
        "\(place()) is \(a) for \(batches.0) pictures, but \(b) for \(batches.1), which is no multiple"
      )
      return a.map { .fixed($0) }
    }
    return extents
  }

  private func extents(_ a: [Int], _ b: [Int]) -> [Graph.Extent]? {
    guard a.count == b.count else { return nil }
    let extents = zip(a, b).map { Graph.Extent($0, $1, batches: batches) }
    return extents.contains(nil) ? nil : extents.map { $0! }
  }

  mutating func unify(_ constant: inout Graph.Constant) {
    let (a, b) = (first.entries[constant.id].tensor, second.entries[constant.id].tensor)
    if TensorKey(a) == TensorKey(b) { return }
    let user = first.steps.firstIndex {
      $0.inputs.contains(constant.id) || $0.constants.values.contains(constant.id)
    }
    let place =
      "a constant \(a.shape)"
      + (user.map { " of step \($0 + 1), \(first.steps[$0].code.name) in \(first.steps[$0].scope)" }
        ?? "")
    guard a.shape != b.shape else {
      if !a.hasBits(of: b) {
        problems.append("\(place) has other numbers with other inputs")
      }
      return
    }
    constant.shape = shape(of: constant.id, place)
    constant.tensor = nil
    constant.fill = a.onlyNumber
    if a.onlyNumber == nil || a.onlyNumber != b.onlyNumber {
      problems.append("\(place) is \(b.shape) with \(batches.1) pictures, and not one number")
    }
  }

  mutating func unify(_ step: inout Graph.Step, _ other: Recorder.Step, _ index: Int) {
    let place = step.place(index)
    step.output.shape = shape(of: step.output.id, place)
    for (name, value) in step.attributes.sorted(by: { $0.key < $1.key }) {
      let second = other.facts.attributes[name]
      if value == second { continue }
      guard let a = value.ints, let b = second?.ints, let extents = extents(a, b) else {
        problems.append(
          "\(name) of \(place) is \(value) for \(batches.0) pictures, but \(second.map { "\($0)" } ?? "nothing") for \(batches.1)"
        )
        continue
      }
      guard step.code is any BatchFollowing else {
        problems.append("\(name) of \(place) depends on the number of pictures: \(a), then \(b)")
        continue
      }
      step.attributes[name] = .extents(extents)
    }
  }
}

extension Recorder {
  /// The numbers of what is neither given nor computed.
  var constants: [Int] { entries.indices.filter { entries[$0].source == .constant } }
}

extension Tensor {
  /// The number that all elements are, if they are.
  fileprivate var onlyNumber: Double? {
    guard count > 0 else { return nil }
    // The shortest decimal, which reads as the same number.
    let numbers =
      dtype.isFloating
      ? floats.map { Double("\($0)") ?? .nan } : scalars(as: Int64.self).map { Double($0) }
    return numbers.allSatisfy { $0 == numbers[0] } ? numbers[0] : nil
  }

  fileprivate func hasBits(of other: Tensor) -> Bool {
    dtype == other.dtype
      && withBytes { a in other.withBytes { b in a.elementsEqual(b) } }
  }
}
