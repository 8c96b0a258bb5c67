import CKernels

/// 3x3 convolutions of stride 1 by our own kernels, which need a quarter of the multiplications:
/// see `winograd.h` and docs/winograd.md. Their results differ from direct ones by about 1e-6 of
/// their root mean square.
///
/// Maps are channels-last, weights row-major `[out, in / groups, 3, 3]`, both float32.
enum Winograd {
  /// How a pass, alone or as part of a block, runs on these kernels, if the chooser
  /// says that it does.
  static func geometry(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType = .float32, inBlock: Bool = false
  ) -> Geometry? {
    guard var work = ConvolutionCase(pass, x, weight, attributes, dtype) else { return nil }
    work.isInBlock = inBlock
    guard case .winograd(let tile) = ConvolutionChooser.method(for: work)
    else { return nil }
    return Geometry(x: x, weight: weight, attributes: attributes, tile: tile)
  }

  /// The shapes of a convolution's three maps of numbers, and what follows from them.
  struct Geometry {
    let x, weight: Shape
    let attributes: ConvolutionAttributes
    /// 4, or 2.
    var tile = 4

    var y: Shape { attributes.output(x, weight) }

    /// Of one group; `turned` for the gradient of the input, which is a convolution of the
    /// gradient.
    func raw(turned: Bool) -> saker_winograd {
      let (top, left) = (attributes.before[0], attributes.before[1])
      let (from, to) = turned ? (y, x) : (x, y)
      let groups = attributes.groups
      return saker_winograd(
        pictures: Int32(x[0]), height: Int32(from[2]), width: Int32(from[3]), rows: Int32(to[2]),
        columns: Int32(to[3]), top: Int32(turned ? 2 - top : top),
        left: Int32(turned ? 2 - left : left), in: Int32(from[1] / groups),
        out: Int32(to[1] / groups), in_stride: Int32(from[1]), out_stride: Int32(to[1]),
        tile: Int32(tile))
    }

    /// Blocks of results that sums are taken over, and the results in each.
    func blocks(turned: Bool) -> [Int32] {
      let raw = raw(turned: turned)
      return [Int32](unsafeUninitializedCapacity: Int(saker_winograd_blocks(raw, nil))) {
        $1 = Int(saker_winograd_blocks(raw, $0.baseAddress))
      }
    }
  }

  /// The convolution of `x`, or with `turned` the gradient of the input from that of the result.
  /// Packed weights stay beside the weight while it does not change, if `keeping`.
  static func convolve(
    _ x: KernelSource, _ weight: Tensor, _ geometry: Geometry, turned: Bool,
    _ epilogue: KernelEpilogue,
    keeping: Bool
  ) -> Tensor {
    let shape = turned ? geometry.x : geometry.y
    let result = Tensor(uninitializedImage: epilogue.pools ? shape.halved : shape)
    let raw = geometry.raw(turned: turned)
    let packed = packed(weight, geometry, turned: turned, keeping: keeping)
    let size = saker_winograd_packed(raw)
    let threads = Int32(Parallel.threads)
    let workspace = Tensor(uninitialized: [Int(saker_winograd_workspace(raw, threads))])
    let weights = packed.pointer.assumingMemoryBound(to: Float.self)
    KernelTime.measure {
      for group in 0..<geometry.attributes.groups {
        let (from, to) = (group * Int(raw.in), group * Int(raw.out))
        x.withC(from) { source in
          epilogue.withC(to) { epilogue in
            saker_winograd_convolve(
              raw, source, weights + group * size, epilogue, result.pointer(Float.self) + to,
              workspace.pointer(Float.self), threads)
          }
        }
      }
    }
    withExtendedLifetime(packed) {}
    return result
  }

  private static func packed(
    _ weight: Tensor, _ geometry: Geometry, turned: Bool, keeping: Bool
  ) -> Storage {
    let raw = geometry.raw(turned: turned)
    let groups = geometry.attributes.groups
    // Which positions there are depends on the largest tile of each side.
    let key = [
      -1, turned ? 1 : 0, groups, geometry.tile, min(geometry.tile, Int(raw.rows)),
      min(geometry.tile, Int(raw.columns)),
    ]
    if keeping, let kept = weight.storage.derived(key) { return kept }
    let size = saker_winograd_packed(raw)
    let storage = Storage(bytes: groups * size * 4)
    let to = storage.pointer.assumingMemoryBound(to: Float.self)
    let from = weight.pointer(Float.self)
    KernelTime.measure {
      for group in 0..<groups {
        saker_winograd_pack(
          raw, from + group * weight.count / groups, turned ? 1 : 0, to + group * size,
          Int32(Parallel.threads))
      }
    }
    if keeping { weight.storage.keep(storage, key) }
    return storage
  }

  /// The gradients of weight and bias from that of the result.
  static func gradient(
    _ x: KernelSource, _ gradient: KernelSource, _ geometry: Geometry, hasBias: Bool
  ) -> (Tensor, Tensor?) {
    let raw = geometry.raw(turned: false)
    let threads = Int32(Parallel.threads)
    let workspace = Tensor(uninitialized: [Int(saker_winograd_gradient_workspace(raw, threads))])
    let dw = Tensor(uninitialized: geometry.weight)
    let db = hasBias ? Tensor(uninitialized: [geometry.weight[0]]) : nil
    let groups = geometry.attributes.groups
    KernelTime.measure {
      for group in 0..<groups {
        let (from, to) = (group * Int(raw.in), group * Int(raw.out))
        x.withC(from) { x in
          gradient.withC(to) { gradient in
            saker_winograd_gradient(
              raw, x, gradient, dw.pointer(Float.self) + group * dw.count / groups,
              db.map { $0.pointer(Float.self) + to }, workspace.pointer(Float.self), threads)
          }
        }
      }
    }
    return (dw, db)
  }
}

extension Winograd.Geometry: BlockKernel {
  func convolve(
    _ x: KernelSource, _ weight: Tensor, turned: Bool, _ epilogue: KernelEpilogue,
    keeping: Bool
  ) -> Tensor {
    Winograd.convolve(x, weight, self, turned: turned, epilogue, keeping: keeping)
  }

  func gradient(
    _ x: KernelSource, _ gradient: KernelSource, hasBias: Bool
  ) -> (Tensor, Tensor?) {
    Winograd.gradient(x, gradient, self, hasBias: hasBias)
  }
}

extension Shape {
  /// Of `[N, C, H, W]`, as 2x2 windows leave it.
  fileprivate var halved: Shape { [self[0], self[1], self[2] / 2, self[3] / 2] }
}
