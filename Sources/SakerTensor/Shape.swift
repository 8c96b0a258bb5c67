/// The sizes of a tensor's axes. Image tensors speak `[N, C, H, W]`, whatever their
/// memory looks like.
public struct Shape: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public let sizes: [Int]

  public init(_ sizes: some Sequence<Int>) {
    self.sizes = Array(sizes)
  }

  public init(arrayLiteral sizes: Int...) {
    self.sizes = sizes
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { sizes.count }
  /// The number of axes.
  public var rank: Int { sizes.count }
  /// The number of elements: the product of the sizes, 1 for a scalar's empty shape.
  public var elements: Int {
    var product = 1
    for size in sizes { product *= size }
    return product
  }

  public subscript(axis: Int) -> Int {
    sizes[axis]
  }

  public var description: String {
    "[" + sizes.map(String.init).joined(separator: ", ") + "]"
  }

  /// Axis counted from the front, for one that may be negative and then counts from the back.
  func axis(_ axis: Int, op: @autoclosure () -> String) -> Int {
    check(
      axis >= -rank && axis < Swift.max(rank, 1), op: op(),
      expected: "an axis in \(-rank)..<\(rank)", got: "axis \(axis) of \(self)")
    return axis < 0 ? axis + rank : axis
  }

  /// Axes counted from the front, each once, in increasing order.
  func axes(_ axes: [Int], op: @autoclosure () -> String) -> [Int] {
    let result = axes.map { axis($0, op: op()) }.sorted()
    check(
      Set(result).count == result.count, op: op(), expected: "each axis once",
      got: "\(axes) of \(self)")
    return result
  }

  /// Strides, in elements, of row-major memory.
  var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      strides[axis] = step
      step *= sizes[axis]
    }
    return strides
  }

  /// Strides of channels-last memory for `[N, C, spatial...]`: channels lie next to each other.
  var channelsLastStrides: [Int] {
    guard rank >= 3 else { return rowMajorStrides }
    var strides = [Int](repeating: 1, count: rank)
    var step = sizes[1]
    for axis in stride(from: rank - 1, through: 2, by: -1) {
      strides[axis] = step
      step *= sizes[axis]
    }
    strides[0] = step
    return strides
  }

  /// The shape both broadcast to, or `nil`: compared from the right, a pair of sizes must be equal,
  /// or one of them 1 or missing.
  public func broadcast(with other: Shape) -> Shape? {
    if sizes == other.sizes { return self }
    let rank = Swift.max(rank, other.rank)
    var result = [Int](repeating: 1, count: rank)
    for fromRight in 1...Swift.max(rank, 1) where rank > 0 {
      let a = fromRight <= self.rank ? sizes[self.rank - fromRight] : 1
      let b = fromRight <= other.rank ? other.sizes[other.rank - fromRight] : 1
      guard a == b || a == 1 || b == 1 else { return nil }
      result[rank - fromRight] = a == 1 ? b : a
    }
    return Shape(result)
  }

  /// Without `axes`, or with them at size 1.
  func removing(_ axes: [Int], keeping: Bool) -> Shape {
    var result: [Int] = []
    for (axis, size) in sizes.enumerated() {
      if !axes.contains(axis) {
        result.append(size)
      } else if keeping {
        result.append(1)
      }
    }
    return Shape(result)
  }
}
