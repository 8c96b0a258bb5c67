import SakerTensor

/// Attention of several heads, each on its own projection of queries, keys and values; what they
/// give is concatenated and projected. Vaswani et al., arXiv:1706.03762, section 3.2.2. Queries
/// from one sequence, keys and values from another make it cross-attention.
///
/// Names and starts are those of torch.nn.MultiheadAttention, but the batch is always the first
/// axis, and true in a mask of `bool` always means "sees", as in `scaledDotProductAttention`;
/// PyTorch's module means the opposite.
public final class MultiheadAttention: Layer {
  /// `[3 E, E]`: queries', keys' and values' above each other; `nil` if keys or values
  /// have another width
  public let inProjWeight: Parameter?
  /// `[E, E]`, `[E, keys' width]`, `[E, values' width]` in that case
  public let qProjWeight, kProjWeight, vProjWeight: Parameter?
  /// `[3 E]`
  public let inProjBias: Parameter?
  public let outProj: Linear
  /// Dropout of the attention weights, in training.
  public let dropout: Dropout
  public let width, heads: Int
  private let naming: Naming

  /// How the parameters are called in the state.
  public enum Naming: Sendable {
    /// `in_proj_weight`, `in_proj_bias`, `out_proj`
    case torch
    /// `qkv.weight`, `qkv.bias`, `proj`, as in timm's vision transformers
    case qkv
  }

  /// - Parameters:
  ///   - width: E, of queries and results; `heads` divides it.
  ///   - keyWidth, valueWidth: of what keys and values are made from; E if left out.
  ///   - dropout: of the weights, in training; they are then stored.
  public init(
    _ width: Int, heads: Int, dropout: Float = 0, bias: Bool = true, keyWidth: Int? = nil,
    valueWidth: Int? = nil, naming: Naming = .torch
  ) {
    check(
      heads > 0 && width > 0 && width % heads == 0, op: "MultiheadAttention",
      expected: "a width that \(heads) heads divide", got: width)
    (self.width, self.heads, self.naming) = (width, heads, naming)
    let start = Initializer.xavierUniform()
    let (k, v) = (keyWidth ?? width, valueWidth ?? width)
    if k == width && v == width {
      inProjWeight = Parameter([3 * width, width], start)
      (qProjWeight, kProjWeight, vProjWeight) = (nil, nil, nil)
    } else {
      inProjWeight = nil
      qProjWeight = Parameter([width, width], start)
      kProjWeight = Parameter([width, k], start)
      vProjWeight = Parameter([width, v], start)
    }
    inProjBias = bias ? Parameter([3 * width], .zeros) : nil
    outProj = Linear(width, width, bias: bias)
    outProj.bias?.value = .zeros([width])
    self.dropout = Dropout(dropout)
  }

  public var members: [(name: String, value: Any)] {
    let (weight, bias, out) =
      naming == .torch
      ? ("in_proj_weight", "in_proj_bias", "out_proj") : ("qkv.weight", "qkv.bias", "proj")
    return [
      (weight, inProjWeight as Any), ("q_proj_weight", qProjWeight as Any),
      ("k_proj_weight", kProjWeight as Any), ("v_proj_weight", vProjWeight as Any),
      (bias, inProjBias as Any), (out, outProj), ("dropout", dropout),
    ]
  }

  /// Self-attention of `[N, L, E]`.
  public func forward(_ x: Tensor) -> Tensor { attend(x) }

  /// - Parameters:
  ///   - query: `[N, L, E]`
  ///   - key, value: `[N, S, their widths]`; the queries' sequence without `key`, the
  ///     keys' without `value`.
  ///   - mask: broadcasts to `[N, heads, L, S]`, such as `[L, S]`. Of `bool`: true where a query
  ///     may see a key. Floating: added to the scores.
  ///   - keyPadding: `bool` `[N, S]`, true where a key is padding, which nobody sees.
  ///   - causal: whether query i sees keys 0...i only.
  /// - Returns: `[N, L, E]`
  public func attend(
    _ query: Tensor, _ key: Tensor? = nil, _ value: Tensor? = nil, mask: Tensor? = nil,
    keyPadding: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    let (q, k, v) = heads(query, key, value)
    let mask = combined(mask, keyPadding, [query.shape[0], k.shape[2]])
    let drops = dropout.drop > 0 && dropout.mode.isTraining
    let result =
      drops
      ? matmul(dropout(weights(q, k, mask, causal)), v)
      : scaledDotProductAttention(q, k, v, mask: mask, causal: causal)
    return outProj(result.transposed(1, 2).reshape([query.shape[0], query.shape[1], width]))
  }

