import COneDNN

/// The attributes of a pooling, one number for each spatial axis: (height, width), or
/// (depth, height, width).
struct PoolingAttributes: Hashable {
  enum Kind: Int { case max, average, averageCountingPadding }
  var kind: Kind
  var kernel: [Int]
  var stride: [Int]
  var before: [Int]
  var after: [Int]
  var dilation: [Int]

  fileprivate var numbers: [Int] {
    [kind.rawValue] + kernel + stride + before + after + dilation
  }

  func output(_ x: Shape) -> Shape {
    let sides = stride.indices.map { axis in
      let reach = dilation[axis] * (kernel[axis] - 1) + 1
      return (x[axis + 2] + before[axis] + after[axis] - reach) / stride[axis] + 1
    }
    return Shape([x[0], x[1]] + sides)
  }
}

extension Kernels {
  private struct Pooling {
    let attributes: PoolingAttributes
    let x, y: Tensor
    let training: Bool

    private var key: [Int] { Kernels.key(x) + attributes.numbers + [training ? 1 : 0] }

    private func describe(_ pass: saker_pass, _ hint: OpaquePointer?) -> OpaquePointer {
      let kind =
        switch attributes.kind {
        case .max: dnnl_pooling_max
        case .average: dnnl_pooling_avg_exclude_padding
        case .averageCountingPadding: dnnl_pooling_avg_include_padding
        }
      var description: OpaquePointer?
      let engine = Engine.shared
      demand(
        saker_pooling(
          &description, engine.engine, pass, hint, kind, MemoryDescription(x).raw,
          MemoryDescription(y).raw, Int32(attributes.stride.count),
          attributes.stride.map(Int64.init), attributes.kernel.map(Int64.init),
          attributes.dilation.map { Int64($0 - 1) },
          attributes.before.map(Int64.init), attributes.after.map(Int64.init),
          engine.attributes),
        "pooling of \(x.shape)")
      return description!
    }

    private func workspace(_ description: OpaquePointer) -> [(Int32, OpaquePointer)] {
      guard let workspace = saker_pd_md(description, dnnl_query_workspace_md),
        saker_md_size(workspace) > 0
      else { return [] }
      return [(DNNL_ARG_WORKSPACE, workspace)]
    }

    func forward() -> Primitive {
      PrimitiveCache.shared.primitive("pooling", key) {
        let description = describe(training ? saker_training : saker_inference, nil)
        return Primitive(
          description,
          [
            (DNNL_ARG_SRC, saker_pd_md(description, dnnl_query_src_md)!),
            (DNNL_ARG_DST, saker_pd_md(description, dnnl_query_dst_md)!),
          ] + workspace(description))
      }
    }

    func backward() -> Primitive {
      PrimitiveCache.shared.primitive("pooling backward", key) {
        let forward = forward()
        let description = describe(saker_backward_data, forward.description)
        return Primitive(
          description,
          [
            (DNNL_ARG_DIFF_DST, saker_pd_md(description, dnnl_query_diff_dst_md)!),
            (DNNL_ARG_DIFF_SRC, saker_pd_md(description, dnnl_query_diff_src_md)!),
          ] + workspace(description))
      }
    }
  }

  /// `x` channels-last. The workspace holds where the largest values stood.
  static func pooling(
    _ x: Tensor, _ attributes: PoolingAttributes, training: Bool
  ) -> (y: Tensor, workspace: Tensor?) {
    let y = Tensor(uninitializedImage: attributes.output(x.shape), x.dtype)
    let primitive = Pooling(attributes: attributes, x: x, y: y, training: training).forward()
    let bytes = primitive.bytes(dnnl_query_workspace_md)
    guard bytes > 0 else {
      primitive.execute(x.raw, y.raw)
      return (y, nil)
    }
    let workspace = Tensor(uninitialized: [bytes], .uint8)
    primitive.execute(x.raw, y.raw, workspace.raw)
    return (y, workspace)
  }

  static func poolingBackward(
    _ gradient: Tensor, _ xShape: Shape, _ attributes: PoolingAttributes, workspace: Tensor?
  ) -> Tensor {
    let dx = Tensor(uninitializedImage: xShape, gradient.dtype)
    let primitive = Pooling(attributes: attributes, x: dx, y: gradient, training: true)
      .backward()
    if let workspace {
      primitive.execute(gradient.raw, dx.raw, workspace.raw)
    } else {
      primitive.execute(gradient.raw, dx.raw)
    }
    return dx
  }
}
