import SakerTensor

extension Module {
  /// The graph of what `body` computes with this module in evaluation, where constants bear the
  /// names of the module's parameters and buffers, and steps those of the layers that ran them.
  ///
  ///     let graph = try network.capture([images], batch: .open) { network.features($0[0]) }
  ///
  /// - Parameter batch: `.open` for a graph that fits any number of pictures.
  /// - Throws: `CaptureError`, see `SakerTensor.capture(_:batch:_:)`, and what `body` throws.
  public func capture(
    _ inputs: [Tensor], batch: Capture.Batch = .fixed, _ body: ([Tensor]) throws -> [Tensor]
  ) throws -> Graph {
    let names = Dictionary(
      namedModules.map { (ObjectIdentifier($0.module), $0.name) },
      uniquingKeysWith: { first, _ in first })
    let graph = try evaluating {
      try LayerHooks.naming(names) {
        try SakerTensor.capture(inputs, batch: batch, body)
      }
    }
    return graph.naming(state.map { ($0.name, $0.tensor) })
  }
}

extension Layer {
  /// The graph of this layer in evaluation for an input like `x`.
  public func capture(_ x: Tensor, batch: Capture.Batch = .fixed) throws -> Graph {
    try capture([x], batch: batch) { [self($0[0])] }
  }
}
