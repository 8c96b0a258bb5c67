import CKernels

/// `softmax(scale · q kᵀ + mask) v` for each matrix of a batch, in blocks: the weights,
/// `[queries, keys]`, never lie in memory. Dao et al., arXiv:2205.14135.
struct Attention: TensorOperation {
  let scale: Float
  let isCausal: Bool
  /// Added to the scores: float32 `[..., queries, keys]`, whose rows lie without holes; what
  /// repeats need not lie there twice. A constant.
  let mask: Tensor?

  /// - Parameter inputs: q `[batch, queries, e]`, k `[batch, keys, e]`, v
  ///   `[batch, keys, f]`, float32.
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (q, k, v) = (inputs[0].contiguous(), inputs[1].contiguous(), inputs[2].contiguous())
    let batch = q.shape[0]
    let y = Tensor(uninitialized: [batch, q.shape[1], v.shape[2]])
    let sums = Tensor(uninitialized: [batch, q.shape[1]])
    let problem = Problem(q, k, v, self)
    let (pq, pk, pv) = (
      q.pointer(Float.self), k.pointer(Float.self), v.pointer(Float.self)
    )
    let (py, ps) = (y.pointer(Float.self), sums.pointer(Float.self))
    // Few matrices are divided further, at borders of blocks, so that all threads have some.
    let blocks = (q.shape[1] + 31) / 32
    let parts = max(1, min(blocks, (2 * Parallel.threads + batch - 1) / max(batch, 1)))
    problem.each(batch * parts, workspace: saker_attention_workspace(problem.head)) {
      item, space in
      let (index, part) = (item / parts, item % parts)
      let from = blocks * part / parts * 32
      let to = min(blocks * (part + 1) / parts * 32, q.shape[1])
      saker_attention_f32(
        problem.head(index), from, to, pq + index * problem.queryCount,
        pk + index * problem.keyCount, pv + index * problem.valueCount,
        py + index * problem.resultCount, ps + index * q.shape[1], space)
    }
    withExtendedLifetime((q, k, v, mask)) {}
    saved.keep(q, k, v, y, sums)
    return y
  }

  /// The weights p are computed again, from the logarithms of their sums. With d the sums of dy · y
  /// along rows: dv = pᵀ dy, dq = scale · ds k, dk = scale · dsᵀ q, where ds = p (dy vᵀ − d).
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (q, k, v, y, sums) = (saved[0], saved[1], saved[2], saved[3], saved[4])
    let dy = gradient.contiguous()
    let batch = q.shape[0]
    let (dq, dk, dv) = (
      Tensor(uninitialized: q.shape), Tensor(uninitialized: k.shape),
      Tensor(uninitialized: v.shape)
    )
    let problem = Problem(q, k, v, self)
    let (pq, pk, pv) = (q.pointer(Float.self), k.pointer(Float.self), v.pointer(Float.self))
    let (py, ps, pg) = (y.pointer(Float.self), sums.pointer(Float.self), dy.pointer(Float.self))
    let (gq, gk, gv) = (dq.pointer(Float.self), dk.pointer(Float.self), dv.pointer(Float.self))
    problem.each(batch, workspace: saker_attention_gradient_workspace(problem.head)) {
      index, space in
      let (atQ, atK, atV, atY) = (
        index * problem.queryCount, index * problem.keyCount, index * problem.valueCount,
        index * problem.resultCount
      )
      saker_attention_gradient_f32(
        problem.head(index), pq + atQ, pk + atK, pv + atV, py + atY, ps + index * q.shape[1],
        pg + atY, gq + atQ, gk + atK, gv + atV, space)
    }
    withExtendedLifetime((saved, dy, mask)) {}
    return [dq, dk, dv]
  }

  /// What all heads have in common, and where each finds its mask.
  private struct Problem {
    let head: saker_attention
    let queryCount, keyCount, valueCount, resultCount: Int
    private let mask: UnsafeMutablePointer<Float>?
    private let maskOffsets: [Int]

    init(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ attention: Attention) {
      let (l, s, e, f) = (q.shape[1], k.shape[1], q.shape[2], v.shape[2])
      (queryCount, keyCount, valueCount, resultCount) = (l * e, s * e, s * f, l * f)
      mask = attention.mask?.pointer(Float.self)
      var offsets = [0]
      if let mask = attention.mask {
        for axis in 0..<mask.rank - 2 {
          offsets = offsets.flatMap { start in
            (0..<mask.shape[axis]).map { start + $0 * mask.strides[axis] }
          }
        }
      }
      maskOffsets = offsets
      head = saker_attention(
        queries: l, keys: s, width: e, value_width: f, scale: attention.scale,
        causal: attention.isCausal ? 1 : 0, mask: nil,
        mask_step: attention.mask.map { $0.strides[$0.rank - 2] } ?? 0)
    }

    func head(_ index: Int) -> saker_attention {
      var head = head
      head.mask = mask.map { UnsafePointer($0 + maskOffsets[index]) }
      return head
    }

    /// Calls `body` for each item with workspace of the thread it runs on.
    func each(
      _ items: Int, workspace: Int, _ body: (Int, UnsafeMutablePointer<Float>) -> Void
    ) {
      let work = head.queries * head.keys * (head.width + head.value_width)
      Parallel.run(items, grain: max(1, 65536 / max(work, 1))) { part in
        let space = UnsafeMutablePointer<Float>.allocate(capacity: workspace)
        for item in part { body(item, space) }
        space.deallocate()
      }
    }
  }
}

/// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v`. Vaswani et al.,
/// arXiv:1706.03762, equation 1.
///
/// A query that sees no key gives 0, and so are its gradients. The matrix of weights is never
/// stored, in training either, unless a gradient flows into `mask`.
///
/// - Parameters:
///   - q: queries, `[..., queries, e]`.
///   - k, v: keys `[..., keys, e]` and values `[..., keys, f]`; axes in front broadcast.
///   - mask: broadcasts to `[..., queries, keys]`. Of `bool`: true where a query may see a key.
///     Floating: added to the scores.
///   - causal: whether query i sees keys 0...i only.
///   - scale: 1/√e if left out.
/// - Returns: `[..., queries, f]`, the type of `q`; computed in float32.
public func scaledDotProductAttention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, causal: Bool = false,
  scale: Float? = nil
) -> Tensor {
  let name = "scaledDotProductAttention"
  check(
    [q, k, v].allSatisfy { $0.rank >= 2 && $0.dtype.isFloating }, op: name,
    expected: "floating tensors [..., length, width]",
    got: "\(q.dtype) \(q.shape), \(k.dtype) \(k.shape), \(v.dtype) \(v.shape)")
  let (l, e) = (q.shape[q.rank - 2], q.shape[q.rank - 1])
  let (s, f) = (k.shape[k.rank - 2], v.shape[v.rank - 1])
  check(
    k.shape[k.rank - 1] == e && v.shape[v.rank - 2] == s && e > 0, op: name,
    expected: "keys [..., \(s), \(e)] and values [..., \(s), f] for queries \(q.shape)",
    got: "\(k.shape), \(v.shape)")
  let outers = [q, k, v].map { Shape($0.shape.dropLast(2)) }
  guard let pair = outers[0].broadcast(with: outers[1]), let outer = pair.broadcast(with: outers[2])
  else {
    fatalError(
      "\(name): expected batch axes that broadcast, got \(q.shape), \(k.shape), \(v.shape)")
  }
  check(
    mask == nil
      || (mask!.dtype == .bool || mask!.dtype.isFloating)
        && mask!.shape.broadcast(with: Shape(outer.sizes + [l, s])) == Shape(outer.sizes + [l, s]),
    op: name, expected: "a bool or floating mask that broadcasts to \(outer.sizes + [l, s])",
    got: "\(mask!.dtype) \(mask!.shape)")
  func matrices(_ x: Tensor) -> Tensor {
    let sizes = Array(x.shape.suffix(2))
    return x.converted(to: .float32).expand(Shape(outer.sizes + sizes))
      .reshape(Shape([outer.elements] + sizes))
  }
  let scale = scale ?? 1 / Float(e).squareRoot()
  let additive = mask.map { mask in
    mask.dtype == .bool
      ? Tensor.where(mask, Tensor(0), -.infinity) : mask.converted(to: .float32)
  }
  let result: Tensor
  if let additive, additive.isRecorded, isRecordingGradients {
    let mask = additive.expand(Shape(outer.sizes + [l, s])).reshape([outer.elements, l, s])
    result = composed(matrices(q), matrices(k), matrices(v), mask, causal, scale)
  } else {
    let attention = Attention(
      scale: scale, isCausal: causal,
      mask: additive.map { $0.withRowsWithoutHoles(s).expand(Shape(outer.sizes + [l, s])) })
    result = apply(attention, matrices(q), matrices(k), matrices(v))
  }
  return result.reshape(Shape(outer.sizes + [l, f])).converted(to: q.dtype)
}

extension Tensor {
  /// Without gradient and with a last axis of `count` numbers next to each other, also where one
  /// was meant for all.
  fileprivate func withRowsWithoutHoles(_ count: Int) -> Tensor {
    let dense = detached().contiguous()
    if dense.rank > 0 && dense.shape[rank - 1] == count { return dense }
    return dense.spread(to: Shape(Array(shape.dropLast()) + [count])).contiguous()
  }
}

/// With the weights in memory, for masks that learn.
private func composed(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, _ mask: Tensor, _ causal: Bool, _ scale: Float
) -> Tensor {
  let scores = matmul(q, k.transposed()) * scale + mask
  return matmul(attentionWeights(scores, causal: causal), v)
}

/// `softmax` of scores `[..., queries, keys]`, 0 along rows of which nothing is visible.
public func attentionWeights(_ scores: Tensor, causal: Bool = false) -> Tensor {
  check(
    scores.rank >= 2 && scores.dtype.isFloating, op: "attentionWeights",
    expected: "floating [..., queries, keys]", got: "\(scores.dtype) \(scores.shape)")
  let (l, s) = (scores.shape[scores.rank - 2], scores.shape[scores.rank - 1])
  guard s > 0 else { return scores }
  var hidden = scores.detached() .== -.infinity
  if causal {
    let later = Tensor.arange(s).unsqueeze(0) .> Tensor.arange(l).unsqueeze(1)
    hidden = (hidden .| later)
  }
  let blind = hidden.all(axes: [-1], keepingAxes: true)
  let open = scores.filled(where: hidden, with: -.infinity).filled(where: blind, with: 0)
  return softmax(open).filled(where: blind, with: 0)
}
