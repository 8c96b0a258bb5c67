import Foundation

extension Tensor {
  /// 0, 1, … below `end`, int64.
  public static func arange(_ end: Int) -> Tensor { arange(from: 0, to: end) }

  /// `start`, `start + step`, … before `end`, int64.
  public static func arange(from start: Int, to end: Int, by step: Int = 1) -> Tensor {
    check(step != 0, op: "arange", expected: "a step other than 0", got: step)
    return Tensor(stride(from: Int64(start), to: Int64(end), by: step).map { $0 })
  }

  /// `start`, `start + step`, … before `end`, float32, each computed from `start` so that no error adds up.
  public static func arange(from start: Double, to end: Double, by step: Double) -> Tensor {
    check(
      step != 0 && step.isFinite && start.isFinite && end.isFinite, op: "arange",
      expected: "finite numbers, a step other than 0", got: (start, end, step))
    let count = Swift.max(0, Int(((end - start) / step).rounded(.up)))
    return Tensor((0..<count).map { Float(start + Double($0) * step) })
  }

  /// `count` numbers at equal distances, from `start` to `end`, both included.
  public static func linspace(_ start: Double, _ end: Double, count: Int) -> Tensor {
    check(count >= 0, op: "linspace", expected: "a count of 0 or more", got: count)
    return Tensor(
      (0..<count).map { i in
        count == 1
          ? Float(start)
          : i == count - 1
            ? Float(end) : Float(start + (end - start) * Double(i) / Double(count - 1))
      })
  }

  /// Ones on the diagonal of `[rows, columns]`, zeros elsewhere; square if only `rows` is given.
  public static func eye(_ rows: Int, _ columns: Int? = nil, _ dtype: DType = .float32) -> Tensor {
    let columns = columns ?? rows
    var elements = [Float](repeating: 0, count: rows * columns)
    for i in 0..<Swift.min(rows, columns) { elements[i * columns + i] = 1 }
    return Tensor(elements, [rows, columns]).converted(to: dtype)
  }

  /// Zeros of `model`'s shape, type and memory order.
  public static func zeros(like model: Tensor, _ dtype: DType? = nil) -> Tensor {
    full(like: model, 0, dtype)
  }

  public static func ones(like model: Tensor, _ dtype: DType? = nil) -> Tensor {
    full(like: model, 1, dtype)
  }

  /// `value` everywhere, in `model`'s shape, type and memory order.
  public static func full(like model: Tensor, _ value: Double, _ dtype: DType? = nil) -> Tensor {
    let result = full(model.shape, value, dtype ?? model.dtype)
    guard model.isDense, model.count > 0 else { return result }
    return Tensor(
      storage: result.storage, shape: model.shape, strides: model.packedStrides, offset: 0,
      dtype: result.dtype)
  }
}

// MARK: - Random numbers: the same for the same state of the source, on every machine

extension Tensor {
  /// Uniform in `range`, the upper end excluded.
  public static func uniform(
    _ shape: Shape, in range: ClosedRange<Float> = 0...1, using random: inout Random
  ) -> Tensor {
    Tensor((0..<shape.elements).map { _ in random.uniform(range) }, shape)
  }

  /// Normally distributed. Box & Muller, "A note on the generation of random normal deviates", 1958.
  public static func normal(
    _ shape: Shape, mean: Float = 0, deviation: Float = 1, using random: inout Random
  ) -> Tensor {
    let count = shape.elements
    var elements: [Float] = []
    elements.reserveCapacity(count + 1)
    while elements.count < count {
      // 1 - u is never 0; in double precision, so that the tails reach beyond 5 deviations.
      let u = 1 - Double(random.next() >> 11) * 0x1p-53
      let angle = 2 * Double.pi * Double(random.next() >> 11) * 0x1p-53
      let radius = (-2 * log(u)).squareRoot()
      elements.append(mean + deviation * Float(radius * cos(angle)))
      elements.append(mean + deviation * Float(radius * sin(angle)))
    }
    return Tensor(Array(elements.prefix(count)), shape)
  }

  /// Integers of `range`, each as likely.
  public static func randomIntegers(
    _ shape: Shape, in range: Range<Int>, _ dtype: DType = .int64, using random: inout Random
  ) -> Tensor {
    check(!range.isEmpty, op: "randomIntegers", expected: "a range that is not empty", got: range)
    return Tensor(
      (0..<shape.elements).map { _ in Int64(Int.random(in: range, using: &random)) }, shape
    ).converted(to: dtype)
  }

  /// The integers below `count` in random order, int64.
  public static func permutation(_ count: Int, using random: inout Random) -> Tensor {
    Tensor((0..<Int64(count)).shuffled(using: &random))
  }

  /// 1 with probability `p`, else 0.
  public static func bernoulli(
    _ shape: Shape, _ p: Float, _ dtype: DType = .float32, using random: inout Random
  ) -> Tensor {
    check(p >= 0 && p <= 1, op: "bernoulli", expected: "a probability", got: p)
    return Tensor((0..<shape.elements).map { _ in random.uniform() < p }, shape)
      .converted(to: dtype)
  }
}
