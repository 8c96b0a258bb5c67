import CKernels
import COneDNN

extension Kernels {
  /// Softmax, or its logarithm, along the last axis of contiguous float32 rows.
  private static func softmaxPrimitive(_ x: Tensor, log: Bool, backward: Bool) -> Primitive {
    let length = x.shape[x.rank - 1]
    let rows = x.count / length
    let layout = MemoryDescription([rows, length], .float32, [length, 1])
    let kind = log ? dnnl_softmax_log : dnnl_softmax_accurate
    func describe(_ pass: saker_pass, _ hint: OpaquePointer?) -> OpaquePointer {
      var description: OpaquePointer?
      demand(
        saker_softmax(
          &description, Engine.shared.engine, pass, hint, kind, layout.raw, 1,
          Engine.shared.attributes),
        "softmax of \(x.shape)")
      return description!
    }
    let numbers = [rows, length, log ? 1 : 0]
    let forward = PrimitiveCache.shared.primitive("softmax", numbers) {
      Primitive(
        describe(saker_training, nil), [(DNNL_ARG_SRC, layout.raw), (DNNL_ARG_DST, layout.raw)])
    }
    guard backward else { return forward }
    return PrimitiveCache.shared.primitive("softmax backward", numbers) {
      Primitive(
        describe(saker_backward_data, forward.description),
        [
          (DNNL_ARG_DST, layout.raw), (DNNL_ARG_DIFF_DST, layout.raw),
          (DNNL_ARG_DIFF_SRC, layout.raw),
        ])
    }
  }

  static func softmax(_ x: Tensor, log: Bool) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    if x.count > 0, x.count <= 1024 {
      let (from, to, length) = (x.pointer(Float.self), y.pointer(Float.self), x.shape[x.rank - 1])
      for row in stride(from: 0, to: x.count, by: length) {
        saker_softmax_lanes_f32(from + row, length, 1, 0, 1, log ? 1 : 0, to + row)
      }
      return withExtendedLifetime(x) { y }
    }
    if x.count > 0 { softmaxPrimitive(x, log: log, backward: false).execute(x.raw, y.raw) }
    return y
  }

  static func softmaxBackward(_ y: Tensor, _ gradient: Tensor, log: Bool) -> Tensor {
    let dx = Tensor(uninitialized: y.shape)
    if y.count > 0 {
      softmaxPrimitive(y, log: log, backward: true).execute(y.raw, gradient.raw, dx.raw)
    }
    return dx
  }
}
