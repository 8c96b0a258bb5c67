import SakerTensor

/// Single weights that are taken away and stay away: unstructured pruning. Han et al.,
/// "Learning both Weights and Connections", arXiv:1506.02626. A weight that is gone is 0;
/// nothing gets smaller or faster by it, but files pack better, and a network shows how few of
/// its weights it needs.
///
///     var masks = PruningMasks(of: model.prunableWeights)
///     masks.prune(0.8, by: .magnitude)
///     // after each step of the optimizer:
///     masks.apply()
public struct PruningMasks {
  /// What decides which weights go.
  public enum Criterion: Sendable {
    /// The least absolute values.
    case magnitude
    /// Drawn.
    case random(seed: UInt64)
  }

  /// Among which weights an amount is counted.
  public enum Scope: Sendable {
    /// Scores of all layers together: layers with larger weights keep more.
    case global
    /// Scores of each layer separately.
    case layer
  }

  public let weights: [NamedParameter]
  /// Whether each element of each weight stays, in row-major order.
  public private(set) var kept: [[Bool]]

  /// All stay.
  public init(of weights: [NamedParameter]) {
    self.weights = weights
    kept = weights.map { [Bool](repeating: true, count: $0.parameter.shape.elements) }
  }

  /// What is exactly 0 is gone: the masks of a network that was pruned before.
  public init(zerosOf weights: [NamedParameter]) {
    self.weights = weights
    kept = weights.map { $0.parameter.floats.map { $0 != 0 } }
  }

  /// Takes away a share of what is left, and makes it 0.
  ///
  /// - Parameter amount: 0...1, rounded to whole weights as PyTorch's `torch.nn.utils.prune` does.
  public mutating func prune(
    _ amount: Double, by criterion: Criterion = .magnitude, scope: Scope = .global
  ) {
    var random: Random? =
      if case .random(let seed) = criterion { Random(seed: seed) } else { nil }
    let scores = weights.map { named in
      random == nil
        ? named.parameter.floats.map(abs)
        : (0..<named.parameter.shape.elements).map { _ in Float(random?.uniform() ?? 0) }
    }
    switch scope {
    case .layer:
      for (index, scores) in scores.enumerated() {
        kept[index] = PruningMasks.kept(scores, amount, among: kept[index])
      }
    case .global:
      let all = PruningMasks.kept(scores.flatMap(\.self), amount, among: kept.flatMap(\.self))
      var start = 0
      for index in kept.indices {
        let end = start + kept[index].count
        kept[index] = Array(all[start..<end])
        start = end
      }
    }
    apply()
  }

  private static func kept(
    _ scores: [Float], _ amount: Double, among candidates: [Bool]
  ) -> [Bool] {
    let number = Pruning.number(amount, of: candidates.count(where: \.self))
    return Pruning.kept(scores, removing: number, among: candidates)
  }

  /// Makes all that is gone 0 again.
  public func apply() {
    for (named, kept) in zip(weights, kept) where kept.contains(false) {
      named.parameter.update { values in
        for index in values.indices where !kept[index] { values[index] = 0 }
      }
    }
  }

  /// The share that is gone, 0...1.
  public var sparsity: Double {
    let all = kept.reduce(0) { $0 + $1.count }
    let gone = kept.reduce(0) { $0 + $1.count { !$0 } }
    return all == 0 ? 0 : Double(gone) / Double(all)
  }
}

extension Parameter {
  fileprivate var floats: [Float] { value.detached().converted(to: .float32).floats }
}

extension Module {
  /// The weights of convolutions and linear layers: everything that is called `weight` and has two
  /// axes or more. Biases and normalizations are few, and stay.
  public var prunableWeights: [NamedParameter] {
    namedParameters.filter {
      $0.parameter.shape.rank >= 2 && $0.parameter.dtype == .float32
        && ($0.name == "weight" || $0.name.hasSuffix(".weight"))
    }
  }
}
