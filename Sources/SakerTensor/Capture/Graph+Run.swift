extension Graph {
  /// Runs the steps on other inputs: the results that the captured function would give for them,
  /// without a gradient.
  ///
  /// Stops unless the inputs have the shapes and types of the graph's; sizes that follow the batch
  /// may be those of any number of pictures. A decoded graph can't run.
  public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] {
    let batch = checkedBatch(inputs)
    var values = [Tensor?](repeating: nil, count: inputs.count + constants.count + steps.count)
    for (value, tensor) in zip(self.inputs, inputs) { values[value.id] = tensor.detached() }
    for constant in constants { values[constant.id] = constant.tensor(batch: batch) }
    let last = lastUses(values.count)
    return withoutGradients {
      for (index, step) in steps.enumerated() {
        let result = apply(step.operation(batch: batch), to: step.inputs.map { values[$0]! })
        values[step.output.id] = result
        for id in Set(step.inputs) where last[id] == index { values[id] = nil }
      }
      return outputs.map { values[$0]! }
    }
  }

  /// For a graph of one input and one output.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    check(
      outputs.count == 1, op: "Graph", expected: "a graph of one output", got: outputs.count)
    return self([x])[0]
  }

  /// For each value the step that is the last to use it.
  private func lastUses(_ count: Int) -> [Int] {
    var last = [Int](repeating: -1, count: count)
    for (index, step) in steps.enumerated() {
      for id in step.inputs { last[id] = index }
    }
    for id in outputs { last[id] = steps.count }
    return last
  }

  /// The number of pictures, for inputs that fit; 1 where the batch is not open.
  private func checkedBatch(_ given: [Tensor]) -> Int {
    check(
      given.count == inputs.count, op: "Graph", expected: "\(inputs.count) inputs",
      got: given.count)
    var batch: Int?
    for (value, tensor) in zip(inputs, given) {
      for (extent, size) in zip(value.shape, tensor.shape) {
        if case .batch(let each) = extent, batch == nil { batch = size / each }
      }
      check(
        value.dtype == tensor.dtype && value.shape(batch: batch ?? 1) == tensor.shape,
        op: "Graph", expected: "\(value.dtype) \(value.shape.map { "\($0)" })",
        got: "\(tensor.dtype) \(tensor.shape)")
    }
    return batch ?? 1
  }
}

extension Graph.Constant {
  fileprivate func tensor(batch: Int) -> Tensor {
    if let tensor { return tensor }
    guard let fill else {
      fatalError("Graph: \(name) has no numbers: a decoded graph can be walked, not run")
    }
    return .full(value.shape(batch: batch), fill, dtype)
  }
}

extension Graph.Step {
  /// What runs for a number of pictures.
  fileprivate func operation(batch: Int) -> any TensorOperation {
    guard let code else {
      fatalError("Graph: \(operation) has no code: a decoded graph can be walked, not run")
    }
    return attributes.reduce(code) { code, attribute in
      guard case .extents(let extents) = attribute.value,
        let following = code as? any BatchFollowing
      else { return code }
      return following.following(attribute.key, extents.map { $0.size(batch: batch) })
    }
  }
}
