import CKernels

/// A 1x1 convolution of stride 1 by our own kernels: products of matrices, which normalize what
/// they read and sum what they write. As fast as oneDNN's; with matrix units (AMX) up to 1.7 times
/// (docs/decisions/0023). See `pointwise.h`.
///
/// Maps are channels-last, weights row-major `[out, in, 1, 1]`, both float32.
struct Pointwise: BlockKernel {
  let x, y, weight: Shape
  /// Numbers from a pixel of `x` to the next, if `x` is part of a wider map.
  var step: Int?

  /// Nothing if it is no such convolution.
  init?(_ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes) {
    guard weight[2] == 1, weight[3] == 1, attributes.groups == 1, attributes.stride == [1, 1],
      (attributes.before + attributes.after).allSatisfy({ $0 == 0 }),
      Int32(exactly: x.elements / x[1]) != nil
    else { return nil }
    self.x = x
    self.weight = weight
    y = attributes.output(x, weight)
  }

  /// How a pass of a block runs on these kernels, if it does: always, unless direct ones are
  /// forced. Alone, oneDNN's save nothing; in a block, they need passes over the maps beside
  /// them (docs/decisions/0017).
  static func inBlock(
    _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) -> Pointwise? {
    Convolutions.setting == .direct ? nil : Pointwise(x, weight, attributes)
  }

  /// The same for a weight's gradient that is wanted alone: oneDNN's kernel is slow where input
  /// channels are many.
  static func gradient(
    _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes, _ dtype: DType
  ) -> Pointwise? {
    guard dtype == .float32, weight[1] >= 1024 else { return nil }
    return inBlock(x, weight, attributes)
  }

  /// The same for a convolution outside of blocks: with matrix units (AMX) ours are faster, if
  /// pixels and channels fill their tiles.
  static func alone(
    _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes, _ dtype: DType
  ) -> Pointwise? {
    guard dtype == .float32, InstructionSet.hasMatrixUnits, weight[0] >= 64, weight[1] >= 64,
      let kernel = inBlock(x, weight, attributes)
    else { return nil }
    return saker_pointwise_is_tiled(kernel.raw(turned: false)) != 0 ? kernel : nil
  }

  private func raw(turned: Bool) -> saker_pointwise {
    let (from, to) = Int32.pair(weight[1], weight[0], turned: turned)
    let (fromStep, toStep) = Int32.pair(step ?? weight[1], weight[0], turned: turned)
    return saker_pointwise(
      pixels: Int32(x.elements / x[1]), in: from, out: to, in_stride: fromStep,
      out_stride: toStep)
  }

  func blocks(turned: Bool) -> [Int32] {
    let raw = raw(turned: turned)
    let block = saker_pointwise_block(raw)
    return stride(from: 0, to: raw.pixels, by: Int(block)).map { Swift.min(block, raw.pixels - $0) }
  }

  func convolve(
    _ x: KernelSource, _ weight: Tensor, turned: Bool, _ epilogue: KernelEpilogue,
    keeping: Bool
  ) -> Tensor {
    let result = Tensor(uninitializedImage: turned ? self.x : y)
    convolve(x, weight, turned: turned, epilogue, keeping: keeping, into: result)
    return result
  }

  /// The same into memory that is there.
  func convolve(
    _ x: KernelSource, _ weight: Tensor, turned: Bool, _ epilogue: KernelEpilogue,
    keeping: Bool, into result: Tensor
  ) {
    let raw = raw(turned: turned)
    let packed = packed(weight, turned: turned, keeping: keeping)
    let threads = Int32(Parallel.threads)
    let workspace = Tensor(uninitialized: [Int(saker_pointwise_workspace(raw, threads))])
    let weights = packed.pointer.assumingMemoryBound(to: Float.self)
    KernelTime.measure {
      x.withC { source in
        epilogue.withC { epilogue in
          saker_pointwise_convolve(
            raw, source, weights, epilogue, result.pointer(Float.self),
            workspace.pointer(Float.self), threads)
        }
      }
    }
    withExtendedLifetime(packed) {}
  }

  private func packed(_ weight: Tensor, turned: Bool, keeping: Bool) -> Storage {
    let raw = raw(turned: turned)
    let key = [-2, turned ? 1 : 0, Int(saker_pointwise_is_tiled(raw))]
    if keeping, let kept = weight.storage.derived(key) { return kept }
    let storage = Storage(bytes: Int(saker_pointwise_packed(raw)) * 4)
    KernelTime.measure {
      saker_pointwise_pack(
        raw, weight.pointer(Float.self), turned ? 1 : 0,
        storage.pointer.assumingMemoryBound(to: Float.self), Int32(Parallel.threads))
    }
    if keeping { weight.storage.keep(storage, key) }
    return storage
  }

  func gradient(
    _ x: KernelSource, _ gradient: KernelSource, hasBias: Bool
  ) -> (Tensor, Tensor?) {
    let raw = raw(turned: false)
    let threads = Int32(Parallel.threads)
    let workspace = Tensor(uninitialized: [Int(saker_pointwise_gradient_workspace(raw, threads))])
    let dw = Tensor(uninitialized: weight)
    let db = hasBias ? Tensor(uninitialized: [weight[0]]) : nil
    KernelTime.measure {
      x.withC { x in
        gradient.withC { gradient in
          saker_pointwise_gradient(
            raw, x, gradient, dw.pointer(Float.self), db?.pointer(Float.self),
            workspace.pointer(Float.self), threads)
        }
      }
    }
    return (dw, db)
  }
}

extension Int32 {
  fileprivate static func pair(_ a: Int, _ b: Int, turned: Bool) -> (Int32, Int32) {
    turned ? (Int32(b), Int32(a)) : (Int32(a), Int32(b))
  }
}
