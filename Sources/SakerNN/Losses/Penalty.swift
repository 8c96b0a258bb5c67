import SakerTensor

// Penalties on parameters, to be added to a loss. Frozen ones count in the value and take no
// gradient. Not meant for biases and normalization's parameters: choose with `namedParameters`.

/// `strength · Σ|w|`: makes many weights exactly 0. The slope at 0 is taken as 0.
public func l1Penalty(_ parameters: [Parameter], strength: Float) -> Tensor {
  penalty(parameters) { abs($0).sum() } * strength
}

/// `strength / 2 · Σw²`: keeps weights small. Its gradient is `strength · w`, so in plain SGD it
/// equals `decay: strength`; in Adam it does not (E42).
public func l2Penalty(_ parameters: [Parameter], strength: Float) -> Tensor {
  penalty(parameters) { square($0).sum() } * (strength / 2)
}

/// `strength · (ratio Σ|w| + (1 − ratio) / 2 · Σw²)`. Zou and Hastie, 2005; `ratio` in 0...1.
public func elasticNetPenalty(
  _ parameters: [Parameter], strength: Float, ratio: Float = 0.5
) -> Tensor {
  check((0...1).contains(ratio), op: "elasticNetPenalty", expected: "ratio in 0...1", got: ratio)
  return l1Penalty(parameters, strength: strength * ratio)
    + l2Penalty(parameters, strength: strength * (1 - ratio))
}

private func penalty(_ parameters: [Parameter], _ of: (Tensor) -> Tensor) -> Tensor {
  parameters.reduce(Tensor(0)) { $0 + of($1.value.converted(to: .float32)) }
}
