import CKernels

/// max(x, 0). NaN propagates, and its gradient passes, as in PyTorch. Keeps its result, which the
/// next operation mostly keeps as well.
struct ReLU: UnaryOperation {
  var name: String { "relu" }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let y = ReLU.positive(x)
    saved.keep(y)
    return y
  }

  /// 1 where the result is above 0, else 0.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    ReLU.gradient(gradient, result: saved[0])
  }

  static func positive(_ x: Tensor) -> Tensor {
    guard x.dtype == .float32 || x.dtype == .bfloat16 else {
      return positive(x.converted(to: .float32)).converted(to: x.dtype)
    }
    let x = x.dense
    let y = Tensor(uninitialized: x.shape, x.dtype, strides: x.packedStrides)
    KernelTime.measure {
      if x.dtype == .float32 {
        let (from, to) = (x.pointer(Float.self), y.pointer(Float.self))
        Parallel.run(x.count, grain: 16384) {
          saker_relu_f32(from + $0.lowerBound, to + $0.lowerBound, $0.count)
        }
      } else {
        let (from, to) = (x.pointer(UInt16.self), y.pointer(UInt16.self))
        Parallel.run(x.count, grain: 32768) {
          saker_relu_bf16(from + $0.lowerBound, to + $0.lowerBound, $0.count)
        }
      }
    }
    return withExtendedLifetime(x) { y }
  }

  static func gradient(_ gradient: Tensor, result y: Tensor) -> Tensor {
    guard y.dtype == .float32 || y.dtype == .bfloat16 else {
      return ReLU.gradient(
        gradient.converted(to: .float32), result: y.converted(to: .float32)
      ).converted(to: y.dtype)
    }
    let y = y.dense
    let g = gradient.converted(to: y.dtype).ordered(like: y)
    let dx = Tensor(uninitialized: y.shape, y.dtype, strides: y.packedStrides)
    KernelTime.measure {
      if y.dtype == .float32 {
        let (at, by, to) = (y.pointer(Float.self), g.pointer(Float.self), dx.pointer(Float.self))
        Parallel.run(y.count, grain: 16384) {
          saker_relu_gradient_f32(
            at + $0.lowerBound, by + $0.lowerBound, to + $0.lowerBound, $0.count)
        }
      } else {
        let (at, by, to) = (
          y.pointer(UInt16.self), g.pointer(UInt16.self), dx.pointer(UInt16.self)
        )
        Parallel.run(y.count, grain: 32768) {
          saker_relu_gradient_bf16(
            at + $0.lowerBound, by + $0.lowerBound, to + $0.lowerBound, $0.count)
        }
      }
    }
    return withExtendedLifetime((y, g)) { dx }
  }
}

/// max(x, 0); NaN propagates. As the end of a convolution's own pass (`conv2dInference`,
/// `convolutionBlock`) it is 0 there.
public func relu(_ x: Tensor) -> Tensor {
  check(x.dtype.isFloating, op: "relu", expected: "a floating tensor", got: x.dtype)
  return apply(ReLU(), x)
}
