/// What a convolution costs: numbers of things to do, and the nanoseconds of each. Times are
/// those of two threads; only their ratios decide, so that the number of threads changes no
/// choice, and thereby no bit.
struct ConvolutionCost: Hashable, Sendable {
  /// Nanoseconds of starting it.
  var call: Double
  /// Of a multiplication with its addition.
  var product: Double
  /// Of a number read: from the map; or, by ours, brought into the tiles' form.
  var input: Double
  /// Of a number written: to the map; or, by ours, brought back from the tiles' form.
  var output: Double
  /// Of a number of the weights as the kernel wants them: packed, read, or summed up.
  var weight: Double

  /// What there is to do, in the same order.
  struct Work: Hashable, Sendable {
    var calls, products, inputs, outputs, weights: Double
  }

  /// Nanoseconds.
  func time(_ work: Work) -> Double {
    call * work.calls + product * work.products + input * work.inputs
      + output * work.outputs + weight * work.weights
  }
}

extension ConvolutionCost.Work {
  /// - Parameter lanes: channels of a result are computed in vectors of so many.
  init(_ work: ConvolutionCase, _ method: ConvolutionMethod, lanes: Int) {
    // The gradient of the input is a convolution of the result's gradient.
    let isTurned = work.pass == .data
    let (from, to) = isTurned ? (work.y, work.x) : (work.x, work.y)
    let (read, written) =
      isTurned ? (work.outputs, work.inputs) : (work.inputs, work.outputs)
    let groups = Double(work.groups)
    func padded(_ channels: Int) -> Double { Double((channels + lanes - 1) / lanes * lanes) }
    switch method {
    case .direct:
      // oneDNN has kernels of their own for pictures of few channels.
      let channels = read <= 4 ? Double(read) : padded(read)
      calls = 1
      products = groups * 9 * Double(to[0] * to[2] * to[3]) * channels * padded(written)
      inputs = Double(from.elements)
      outputs = Double(to.elements)
      weights = groups * 9 * channels * padded(written)
    case .winograd(let tile):
      let (rows, columns) = (Cut(to[2], tile), Cut(to[3], tile))
      let points = groups * Double(to[0] * rows.points * columns.points)
      calls = groups
      products = points * Double(read) * padded(written)
      inputs = points * padded(read)
      outputs = points * padded(written)
      weights = groups * Double(rows.positions * columns.positions * read) * padded(written)
    }
  }

  /// A side cut into tiles of `tile` and a rest; a tile of m results costs m + 2 points.
  private struct Cut {
    /// Of all tiles.
    let points: Int
    /// Different ones: matrices of weights.
    let positions: Int

    init(_ side: Int, _ tile: Int) {
      let (full, rest) = (side / tile, side % tile)
      points = full * (tile + 2) + (rest > 0 ? rest + 2 : 0)
      positions = (full > 0 ? tile : rest) + 2
    }
  }
}
