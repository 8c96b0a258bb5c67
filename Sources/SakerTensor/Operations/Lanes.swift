/// One axis of a dense tensor as memory sees it: `outer` blocks of `size` steps of `inner`
/// neighbouring elements. Holds for row-major, channels-last and every other dense order, so that
/// no function along an axis has to move memory first.
struct Lanes {
  let outer, size, inner: Int
  private let strides: [Int]
  private let axis: Int

  /// `x` must be dense.
  init(_ x: Tensor, axis: Int) {
    self.axis = axis
    size = x.shape[axis]
    strides = x.count == 0 ? x.shape.rowMajorStrides : x.packedStrides
    if x.count == 0 {
      inner = x.shape.sizes[(axis + 1)...].reduce(1, *)
      outer = x.shape.sizes[..<axis].reduce(1, *)
    } else {
      inner = size == 1 ? 1 : strides[axis]
      outer = x.count / (size * inner)
    }
  }

  /// Memory in the same order, not yet written, with `size` elements on the axis.
  func resized(_ shape: Shape, _ size: Int, _ dtype: DType) -> Tensor {
    var sizes = shape.sizes
    sizes[axis] = size
    let result = Shape(sizes)
    if shape.elements == 0 || result.elements == 0 { return Tensor(uninitialized: result, dtype) }
    // The stride of a single step means nothing: the axis grows inside all others, as `inner` says.
    let own = self.size == 1 ? 0 : strides[axis]
    return Tensor(
      uninitialized: result, dtype,
      strides: shape.indices.map { other in
        if other == axis { return inner }
        return strides[other] > own ? strides[other] / self.size * size : strides[other]
      })
  }

  /// Calls `body(block, lanes)` so that all lanes of all blocks are covered, on all threads; a
  /// block begins at `block * size * inner`.
  func run(_ body: (Int, Range<Int>) -> Void) {
    KernelTime.measure {
      let work = size * inner
      if outer >= 8 || inner < 64 {
        Parallel.run(outer, grain: max(1, 16384 / max(work, 1))) { part in
          for block in part { body(block, 0..<inner) }
        }
      } else {
        for block in 0..<outer {
          Parallel.run(inner, grain: max(16, 16384 / max(size, 1))) { body(block, $0) }
        }
      }
    }
  }

  /// Exact sums of int64 along `axis`, kept with size 1.
  static func sum(_ x: Tensor, axis: Int) -> Tensor {
    let x = x.dense
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, 1, .int64)
    let (from, to) = (x.pointer(Int64.self), result.pointer(Int64.self))
    lanes.run { block, part in
      let from = from + block * lanes.size * lanes.inner
      let to = to + block * lanes.inner
      for lane in part { to[lane] = 0 }
      for step in 0..<lanes.size {
        for lane in part { to[lane] &+= from[step * lanes.inner + lane] }
      }
    }
    return result
  }
}

extension Tensor {
  /// The type that functions of order (comparison, largest, sorting) compute in: float32 or int64.
  var comparable: Tensor { converted(to: dtype.isFloating ? .float32 : .int64) }

  /// Zeros in this tensor's memory order.
  func zerosInOrder(_ dtype: DType? = nil) -> Tensor {
    let dtype = dtype ?? self.dtype
    let result = Tensor(
      uninitialized: shape, dtype, strides: isDense ? packedStrides : shape.rowMajorStrides)
    result.clear()
    return result
  }

  /// A copy in memory of its own, in the same order.
  func copied() -> Tensor {
    let result = Tensor(
      uninitialized: shape, dtype, strides: isDense ? packedStrides : shape.rowMajorStrides)
    Strided.copy(from: self, to: result)
    return result
  }
}
