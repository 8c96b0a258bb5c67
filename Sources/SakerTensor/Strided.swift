import CKernels

/// Walks several tensors of one shape together, each by its own strides.
///
/// Axes of size 1 go, the rest are ordered by the first tensor's strides and merged where memory
/// allows it, so that dense tensors become one long row whatever their order. The body gets two
/// axes at a time, to keep its call out of the loop.
struct StridedLoop {
  private let operands: Int
  /// Without the two innermost.
  private var outerSizes: [Int] = []
  private var outerStrides: [[Int]] = []
  private(set) var rows = 1, columns = 1
  private(set) var rowStrides: [Int]
  private(set) var columnStrides: [Int]

  init(_ shape: Shape, _ strides: [[Int]]) {
    operands = strides.count
    rowStrides = [Int](repeating: 0, count: operands)
    columnStrides = rowStrides
    let axes = (0..<shape.rank).filter { shape[$0] != 1 }
      .sorted { strides[0][$0] > strides[0][$1] }
    var sizes: [Int] = []
    var merged: [[Int]] = []
    for axis in axes {
      let steps = strides.map { $0[axis] }
      if let last = merged.last,
        (0..<operands).allSatisfy({ last[$0] == steps[$0] * shape[axis] })
      {
        sizes[sizes.count - 1] *= shape[axis]
        merged[merged.count - 1] = steps
      } else {
        sizes.append(shape[axis])
        merged.append(steps)
      }
    }
    if let size = sizes.popLast(), let steps = merged.popLast() {
      columns = size
      columnStrides = steps
    }
    if let size = sizes.popLast(), let steps = merged.popLast() {
      rows = size
      rowStrides = steps
    }
    outerSizes = sizes
    outerStrides = merged
    if shape.elements == 0 { columns = 0 }
  }

  /// Calls `body(offsets, rows, columns)` on all threads until everything is covered; offsets
  /// are in elements, one for each tensor, and within a call the tensors advance by `rowStrides`
  /// and `columnStrides`.
  func run(_ body: (UnsafePointer<Int>, Int, Int) -> Void) {
    guard columns > 0 else { return }
    KernelTime.measure {
      let lines = outerSizes.reduce(rows, *)
      if lines == 1 {
        return Parallel.run(columns, grain: 16384) { part in
          withOffsets { offsets in
            for i in 0..<operands { offsets[i] = part.lowerBound * columnStrides[i] }
            body(offsets, 1, part.count)
          }
        }
      }
      Parallel.run(lines, grain: max(1, 16384 / columns)) { part in
        withOffsets { offsets in
          var line = part.lowerBound
          while line < part.upperBound {
            let row = line % rows
            let count = min(rows - row, part.upperBound - line)
            seek(line / rows, row, offsets)
            body(offsets, count, columns)
            line += count
          }
        }
      }
    }
  }

  private func seek(_ outer: Int, _ row: Int, _ offsets: UnsafeMutablePointer<Int>) {
    for i in 0..<operands { offsets[i] = row * rowStrides[i] }
    var rest = outer
    for axis in stride(from: outerSizes.count - 1, through: 0, by: -1) {
      let index = rest % outerSizes[axis]
      rest /= outerSizes[axis]
      for i in 0..<operands { offsets[i] += index * outerStrides[axis][i] }
    }
  }

  private func withOffsets(_ body: (UnsafeMutablePointer<Int>) -> Void) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: operands) { body($0.baseAddress!) }
  }
}

/// What tensors of any strides need: copies, and functions of one or two elements.
enum Strided {
  /// Writes `source` over `target`, of the same shape and type.
  static func copy(from source: Tensor, to target: Tensor) {
    switch target.dtype.size {
    case 1: copy(UInt8.self, source, target)
    case 2: copy(UInt16.self, source, target)
    case 4: copy32(source, target)
    default: copy(UInt64.self, source, target)
    }
  }

  /// As `copy`; where rows and columns change places, tile by tile.
  private static func copy32(_ source: Tensor, _ target: Tensor) {
    let loop = StridedLoop(target.shape, [target.strides, source.strides])
    let turns = loop.columnStrides[0] == 1 && loop.rowStrides[1] == 1 && loop.columnStrides[1] > 1
    let reverses = loop.columnStrides[0] == 1 && loop.columnStrides[1] == -1
    let repeats =
      loop.columnStrides[0] == 1 && loop.columnStrides[1] == 0 && loop.columns < 16
      && loop.rowStrides[0] == loop.columns && loop.rowStrides[1] == 1
    guard turns || reverses || repeats else { return copy(UInt32.self, source, target) }
    let (to, from) = (target.pointer(UInt32.self), source.pointer(UInt32.self))
    loop.run { offsets, rows, columns in
      let (t, f) = (to + offsets[0], from + offsets[1])
      if turns {
        saker_transpose_32(f, loop.columnStrides[1], t, loop.rowStrides[0], rows, columns)
      } else if repeats {
        saker_repeat_32(f, rows, columns, t)
      } else {
        for row in 0..<rows {
          let last = f + row * loop.rowStrides[1] - (columns - 1)
          saker_reverse_32(last, t + row * loop.rowStrides[0], columns)
        }
      }
    }
  }

  private static func copy<T>(_: T.Type, _ source: Tensor, _ target: Tensor) {
    let loop = StridedLoop(target.shape, [target.strides, source.strides])
    let (to, from) = (target.pointer(T.self), source.pointer(T.self))
    loop.run { offsets, rows, columns in
      let (step, fromStep) = (loop.columnStrides[0], loop.columnStrides[1])
      for row in 0..<rows {
        let t = to + offsets[0] + row * loop.rowStrides[0]
        let f = from + offsets[1] + row * loop.rowStrides[1]
        if step == 1 && fromStep == 1 {
          t.update(from: f, count: columns)
        } else if step == 1 && fromStep == 0 {
          t.update(repeating: f.pointee, count: columns)
        } else {
          for i in 0..<columns { t[i * step] = f[i * fromStep] }
        }
      }
    }
  }

