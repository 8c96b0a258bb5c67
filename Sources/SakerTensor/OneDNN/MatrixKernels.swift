import CKernels
import COneDNN

extension Kernels {
  /// `a [batch, m, k]` times `b [batch, k, n]`, plus a float32 bias `[n]`. Each matrix may lie by
  /// rows or by columns, so a transposed view needs no copy; a batch of 1 repeats.
  static func product(_ a: Tensor, _ b: Tensor, bias: Tensor?, into dtype: DType) -> Tensor {
    let (m, k, n) = (a.shape[1], a.shape[2], b.shape[2])
    let batch = max(a.shape[0], b.shape[0])
    let y = Tensor(uninitialized: [batch, m, n], dtype)
    if y.count == 0 { return y }
    if k == 0 {
      let zeros = Tensor.zeros(y.shape, dtype)
      return bias.map { BinaryFunction.add(zeros, $0.converted(to: dtype)) } ?? zeros
    }
    if dtype == .float32, bias == nil, a.dtype == .float32, b.dtype == .float32, batch == 1 {
      if m * k * n <= 4096 {
        saker_small_product_f32(
          a.pointer(), a.strides[1], a.strides[2], b.pointer(), b.strides[1], b.strides[2],
          y.pointer(), m, k, n)
        return withExtendedLifetime((a, b)) { y }
      }
      if n == 1, a.strides[2] == 1, a.strides[1] == k, b.strides[1] == 1 || k == 1 {
        let (from, by, to) = (
          a.pointer(Float.self), b.pointer(Float.self), y.pointer(Float.self)
        )
        Parallel.run(m, grain: max(1, 16384 / k)) { part in
          let row = part.lowerBound
          saker_rows_times_vector_f32(from + row * k, by, part.count, k, to + row)
        }
        return withExtendedLifetime((a, b)) { y }
      }
    }
    let (a, b) = (a.asMatrices, b.asMatrices)
    let numbers =
      [a, b, y].flatMap { [$0.dtype.dnnl.hashNumber] + $0.shape.sizes + $0.strides }
      + [bias == nil ? 0 : 1]
    let primitive = PrimitiveCache.shared.primitive("product", numbers) {
      let (la, lb, ly) = (
        MemoryDescription(a.shape, a.dtype, a.strides),
        MemoryDescription(b.shape, b.dtype, b.strides),
        MemoryDescription(y.shape, y.dtype, y.strides)
      )
      let lbias = bias.map { _ in MemoryDescription([1, 1, n], .float32, [n, n, 1]) }
      var description: OpaquePointer?
      demand(
        saker_matmul(
          &description, Engine.shared.engine, la.raw, lb.raw, lbias?.raw, ly.raw,
          Engine.shared.attributes),
        "product of \(a.shape) and \(b.shape)")
      var slots = [
        (DNNL_ARG_SRC, saker_pd_md(description!, dnnl_query_src_md)!),
        (DNNL_ARG_WEIGHTS, saker_pd_md(description!, dnnl_query_weights_md)!),
        (DNNL_ARG_DST, saker_pd_md(description!, dnnl_query_dst_md)!),
      ]
      if let lbias { slots.append((DNNL_ARG_BIAS, lbias.raw)) }
      return Primitive(description!, slots)
    }
    if let bias {
      primitive.execute(a.raw, b.raw, y.raw, bias.raw)
    } else {
      primitive.execute(a.raw, b.raw, y.raw)
    }
    return y
  }
}

extension Tensor {
  /// Itself if each matrix of `[batch, rows, columns]` lies by rows or by columns without
  /// gaps, else a copy.
  fileprivate var asMatrices: Tensor {
    let (batch, rows, columns) = (shape[0], shape[1], shape[2])
    let outer = batch == 1 || strides[0] == rows * columns
    let byRows = (columns == 1 || strides[2] == 1) && (rows == 1 || strides[1] == columns)
    let byColumns = (rows == 1 || strides[1] == 1) && (columns == 1 || strides[2] == rows)
    guard outer && (byRows || byColumns) else { return contiguous() }
    // Strides of axes of size 1 are free; oneDNN wants the plain ones.
    return Tensor(
      storage: storage, shape: shape,
      strides: byRows ? [rows * columns, columns, 1] : [rows * columns, 1, rows],
      offset: offset, dtype: dtype)
  }
}