  /// The weights of each head, `[N, heads, L, S]`, for looking at: `attend` does not store them.
  /// Parameters as there.
  public func attentionWeights(
    _ query: Tensor, _ key: Tensor, mask: Tensor? = nil, keyPadding: Tensor? = nil,
    causal: Bool = false
  ) -> Tensor {
    let rows = projections()
    let mask = combined(mask, keyPadding, [query.shape[0], key.shape[1]])
    return weights(split(project(query, rows[0])), split(project(key, rows[1])), mask, causal)
  }

  private func weights(_ q: Tensor, _ k: Tensor, _ mask: Tensor?, _ causal: Bool) -> Tensor {
    var scores = matmul(q * (1 / Float(width / heads).squareRoot()), k.transposed())
    if let mask {
      scores =
        mask.dtype == .bool ? .where(mask, scores, -.infinity) : scores + mask
    }
    return SakerTensor.attentionWeights(scores, causal: causal)
  }

  /// Both masks as one.
  private func combined(_ mask: Tensor?, _ padding: Tensor?, _ shape: Shape) -> Tensor? {
    check(
      padding == nil || (padding!.dtype == .bool && padding!.shape == shape),
      op: "MultiheadAttention", expected: "bool padding \(shape)",
      got: "\(padding!.dtype) \(padding!.shape)")
    guard let padding else { return mask }
    let seen = (.!padding).unsqueeze(1).unsqueeze(1)
    guard let mask else { return seen }
    return mask.dtype == .bool ? mask .& seen : .where(seen, mask, -.infinity)
  }

  private typealias Projection = (weight: Tensor, bias: Tensor?)

  private func projections() -> [Projection] {
    (0..<3).map { index in
      let rows = index * width..<(index + 1) * width
      let own = [qProjWeight, kProjWeight, vProjWeight][index]
      return (
        own?.value ?? inProjWeight!.value.narrow(0, rows), inProjBias?.value.narrow(0, rows)
      )
    }
  }

  private func project(_ x: Tensor, _ projection: Projection) -> Tensor {
    matmul(x, projection.weight.transposed(), adding: projection.bias)
  }

  /// `[N, L, E]` to `[N, heads, L, E / heads]`
  private func split(_ x: Tensor) -> Tensor {
    x.reshape([x.shape[0], x.shape[1], heads, width / heads]).transposed(1, 2)
  }

  /// Queries, keys and values of all heads; as few products as there are different inputs.
  private func heads(
    _ query: Tensor, _ givenKey: Tensor?, _ givenValue: Tensor?
  ) -> (Tensor, Tensor, Tensor) {
    let key = givenKey ?? query
    let value = givenValue ?? key
    let widths = [
      width, kProjWeight?.shape[1] ?? width, vProjWeight?.shape[1] ?? width,
    ]
    check(
      zip([query, key, value], widths).allSatisfy { $0.rank == 3 && $0.shape[2] == $1 }
        && key.shape[0] == query.shape[0] && value.shape[0] == query.shape[0]
        && key.shape[1] == value.shape[1],
      op: "MultiheadAttention",
      expected:
        "queries [N, L, \(widths[0])], keys [N, S, \(widths[1])], values [N, S, \(widths[2])]",
      got: "\(query.shape), \(key.shape), \(value.shape)")
    if let inProjWeight, givenKey == nil, givenValue == nil {
      let all = project(query, (inProjWeight.value, inProjBias?.value))
        .reshape([query.shape[0], query.shape[1], 3, heads, width / heads]).permute([2, 0, 3, 1, 4])
      return (
        all.select(axis: 0, at: 0), all.select(axis: 0, at: 1), all.select(axis: 0, at: 2)
      )
    }
    let rows = projections()
    return (
      split(project(query, rows[0])), split(project(key, rows[1])), split(project(value, rows[2]))
    )
  }
}
