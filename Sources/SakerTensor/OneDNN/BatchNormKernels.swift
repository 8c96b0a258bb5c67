import COneDNN

extension Kernels {
  /// Batch normalization's passes for one layout. Scale and shift are always passed, ones and zeros
  /// where a layer has none.
  private struct BatchNorm {
    let x: Tensor
    let epsilon: Float
    let relu: Bool
    /// Mean and variance are given, not computed.
    let hasStatistics: Bool
    let training: Bool

    private var key: [Int] {
      Kernels.key(x) + [
        Int(epsilon.bitPattern), relu ? 1 : 0, hasStatistics ? 1 : 0, training ? 1 : 0,
      ]
    }

    private var flags: UInt32 {
      var flags = dnnl_use_scale.rawValue | dnnl_use_shift.rawValue
      if relu { flags |= dnnl_fuse_norm_relu.rawValue }
      if hasStatistics { flags |= dnnl_use_global_stats.rawValue }
      return flags
    }

    private func describe(_ pass: saker_pass, _ hint: OpaquePointer?) -> OpaquePointer {
      var description: OpaquePointer?
      let engine = Engine.shared
      demand(
        saker_batch_norm(
          &description, engine.engine, pass, hint, MemoryDescription(x).raw, epsilon, flags,
          engine.attributes),
        "batch normalization of \(x.shape)")
      return description!
    }

    func forward() -> Primitive {
      PrimitiveCache.shared.primitive("batch norm", key) {
        let description = describe(training ? saker_training : saker_inference, nil)
        let vector = MemoryDescription(vector: x.shape[1]).raw
        var slots = [
          (DNNL_ARG_SRC, saker_pd_md(description, dnnl_query_src_md)!),
          (DNNL_ARG_DST, saker_pd_md(description, dnnl_query_dst_md)!),
          (DNNL_ARG_SCALE, vector), (DNNL_ARG_SHIFT, vector),
          (DNNL_ARG_MEAN, vector), (DNNL_ARG_VARIANCE, vector),
        ]
        if let workspace = saker_pd_md(description, dnnl_query_workspace_md),
          saker_md_size(workspace) > 0
        {
          slots.append((DNNL_ARG_WORKSPACE, workspace))
        }
        return Primitive(description, slots)
      }
    }

    func backward() -> Primitive {
      PrimitiveCache.shared.primitive("batch norm backward", key) {
        let forward = forward()
        let description = describe(saker_backward_data, forward.description)
        let vector = MemoryDescription(vector: x.shape[1]).raw
        var slots = [
          (DNNL_ARG_SRC, saker_pd_md(description, dnnl_query_src_md)!),
          (DNNL_ARG_DIFF_DST, saker_pd_md(description, dnnl_query_diff_dst_md)!),
          (DNNL_ARG_DIFF_SRC, saker_pd_md(description, dnnl_query_diff_src_md)!),
          (DNNL_ARG_SCALE, vector), (DNNL_ARG_MEAN, vector), (DNNL_ARG_VARIANCE, vector),
          (DNNL_ARG_DIFF_SCALE, vector), (DNNL_ARG_DIFF_SHIFT, vector),
        ]
        // Version 2 wants the shift, whose value no gradient depends on.
        if saker_dnnl_major() < 3 { slots.append((DNNL_ARG_SHIFT, vector)) }
        if let workspace = saker_pd_md(description, dnnl_query_workspace_md),
          saker_md_size(workspace) > 0
        {
          slots.append((DNNL_ARG_WORKSPACE, workspace))
        }
        return Primitive(description, slots)
      }
    }
  }

  /// Normalizes `x` (dense, channels-last for images); with `statistics` by those, else by the
  /// batch's own, which come back. The workspace holds where the ReLU let values through.
  static func batchNorm(
    _ x: Tensor, scale: Tensor, shift: Tensor, statistics: (mean: Tensor, variance: Tensor)?,
    epsilon: Float, relu: Bool, training: Bool
  ) -> (y: Tensor, mean: Tensor, variance: Tensor, workspace: Tensor?) {
    let primitive = BatchNorm(
      x: x, epsilon: epsilon, relu: relu, hasStatistics: statistics != nil, training: training
    ).forward()
    let y = Tensor(uninitialized: x.shape, x.dtype, strides: x.packedStrides)
    let mean = statistics?.mean ?? Tensor(uninitialized: [x.shape[1]])
    let variance = statistics?.variance ?? Tensor(uninitialized: [x.shape[1]])
    let bytes = primitive.bytes(dnnl_query_workspace_md)
    guard bytes > 0 else {
      primitive.execute(x.raw, y.raw, scale.raw, shift.raw, mean.raw, variance.raw)
      return (y, mean, variance, nil)
    }
    let workspace = Tensor(uninitialized: [bytes], .uint8)
    primitive.execute(
      x.raw, y.raw, scale.raw, shift.raw, mean.raw, variance.raw, workspace.raw)
    return (y, mean, variance, workspace)
  }

  static func batchNormBackward(
    _ gradient: Tensor, _ x: Tensor, scale: Tensor, mean: Tensor, variance: Tensor,
    workspace: Tensor?, epsilon: Float, relu: Bool, hasStatistics: Bool
  ) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let primitive = BatchNorm(
      x: x, epsilon: epsilon, relu: relu, hasStatistics: hasStatistics, training: true
    ).backward()
    let dx = Tensor(uninitialized: x.shape, x.dtype, strides: x.packedStrides)
    let dScale = Tensor(uninitialized: [x.shape[1]])
    let dShift = Tensor(uninitialized: [x.shape[1]])
    var memory = [
      x.raw, gradient.raw, dx.raw, scale.raw, mean.raw, variance.raw, dScale.raw, dShift.raw,
    ]
    if saker_dnnl_major() < 3 { memory.append(scale.raw) }
    if let workspace { memory.append(workspace.raw) }
    primitive.execute(memory)
    return (dx, dScale, dShift)
  }
}
