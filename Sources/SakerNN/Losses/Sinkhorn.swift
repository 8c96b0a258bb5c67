import SakerTensor

/// Entropic optimal transport, `min ⟨P, C⟩ + ε KL(P ‖ a bᵀ)` over plans P with rows a and columns
/// b: Sinkhorn's iterations on logarithms, which neither overflow nor underflow for small ε.
/// Cuturi, arXiv:1306.0895.
///
/// Differentiable in the cost: the gradient is the plan (by the envelope theorem, so the iterations
/// are not recorded and must come near the fixed point; more are needed for smaller ε). As ε goes
/// to 0 it becomes the transport distance.
///
/// - Parameters:
///   - cost: C, `[n, m]`, finite; n, m ≥ 1.
///   - a: masses `[n]`, positive, sum 1; `nil`: all equal. No gradient.
///   - b: masses `[m]`.
///   - epsilon: ε > 0, in the unit of the cost.
///   - iterations: at most; they end when no potential changes by more than 10⁻⁶ ε.
/// - Returns: `[]`
public func sinkhornDistance(
  cost: Tensor, _ a: Tensor? = nil, _ b: Tensor? = nil, epsilon: Float = 0.05,
  iterations: Int = 500
) -> Tensor {
  let op = "sinkhornDistance"
  check(
    cost.rank == 2 && cost.count > 0, op: op, expected: "a cost [n, m]", got: cost.shape)
  check(epsilon > 0, op: op, expected: "epsilon > 0", got: epsilon)
  let (n, m) = (cost.shape[0], cost.shape[1])
  for (masses, size) in [(a, n), (b, m)] {
    check(
      masses.map { $0.shape == [size] && !$0.isRecorded && $0.min().item > 0 } ?? true, op: op,
      expected: "positive masses [\(size)] without a gradient", got: masses ?? Tensor(0))
  }
  let cost = cost.converted(to: .float32)
  let (plan, entropy) = withoutGradients {
    let logA = log(a ?? .full([n], 1 / Double(n))).unsqueeze(1)
    let logB = log(b ?? .full([m], 1 / Double(m))).unsqueeze(0)
    // What all costs have in common changes no plan, but would take digits.
    let scaled = (cost.detached() - cost.detached().min()) / epsilon
    var g = Tensor.zeros([1, m])
    for _ in 0..<iterations {
      let f = -(g + logB - scaled).logSumExp(axes: [1], keepingAxes: true)
      let next = -(f + logA - scaled).logSumExp(axes: [0], keepingAxes: true)
      let change = abs(next - g).max().item
      g = next
      if change < 1e-6 { break }
    }
    // Each row a distribution over columns: exactly the masses of a, whatever digits
    // the potentials lost.
    let rows = logSoftmax(g + logB - scaled, axis: 1)
    let plan = exp(rows + logA)
    return (plan, (plan * (rows - logB)).sum())
  }
  return (plan * cost).sum() + entropy * epsilon
}

/// Sinkhorn divergence of two point clouds, `OT(x, y) − ½ OT(x, x) − ½ OT(y, y)` for the squared
/// Euclidean distance: 0 for equal clouds, which the distance alone is not. Feydy et al.,
/// arXiv:1810.08278. Both clouds have gradients.
///
/// - Parameters: x: `[n, d]`; y: `[m, d]`; each point weighs the same.
/// - Returns: `[]`
public func sinkhornDivergence(
  _ x: Tensor, _ y: Tensor, epsilon: Float = 0.05, iterations: Int = 500
) -> Tensor {
  check(
    x.rank == 2 && y.rank == 2 && x.shape[1] == y.shape[1], op: "sinkhornDivergence",
    expected: "points [n, d] and [m, d]", got: "\(x.shape) and \(y.shape)")
  func transport(_ x: Tensor, _ y: Tensor) -> Tensor {
    let differences = x.unsqueeze(1) - y.unsqueeze(0)
    let cost = (differences * differences).sum(axes: [2])
    return sinkhornDistance(cost: cost, epsilon: epsilon, iterations: iterations)
  }
  return transport(x, y) - (transport(x, x) + transport(y, y)) * 0.5
}