  /// target += other, both float32 of the same shape.
  static func accumulate(_ other: Tensor, into target: Tensor) {
    let (to, from) = (target.pointer(Float.self), other.pointer(Float.self))
    let loop = StridedLoop(target.shape, [target.strides, other.strides])
    loop.run { offsets, rows, columns in
      for row in 0..<rows {
        let t = to + offsets[0] + row * loop.rowStrides[0]
        let f = from + offsets[1] + row * loop.rowStrides[1]
        if loop.columnStrides[0] == 1 && loop.columnStrides[1] == 1 {
          saker_accumulate_f32(f, t, columns)
        } else {
          for i in 0..<columns {
            t[i * loop.columnStrides[0]] += f[i * loop.columnStrides[1]]
          }
        }
      }
    }
  }

  /// A kernel over the float32 elements of `x`, in its memory order.
  static func run<T>(
    _ kernel: (UnsafePointer<Float>?, UnsafeMutablePointer<T>?, Int) -> Void, _ x: Tensor,
    into dtype: DType = .float32
  ) -> Tensor {
    let isContiguous = x.isContiguous
    let source = isContiguous ? x : x.dense
    let result =
      isContiguous && dtype == .float32
      ? Tensor(uninitializedLike: x)
      : Tensor(uninitialized: x.shape, dtype, strides: source.packedStrides)
    let (from, to, count) = (source.pointer(Float.self), result.pointer(T.self), x.count)
    if count <= 16384 {
      KernelTime.measure { kernel(from, to, count) }
    } else {
      Parallel.run(count, grain: 16384) {
        kernel(from + $0.lowerBound, to + $0.lowerBound, $0.count)
      }
    }
    return withExtendedLifetime(source) { result }
  }

  /// A function of each element, in the memory order of `x`.
  @inline(__always)
  static func map<T: Scalar, U: Scalar>(_ x: Tensor, _ function: (T) -> U) -> Tensor {
    let source = x.dense
    let result = Tensor(uninitialized: x.shape, U.dtype, strides: source.packedStrides)
    let (from, to) = (source.pointer(T.self), result.pointer(U.self))
    withoutActuallyEscaping(function) { function in
      KernelTime.measure {
        Parallel.run(x.count, grain: 16384) { part in
          for i in part { to[i] = function(from[i]) }
        }
      }
    }
    return result
  }

  /// A function of each pair of elements of two tensors that broadcast to one shape.
  @inline(__always)
  static func map2<T: Scalar, U: Scalar>(
    _ a: Tensor, _ b: Tensor, op: String, _ function: (T, T) -> U
  ) -> Tensor {
    let (a, b, result) = broadcast(a, b, U.dtype, op: op)
    let (pa, pb, to) = (a.pointer(T.self), b.pointer(T.self), result.pointer(U.self))
    let loop = StridedLoop(result.shape, [result.strides, a.strides, b.strides])
    withoutActuallyEscaping(function) { function in
      loop.run { offsets, rows, columns in
        let (s, sa, sb) = (loop.columnStrides[0], loop.columnStrides[1], loop.columnStrides[2])
        for row in 0..<rows {
          let t = to + offsets[0] + row * loop.rowStrides[0]
          let x = pa + offsets[1] + row * loop.rowStrides[1]
          let y = pb + offsets[2] + row * loop.rowStrides[2]
          // Steps of 1 and 0 written out become vector code.
          if s == 1 && sa == 1 && sb == 1 {
            for i in 0..<columns { t[i] = function(x[i], y[i]) }
          } else if s == 1 && sa == 1 && sb == 0 {
            let y = y.pointee
            for i in 0..<columns { t[i] = function(x[i], y) }
          } else {
            for i in 0..<columns { t[i * s] = function(x[i * sa], y[i * sb]) }
          }
        }
      }
    }
    return result
  }

  /// Both at their common shape, and a result to write, in the memory order of the larger one.
  static func broadcast(
    _ a: Tensor, _ b: Tensor, _ dtype: DType, op: String
  ) -> (Tensor, Tensor, Tensor) {
    check(
      a.dtype == b.dtype, op: op, expected: "two tensors of one type",
      got: "\(a.dtype) and \(b.dtype)")
    guard let shape = a.shape.broadcast(with: b.shape) else {
      fatalError(
        "\(op): expected shapes that broadcast (from the right: equal, 1 or missing), "
          + "got \(a.shape) and \(b.shape)")
    }
    let model = a.shape == shape ? a : b
    let result = Tensor(
      uninitialized: shape, dtype,
      strides: model.shape == shape && model.isDense
        ? model.packedStrides : shape.rowMajorStrides)
    return (a.spread(to: shape), b.spread(to: shape), result)
  }
}

extension Tensor {
  /// Strides of fresh memory in this dense tensor's order.
  var packedStrides: [Int] {
    if isContiguous { return shape.rowMajorStrides }
    if isChannelsLast { return shape.channelsLastStrides }
    return strides
  }

  /// A view of `shape` that repeats axes of size 1 and adds axes in front; the shapes
  /// are known to fit.
  func spread(to shape: Shape) -> Tensor {
    if self.shape == shape { return self }
    let added = shape.rank - rank
    let strides = (0..<shape.rank).map { axis in
      axis < added || (self.shape[axis - added] == 1 && shape[axis] != 1)
        ? 0 : self.strides[axis - added]
    }
    return Tensor(
      storage: storage, shape: shape, strides: strides, offset: offset, dtype: dtype)
  }
}
