import CKernels

/// Sums over axes, kept with size 1 or removed.
struct Sum: UnaryOperation {
  let axes: [Int]
  let keepingAxes: Bool

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    if x.dtype == .float32, axes.count == x.rank, x.count <= 16384, x.isContiguous {
      let result = Tensor(uninitialized: keepingAxes ? x.shape.removing(axes, keeping: true) : [])
      result.pointer(Float.self).pointee = Float(saker_sum_f32(x.pointer(), x.count))
      return result
    }
    let shape = x.shape.removing(axes, keeping: true)
    guard x.dtype.isFloating else {
      let sum = axes.reduce(x.converted(to: .int64)) { Lanes.sum($0, axis: $1) }
      return keepingAxes ? sum : sum.reshape(x.shape.removing(axes, keeping: false))
    }
    let result = Reduction.sum(x.converted(to: .float32), to: shape).converted(to: x.dtype)
    return keepingAxes ? result : result.reshape(x.shape.removing(axes, keeping: false))
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.reshape(saved.shapes[0].removing(axes, keeping: true)).expand(saved.shapes[0])
  }
}

/// Sums of float32 tensors.
enum Reduction {
  /// The sum to `shape`, which has the rank of `x` and size 1 in the axes to sum.
  static func sum(_ x: Tensor, to shape: Shape) -> Tensor {
    let reduced = (0..<x.rank).filter { shape[$0] != x.shape[$0] }
    if reduced.isEmpty { return x }
    let kept = (0..<x.rank).filter { shape[$0] == x.shape[$0] }
    let result = Tensor(uninitialized: shape)
    let rows = x.rowView(kept, reduced)
    if let rows {
      sumRows(rows.pointer, rows.count, rows.length, result)
    } else {
      let columns = x.rowView(reduced, kept)
      if let columns {
        sumColumns(columns.pointer, columns.count, columns.length, result)
      } else if let lanes = x.laneView(reduced) {
        sumLanes(x.pointer(), lanes, result)
      } else {
        let ordered = x.permute(kept + reduced).contiguous()
        sumRows(ordered.pointer(), result.count, x.count / max(result.count, 1), result)
      }
    }
    return result
  }

  private static func sumRows(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ length: Int, _ result: Tensor
  ) {
    let to = result.pointer(Float.self)
    KernelTime.measure {
      // One long row is summed in fixed blocks, so that the order does not depend on the threads.
      let block = 1 << 16
      if count < 8 && length > 2 * block {
        let blocks = (length + block - 1) / block
        var partial = [Double](repeating: 0, count: count * blocks)
        partial.withUnsafeMutableBufferPointer { partial in
          let partial = partial.baseAddress!
          nonisolated(unsafe) let sums = partial
          Parallel.run(count * blocks) { part in
            for i in part {
              let (row, first) = (i / blocks, i % blocks * block)
              sums[i] = saker_sum_f32(x + row * length + first, min(block, length - first))
            }
          }
        }
        for row in 0..<count {
          to[row] = Float(partial[row * blocks..<(row + 1) * blocks].reduce(0, +))
        }
        return
      }
      Parallel.run(count, grain: max(1, 16384 / max(length, 1))) { part in
        for row in part { to[row] = Float(saker_sum_f32(x + row * length, length)) }
      }
    }
  }

  private static func sumLanes(
    _ x: UnsafeMutablePointer<Float>, _ lanes: (outer: Int, size: Int, inner: Int),
    _ result: Tensor
  ) {
    let to = result.pointer(Float.self)
    let (size, inner) = (lanes.size, lanes.inner)
    Parallel.run(lanes.outer, grain: max(1, 16384 / max(size * inner, 1))) { part in
      for block in part {
        saker_sum_lanes_f32(x + block * size * inner, size, inner, to + block * inner)
      }
    }
  }

  /// Sums `count` rows of `length` into one; 64 blocks of rows, in order, whatever the
  /// number of threads.
  private static func sumColumns(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ length: Int, _ result: Tensor
  ) {
    let to = result.pointer(Float.self)
    let blocks = min(64, max(1, count * length / 16384), max(count, 1))
    KernelTime.measure {
      let partial = Tensor.zeros([blocks, max(length, 1)])
      let sums = partial.pointer(Float.self)
      Parallel.run(blocks) { part in
        for block in part {
          for row in count * block / blocks..<count * (block + 1) / blocks {
            saker_accumulate_f32(x + row * length, sums + block * length, length)
          }
        }
      }
      to.update(from: sums, count: length)
      for block in 1..<max(blocks, 1) {
        saker_accumulate_f32(sums + block * length, to, length)
      }
    }
  }
}

extension Tensor {
  /// This tensor as `count` rows of `length` elements that lie densely: rows run over `outer`,
  /// elements over `inner` axes, both in order; `nil` if memory is arranged differently.
  fileprivate func rowView(
    _ outer: [Int], _ inner: [Int]
  ) -> (pointer: UnsafeMutablePointer<Float>, count: Int, length: Int)? {
    let order = outer + inner
    var step = 1
    for axis in order.reversed() where shape[axis] != 1 {
      guard strides[axis] == step else { return nil }
      step *= shape[axis]
    }
    let length = inner.reduce(1) { $0 * shape[$1] }
    return (pointer(), outer.reduce(1) { $0 * shape[$1] }, length)
  }

  /// This tensor as `outer` blocks of `size` steps of `inner` elements, where the axes `reduced`
  /// together are the steps and the rest lies in its order around them; `nil` if memory is
  /// arranged differently.
  fileprivate func laneView(_ reduced: [Int]) -> (outer: Int, size: Int, inner: Int)? {
    let order = (0..<rank).filter { shape[$0] != 1 }.sorted { strides[$0] > strides[$1] }
    guard isDense, let first = order.firstIndex(where: reduced.contains),
      let last = order.lastIndex(where: reduced.contains),
      order[first...last].allSatisfy(reduced.contains)
    else { return nil }
    let rest = Array(order[..<first] + order[(last + 1)...])
    guard rest == rest.sorted() else { return nil }
    func product(_ axes: ArraySlice<Int>) -> Int { axes.reduce(1) { $0 * shape[$1] } }
    return (product(order[..<first]), product(order[first...last]), product(order[(last + 1)...]))
  }

  /// The sum over `axes`, all if none are given: computed in float32, of integers and `bool`
  /// exactly and as int64.
  public func sum(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    let axes = axes.map { shape.axes($0, op: "sum") } ?? Array(0..<rank)
    return apply(Sum(axes: axes, keepingAxes: keepingAxes), self)
  }

  /// The mean over `axes`, all if none are given, of a floating tensor.
  public func mean(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    let axes = shape.axes(axes ?? Array(0..<rank), op: "mean")
    check(dtype.isFloating, op: "mean", expected: "a floating tensor", got: dtype)
    let count = axes.reduce(1) { $0 * shape[$1] }
    return sum(axes: axes, keepingAxes: keepingAxes) / Float(count)
  }

  /// The sum to a shape that broadcasts to this one: the gradient of broadcasting.
  public func summed(to shape: Shape) -> Tensor {
    if shape == self.shape { return self }
    let added = rank - shape.rank
    let axes = (0..<rank).filter { $0 < added || shape[$0 - added] != self.shape[$0] }
    return sum(axes: axes, keepingAxes: true).reshape(shape)
  }
}
