/// A 3x3 convolution by the sum that defines it, in double precision, at some places of the result:
/// to tell whose rounding errors a difference between two kernels is.
struct ConvolutionReference {
  /// Indices of the result's elements in its memory, and what is right there.
  private let places: [(index: Int, value: Double)]

  /// Inputs as `ConvolutionMethods.run` takes them; maps channels-last.
  init(_ work: ConvolutionCase, x: Tensor, gradient: Tensor, weight: Tensor) {
    let sum = Sum(
      work: work, x: x.pointer(Float.self), gradient: gradient.pointer(Float.self),
      weight: weight.pointer(Float.self))
    let (count, products) = sum.size
    // Enough for a mean, few enough for no time.
    let samples = min(count, max(8, min(256, 20_000_000 / products)))
    var random = Random(seed: 4)
    places = (0..<samples).map { _ in
      let index = Int.random(in: 0..<count, using: &random)
      return (index, sum.value(at: index))
    }
  }

  /// Root of the mean squared difference over that of the exact values.
  func error(of result: Tensor) -> Double {
    let values = result.pointer(Float.self)
    var (difference, square) = (0.0, 0.0)
    for place in places {
      let d = Double(values[place.index]) - place.value
      difference += d * d
      square += place.value * place.value
    }
    return (difference / max(square, .leastNormalMagnitude)).squareRoot()
  }

  private struct Sum {
    let work: ConvolutionCase
    let x, gradient, weight: UnsafeMutablePointer<Float>

    /// Elements of the result, and products in each.
    var size: (count: Int, products: Int) {
      switch work.pass {
      case .inference, .forward: (work.y.elements, 9 * work.inputs)
      case .data: (work.x.elements, 9 * work.outputs)
      case .weights: (work.weight.elements, work.pictures * work.height * work.width)
      }
    }

    func value(at index: Int) -> Double {
      switch work.pass {
      case .inference, .forward: result(index)
      case .data: input(index)
      case .weights: kernel(index)
      }
    }

    /// Picture, row, column and channel of an element of channels-last memory.
    private func place(_ index: Int, _ shape: Shape) -> (n: Int, y: Int, x: Int, c: Int) {
      let (pixel, c) = index.quotientAndRemainder(dividingBy: shape[1])
      let (row, x) = pixel.quotientAndRemainder(dividingBy: shape[3])
      let (n, y) = row.quotientAndRemainder(dividingBy: shape[2])
      return (n, y, x, c)
    }

    /// The first channel's element at a pixel; nothing outside the map.
    private func pixel(
      _ map: UnsafeMutablePointer<Float>, _ shape: Shape, _ n: Int, _ y: Int, _ x: Int
    )
      -> UnsafeMutablePointer<Float>?
    {
      guard (0..<shape[2]).contains(y), (0..<shape[3]).contains(x) else { return nil }
      return map + ((n * shape[2] + y) * shape[3] + x) * shape[1]
    }

    private func result(_ index: Int) -> Double {
      let at = place(index, work.y)
      let first = at.c / work.outputs * work.inputs
      return taps { a, b in
        guard
          let from = pixel(
            x, work.x, at.n, at.y + a - work.padding.top, at.x + b - work.padding.left)
        else { return 0 }
        return (0..<work.inputs).reduce(0) { sum, c in
          sum + Double(from[first + c]) * Double(weight[((at.c * work.inputs + c) * 3 + a) * 3 + b])
        }
      }
    }

    private func input(_ index: Int) -> Double {
      let at = place(index, work.x)
      let (group, c) = at.c.quotientAndRemainder(dividingBy: work.inputs)
      return taps { a, b in
        guard
          let from = pixel(
            gradient, work.y, at.n, at.y - a + work.padding.top, at.x - b + work.padding.left)
        else { return 0 }
        return (group * work.outputs..<(group + 1) * work.outputs).reduce(0) { sum, k in
          sum + Double(from[k]) * Double(weight[((k * work.inputs + c) * 3 + a) * 3 + b])
        }
      }
    }

    private func kernel(_ index: Int) -> Double {
      let (pair, tap) = index.quotientAndRemainder(dividingBy: 9)
      let (k, c) = pair.quotientAndRemainder(dividingBy: work.inputs)
      let channel = k / work.outputs * work.inputs + c
      var sum = 0.0
      for n in 0..<work.pictures {
        for i in 0..<work.height {
          for j in 0..<work.width {
            guard
              let from = pixel(
                x, work.x, n, i + tap / 3 - work.padding.top, j + tap % 3 - work.padding.left)
            else { continue }
            sum += Double(from[channel]) * Double(pixel(gradient, work.y, n, i, j)![k])
          }
        }
      }
      return sum
    }

    private func taps(_ body: (_ row: Int, _ column: Int) -> Double) -> Double {
      (0..<9).reduce(0) { $0 + body($1 / 3, $1 % 3) }
    }
  }
}
