import CKernels

/// `softmax(scale · q kᵀ + mask) v` for each matrix of a batch, in blocks: the weights, `[queries, keys]`, never lie in
/// memory. Dao et al., arXiv:2205.14135.
struct Attention: Operation {
  let scale: Float
  let isCausal: Bool
  /// Added to the scores: float32, broadcasts to `[batch, queries, keys]`; a constant.
  let mask: Tensor?

  /// - Parameter inputs: q `[batch, queries, e]`, k `[batch, keys, e]`, v `[batch, keys, f]`, float32.
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
    problem.each(batch) { index, head, space in
      saker_attention_f32(
        head, pq + index * problem.queryCount, pk + index * problem.keyCount,
        pv + index * problem.valueCount, py + index * problem.resultCount,
        ps + index * head.queries, space)
    }
    withExtendedLifetime((q, k, v, mask)) {}
    saved.keep(q, k, v, y, sums)
    return y
  }

  /// The weights p are computed again, from the logarithms of their sums. With d the sums of dy · y along rows:
  /// dv = pᵀ dy, dq = scale · ds k, dk = scale · dsᵀ q, where ds = p (dy vᵀ − d).
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
    problem.each(batch) { index, head, space in
      let (atQ, atK, atV, atY) = (
        index * problem.queryCount, index * problem.keyCount, index * problem.valueCount,
        index * problem.resultCount
      )
      saker_attention_gradient_f32(
        head, pq + atQ, pk + atK, pv + atV, py + atY, ps + index * head.queries, pg + atY,
        gq + atQ, gk + atK, gv + atV, space)
    }
    withExtendedLifetime((saved, dy, mask)) {}
    return [dq, dk, dv]
  }

  /// What all heads have in common, and where each finds its mask.
  private struct Problem {
    let head: saker_attention
    let queryCount, keyCount, valueCount, resultCount: Int
    private let mask: UnsafeMutablePointer<Float>?
    private let maskStride: Int

    init(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ attention: Attention) {
      let (l, s, e, f) = (q.shape[1], k.shape[1], q.shape[2], v.shape[2])
      (queryCount, keyCount, valueCount, resultCount) = (l * e, s * e, s * f, l * f)
      mask = attention.mask?.pointer(Float.self)
      maskStride = attention.mask?.strides[0] ?? 0
      head = saker_attention(
        queries: l, keys: s, width: e, value_width: f, scale: attention.scale,
        causal: attention.isCausal ? 1 : 0, mask: nil, mask_step: attention.mask?.strides[1] ?? 0)
    }

    /// Calls `body` for each matrix with workspace of the thread it runs on.
    func each(
      _ batch: Int, _ body: (Int, saker_attention, UnsafeMutablePointer<Float>) -> Void
    ) {
      let work = head.queries * head.keys * (head.width + head.value_width)
      Parallel.run(batch, grain: max(1, 65536 / max(work, 1))) { part in
        withUnsafeTemporaryAllocation(
          of: Float.self, capacity: saker_attention_workspace(head)
        ) { space in
          for index in part {
            var head = head
            head.mask = mask.map { UnsafePointer($0 + index * maskStride) }
            body(index, head, space.baseAddress!)
          }
        }
      }
    }
  }
}

/// Scaled dot-product attention, `softmax(scale · q kᵀ + mask) v`. Vaswani et al., arXiv:1706.03762, equation 1.
///
/// A query that sees no key gives 0, and so are its gradients. The matrix of weights is never stored, in training either,
/// unless a gradient flows into `mask`.
///
/// - Parameters:
///   - q: queries, `[..., queries, e]`.
///   - k, v: keys `[..., keys, e]` and values `[..., keys, f]`; axes in front broadcast.
///   - mask: broadcasts to `[..., queries, keys]`. Of `bool`: true where a query may see a key. Floating: added to the
///     scores.
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
  func flat(_ x: Tensor) -> Tensor {
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
  if let additive, additive.isRecorded {
    result = composed(flat(q), flat(k), flat(v), flat(additive, outer, l, s), causal, scale)
  } else {
    let attention = Attention(
      scale: scale, isCausal: causal, mask: additive.map { withoutCopies($0, outer, l, s) })
    result = apply(attention, flat(q), flat(k), flat(v))
  }
  return result.reshape(Shape(outer.sizes + [l, f])).converted(to: q.dtype)
}

private func flat(_ mask: Tensor, _ outer: Shape, _ l: Int, _ s: Int) -> Tensor {
  mask.expand(Shape(outer.sizes + [l, s])).reshape([outer.elements, l, s])
}

/// `[batch, queries, keys]` whose rows lie without holes; what repeats lies there once where strides can say so.
private func withoutCopies(_ mask: Tensor, _ outer: Shape, _ l: Int, _ s: Int) -> Tensor {
  var mask = mask.detached().contiguous()
  if mask.rank == 0 || mask.shape[mask.rank - 1] != s {
    mask = mask.spread(to: Shape((mask.rank < 2 ? [] : Array(mask.shape.dropLast())) + [s]))
      .contiguous()
  }
  return flat(mask, outer, l, s).rowsWithoutHoles
}

extension Tensor {
  fileprivate var rowsWithoutHoles: Tensor {
    shape[rank - 1] == 1 || strides[rank - 1] == 1 ? self : contiguous()
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
  let (l, s) = (scores.shape[scores.rank - 2], scores.shape[scores.rank - 1])
  guard s > 0 else { return scores }
  var hidden = scores.detached() .== -.infinity
  if causal {
    let later = Tensor.arange(s).unsqueeze(0) .> Tensor.arange(l).unsqueeze(1)
    hidden = hidden .| later
  }
  let blind = hidden.all(axes: [-1], keepingAxes: true)
  let open = scores.filled(where: hidden, with: -.infinity).filled(where: blind, with: 0)
  return softmax(open).filled(where: blind, with: 0)
}
