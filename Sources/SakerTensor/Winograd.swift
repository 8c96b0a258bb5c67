import CKernels

/// 3x3 convolutions by our own kernels, which need a quarter of the multiplications: see `winograd.h`. Their results differ
/// from direct ones by about 1e-6 of the largest.
enum Winograd {
  /// Whether a convolution is of the form that the kernels compute, and large enough in channels to be faster by them.
  static func suits(_ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes) -> Bool {
    weight[2] == 3 && weight[3] == 3 && attributes.stride == [1, 1]
      && attributes.dilation == [1, 1] && attributes.before == [1, 1]
      && attributes.after == [1, 1] && attributes.groups == 1
      && weight[0] % 16 == 0 && weight[1] % 16 == 0
      && min(weight[0], weight[1]) >= leastChannels && x[2] >= 4 && x[3] >= 4 && isAvailable
  }

  private static let isAvailable = saker_winograd_available() != 0
  /// Below, the transforms cost more than the products save. Measured; see docs/decisions.
  private static let leastChannels = 16

  private static func shape(_ x: Shape, in inputs: Int, out outputs: Int) -> saker_winograd {
    saker_winograd(
      pictures: Int32(x[0]), height: Int32(x[2]), width: Int32(x[3]), in: Int32(inputs),
      out: Int32(outputs))
  }

  /// Calls `body` on each of the compute threads.
  private static func workers(_ count: Int, _ body: (Int32) -> Void) {
    Parallel.run(count) { part in
      for id in part { body(Int32(id)) }
    }
  }

  /// `x` channels-last, `weight` row-major `[out, in, 3, 3]`; with `turned` weights the gradient of the input from that
  /// of the result. Packed weights stay beside the weight while it does not change, if `keeping`.
  static func convolve(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, turned: Bool, relu: Bool, keeping: Bool
  ) -> Tensor {
    let (outputs, inputs) =
      turned ? (weight.shape[1], weight.shape[0]) : (weight.shape[0], weight.shape[1])
    let shape = shape(x.shape, in: inputs, out: outputs)
    let y = Tensor(uninitializedImage: [x.shape[0], outputs, x.shape[2], x.shape[3]])
    let count = Parallel.threads
    let packed = packed(weight, shape, turned: turned, keeping: keeping, count)
    let floats = (Int(saker_winograd_workspace(shape)) + 15) / 16 * 16
    let workspace = Tensor(uninitialized: [count, floats])
    let (from, by, to, space) = (
      x.pointer(Float.self), packed.pointer.assumingMemoryBound(to: Float.self),
      y.pointer(Float.self), workspace.pointer(Float.self)
    )
    let plus = bias?.pointer(Float.self)
    workers(count) { id in
      saker_winograd_convolve(
        shape, from, by, plus, relu ? 1 : 0, to, space + Int(id) * floats, id, Int32(count))
    }
    return y
  }

  private static func packed(
    _ weight: Tensor, _ shape: saker_winograd, turned: Bool, keeping: Bool, _ count: Int
  ) -> Storage {
    let key = [-1, turned ? 1 : 0]
    if keeping, let kept = weight.storage.derived(key) { return kept }
    let storage = Storage(bytes: Int(saker_winograd_packed(shape)) * 4)
    let (from, to) = (
      weight.pointer(Float.self), storage.pointer.assumingMemoryBound(to: Float.self)
    )
    workers(count) { id in
      saker_winograd_pack(shape, from, turned ? 1 : 0, to, id, Int32(count))
    }
    if keeping { weight.storage.keep(storage, key) }
    return storage
  }

  /// The gradients of weight and bias.
  static func gradient(
    _ x: Tensor, _ gradient: Tensor, _ weight: Shape, hasBias: Bool
  ) -> (Tensor, Tensor?) {
    let shape = shape(x.shape, in: weight[1], out: weight[0])
    let count = Parallel.threads
    let floats = (Int(saker_winograd_gradient_workspace(shape)) + 15) / 16 * 16
    let workspace = Tensor(uninitialized: [count, floats])
    let dw = Tensor(uninitialized: weight)
    let db = hasBias ? Tensor(uninitialized: [weight[0]]) : nil
    let (from, by, space) = (
      x.pointer(Float.self), gradient.pointer(Float.self), workspace.pointer(Float.self)
    )
    let (to, toBias) = (dw.pointer(Float.self), db?.pointer(Float.self))
    workers(count) { id in
      saker_winograd_gradient(shape, from, by, space + Int(id) * floats, id, Int32(count))
    }
    workers(count) { id in
      saker_winograd_finish(shape, space, floats, Int32(count), to, toBias, id, Int32(count))
    }
    return (dw, db)
  }
}
