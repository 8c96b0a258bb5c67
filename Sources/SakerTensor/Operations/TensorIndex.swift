/// What stands between the brackets of `x[…]` for one axis. Positions and bounds below zero count
/// from the end.
///
/// Written as integers (`x[0]`, `x[-1]`: the axis goes), ranges (`x[1..<3]`, `x[2...]`,
/// `x[(-2)...]`, `x[..<(-1)]`), `.all`, `.newAxis`, `.ellipsis` (all axes not named; once) and
/// `.step(0..<8, by: 2)`. Axes at the end may be left out.
public enum TensorIndex: Sendable, Hashable {
  case position(Int)
  /// From `from` up to but not including `upTo`, the ends if `nil`, every `by`th.
  case range(from: Int?, upTo: Int?, by: Int)
  case added
  case remaining
}

/// A type that can stand between the brackets of `x[…]`.
public protocol TensorIndexing {
  var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexing {
  public var tensorIndex: TensorIndex { self }
}

extension TensorIndexing where Self == TensorIndex {
  /// The whole axis.
  public static var all: TensorIndex { .range(from: nil, upTo: nil, by: 1) }
  /// A new axis of size 1.
  public static var newAxis: TensorIndex { .added }
  /// As many whole axes as are not named.
  public static var ellipsis: TensorIndex { .remaining }

  /// Every `step`th position of a range, the first included; `step` is at least 1.
  public static func step(_ range: some TensorIndexing, by step: Int) -> TensorIndex {
    guard case .range(let from, let upTo, let inner) = range.tensorIndex else {
      fatalError("TensorIndex.step: expected a range, got \(range)")
    }
    return .range(from: from, upTo: upTo, by: inner * step)
  }
}

extension Int: TensorIndexing {
  public var tensorIndex: TensorIndex { .position(self) }
}

extension Range: TensorIndexing where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, upTo: upperBound, by: 1) }
}

extension ClosedRange: TensorIndexing where Bound == Int {
  public var tensorIndex: TensorIndex {
    .range(from: lowerBound, upTo: upperBound == -1 ? nil : upperBound + 1, by: 1)
  }
}

extension PartialRangeFrom: TensorIndexing where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: lowerBound, upTo: nil, by: 1) }
}

extension PartialRangeUpTo: TensorIndexing where Bound == Int {
  public var tensorIndex: TensorIndex { .range(from: nil, upTo: upperBound, by: 1) }
}

extension PartialRangeThrough: TensorIndexing where Bound == Int {
  public var tensorIndex: TensorIndex {
    .range(from: nil, upTo: upperBound == -1 ? nil : upperBound + 1, by: 1)
  }
}

/// The part of a tensor that indices name: on every axis a start, a step and a number of positions.
struct Region: Sendable {
  private(set) var starts: [Int], steps: [Int]
  /// The axes of the result: the axis they come from, or `nil` for a new one.
  private(set) var axes: [Int?] = []
  /// The result's.
  private(set) var shape: Shape = []

  init(_ indices: [TensorIndex], of shape: Shape, op: String = "subscript") {
    starts = [Int](repeating: 0, count: shape.rank)
    steps = [Int](repeating: 1, count: shape.rank)
    let named = indices.count { $0 != .added && $0 != .remaining }
    check(
      named <= shape.rank && indices.count { $0 == .remaining } <= 1, op: op,
      expected: "at most \(shape.rank) indices and one ellipsis for \(shape)", got: indices)
    let remaining = [TensorIndex](repeating: .all, count: shape.rank - named)
    var all: [TensorIndex] = []
    for index in indices { all += index == .remaining ? remaining : [index] }
    if !indices.contains(.remaining) { all += remaining }

    var sizes: [Int] = []
    var axis = 0
    for index in all {
      switch index {
      case .added, .remaining:
        axes.append(nil)
        sizes.append(1)
        continue
      case .position(let position):
        let size = shape[axis]
        check(
          position >= -size && position < size, op: op,
          expected: "a position in \(-size)..<\(size) on axis \(axis) of \(shape)", got: position)
        starts[axis] = position < 0 ? position + size : position
      case .range(let from, let upTo, let step):
        let size = shape[axis]
        let first = from.map { $0 < 0 ? $0 + size : $0 } ?? 0
        let end = upTo.map { $0 < 0 ? $0 + size : $0 } ?? size
        check(
          0 <= first && first <= end && end <= size && step >= 1, op: op,
          expected: "a range inside 0..<\(size) on axis \(axis) of \(shape), a step of at least 1",
          got: "\(from ?? 0)..<\(upTo ?? size) by \(step)")
        starts[axis] = first
        steps[axis] = step
        axes.append(axis)
        sizes.append((end - first + step - 1) / step)
      }
      axis += 1
    }
    self.shape = Shape(sizes)
  }

  /// With `sizes` as its `name`d numbers: see `BatchFollowing`.
  func following(_ name: String, _ sizes: [Int]) -> Region {
    var copy = self
    switch name {
    case "starts": copy.starts = sizes
    case "steps": copy.steps = sizes
    default: copy.shape = Shape(sizes)
    }
    return copy
  }

  /// One range on one axis.
  init(_ range: Range<Int>, axis: Int, of shape: Shape, op: String) {
    var indices = [TensorIndex](repeating: .all, count: axis)
    indices.append(range.tensorIndex)
    self.init(indices, of: shape, op: op)
  }
}

extension Tensor {
  /// The region's elements where they lie, without a tape.
  func view(_ region: Region) -> Tensor {
    var start = offset
    for axis in 0..<rank where count > 0 { start += region.starts[axis] * strides[axis] }
    return Tensor(
      storage: storage, shape: region.shape,
      strides: region.axes.map { axis in axis.map { strides[$0] * region.steps[$0] } ?? 1 },
      offset: start, dtype: dtype)
  }
}
