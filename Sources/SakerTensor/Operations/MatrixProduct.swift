import CKernels

/// Products of `[batch, m, k]` and `[batch, k, n]`, plus a bias `[n]` if there is a third input. A
/// batch of 1 repeats.
struct MatrixProduct: TensorOperation {
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (a, b) = (inputs[0], inputs[1])
    saved.keep(a, b)
    let bias = inputs.count > 2 ? inputs[2].converted(to: .float32).contiguous() : nil
    return MatrixProduct.compute(a, b, bias: bias)
  }

  /// da = dy bᵀ, db = aᵀ dy, summed over a batch that repeats.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (a, b) = (saved[0], saved[1])
    var result: [Tensor?] = [nil, nil]
    if saved.needs[0] {
      result[0] = MatrixProduct.compute(gradient, b.transposed(), bias: nil)
        .summed(to: a.shape).converted(to: a.dtype)
    }
    if saved.needs[1] {
      // With one matrix for a whole batch, the batch is more rows of one product.
      let flat = b.shape[0] == 1 && a.shape[0] > 1
      let rows = flat ? a.reshape([1, -1, a.shape[2]]) : a
      let grad = flat ? gradient.reshape([1, -1, gradient.shape[2]]) : gradient
      // A matrix that lies by columns, such as a layer's transposed weight, gets its gradient by
      // columns: turning 100 million numbers around takes longer than computing them.
      let byColumns = b.strides[1] == 1 && b.strides[2] > 1
      let product =
        byColumns
        ? MatrixProduct.compute(grad.transposed(), rows, bias: nil).transposed()
        : MatrixProduct.compute(rows.transposed(), grad, bias: nil)
      result[1] = product.summed(to: b.shape).converted(to: b.dtype)
    }
    if saved.needs.count > 2 {
      result.append(
        saved.needs[2]
          ? gradient.converted(to: .float32).sum(axes: [0, 1]).reshape(saved.shapes[2]) : nil)
    }
    return result
  }

  /// In `a`'s type where kernels have it, else in float32.
  private static func compute(_ a: Tensor, _ b: Tensor, bias: Tensor?) -> Tensor {
    let dtype: DType = a.dtype == .bfloat16 && Engine.hasBFloat16 ? .bfloat16 : .float32
    return Kernels.product(
      a.converted(to: dtype), b.converted(to: dtype), bias: bias, into: dtype
    ).converted(to: a.dtype)
  }
}

/// The product of two float32 matrices: without the views that batches need, which cost more
/// than a small product.
struct PlainProduct: BinaryOperation {
  var name: String { "matrixProduct" }

  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(a, b)
    return PlainProduct.compute(a, b)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved[0], saved[1])
    let da = saved.needs[0] ? PlainProduct.compute(gradient, b.turned) : nil
    guard saved.needs[1] else { return (da, nil) }
    // As above: by columns where the matrix lies by columns.
    let byColumns = b.strides[0] == 1 && b.strides[1] > 1
    let db =
      byColumns
      ? PlainProduct.compute(gradient.turned, a).turned : PlainProduct.compute(a.turned, gradient)
    return (da, db)
  }

  private static func compute(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    if m * k * n <= 4096, k > 0 {
      let y = Tensor(uninitialized: [m, n])
      saker_small_product_f32(
        a.pointer(), a.strides[0], a.strides[1], b.pointer(), b.strides[0], b.strides[1],
        y.pointer(), m, k, n)
      return withExtendedLifetime((a, b)) { y }
    }
    let y = Kernels.product(a.asBatch, b.asBatch, bias: nil, into: .float32)
    return Tensor(storage: y.storage, shape: [m, n], strides: [n, 1], offset: 0, dtype: .float32)
  }
}

extension Tensor {
  /// A matrix as a batch of one: a view.
  fileprivate var asBatch: Tensor {
    Tensor(
      storage: storage, shape: Shape([1] + shape.sizes), strides: [count] + strides, offset: offset,
      dtype: dtype)
  }

  /// A matrix with rows for columns: a view.
  fileprivate var turned: Tensor {
    Tensor(
      storage: storage, shape: [shape[1], shape[0]], strides: [strides[1], strides[0]],
      offset: offset, dtype: dtype)
  }
}

/// The matrix product over the last two axes; axes in front broadcast. A vector is a row on the
/// left, a column on the right, and loses that axis in the result.
///
/// - Parameters:
///   - a: `[..., m, k]`; its type is the result's.
///   - b: `[..., k, n]`, of the same type, or float32 for a lower `a`.
///   - bias: `[n]`, added to each row.
public func matmul(_ a: Tensor, _ b: Tensor, adding bias: Tensor? = nil) -> Tensor {
  check(
    a.rank >= 1 && b.rank >= 1 && a.dtype.isFloating && b.dtype.isFloating, op: "matmul",
    expected: "floating tensors with axes", got: "\(a.dtype) \(a.shape), \(b.dtype) \(b.shape)")
  if a.rank == 2, b.rank == 2, bias == nil, a.dtype == .float32, b.dtype == .float32,
    a.shape[1] == b.shape[0]
  {
    return apply(PlainProduct(), a, b)
  }
  let left = a.rank == 1 ? a.unsqueeze(0) : a
  let right = b.rank == 1 ? b.unsqueeze(1) : b
  let (m, k, n) = (
    left.shape[left.rank - 2], left.shape[left.rank - 1], right.shape[right.rank - 1]
  )
  check(
    right.shape[right.rank - 2] == k, op: "matmul",
    expected: "[..., \(k), n] on the right of \(a.shape)",
    got: b.shape)
  check(
    bias == nil || bias!.shape == [n], op: "matmul", expected: "a bias [\(n)]",
    got: bias?.shape ?? [])
  let outerA = Shape(left.shape.sizes.dropLast(2))
  let outerB = Shape(right.shape.sizes.dropLast(2))
  guard let outer = outerA.broadcast(with: outerB) else {
    fatalError("matmul: expected batch axes that broadcast, got \(a.shape) and \(b.shape)")
  }
  var product: Tensor
  if outerB.elements == 1 {
    // One matrix on the right: all rows of the left are one product.
    let rows = left.reshape([1, outerA.elements * m, k])
    product = multiply(rows, right.reshape([1, k, n]), bias)
  } else {
    let x =
      outerA.elements == 1
      ? left.reshape([1, m, k]) : left.expand(Shape(outer.sizes + [m, k])).reshape([-1, m, k])
    let y = right.expand(Shape(outer.sizes + [k, n])).reshape([-1, k, n])
    product = multiply(x, y, bias)
  }
  product = product.reshape(Shape(outer.sizes + [m, n]))
  if a.rank == 1 { product = product.squeeze(-2) }
  return b.rank == 1 ? product.squeeze(-1) : product
}

private func multiply(_ a: Tensor, _ b: Tensor, _ bias: Tensor?) -> Tensor {
  apply(MatrixProduct(), to: [a, b] + (bias.map { [$0] } ?? []))
}
