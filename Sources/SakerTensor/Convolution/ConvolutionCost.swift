/// What a convolution costs: numbers of things to do, and the nanoseconds of each. Times are those of two threads; only
/// their ratios decide, so that the number of threads changes no choice, and thereby no bit.
struct ConvolutionCost: Hashable, Sendable {
  /// Nanoseconds of starting it.
  var call: Double
  /// Of a multiplication with its addition.
  var product: Double
  /// Of a number of the maps, read or written.
  var map: Double
  /// Of a number brought into the tiles' form or out of it.
  var transform: Double
  /// Of a number of the weights as the kernel wants them: packed, read, or summed up.
  var weight: Double

  /// What there is to do, in the same order.
  struct Work: Hashable, Sendable {
    var calls, products, maps, transforms, weights: Double
  }

  /// Nanoseconds.
  func time(_ work: Work) -> Double {
    call * work.calls + product * work.products + map * work.maps + transform * work.transforms
      + weight * work.weights
  }
}

extension ConvolutionCost.Work {
  /// - Parameter lanes: channels of a result are computed in vectors of so many.
  init(_ work: ConvolutionCase, _ method: ConvolutionMethod, lanes: Int) {
    let pictures = Double(work.pictures * work.groups)
    let (height, width) = (work.height, work.width)
    let (inputs, outputs) = (work.inputs, work.outputs)
    maps =
      Double(work.pictures)
      * Double(work.x[2] * work.x[3] * inputs + height * width * outputs) * Double(work.groups)
    func padded(_ channels: Int) -> Double { Double((channels + lanes - 1) / lanes * lanes) }
    switch method {
    case .direct:
      calls = 1
      // oneDNN has kernels of their own for pictures of few channels.
      let read = inputs <= 4 ? Double(inputs) : padded(inputs)
      products = 9 * pictures * Double(height * width) * read * padded(outputs)
      transforms = 0
      weights = Double(9 * work.groups) * read * padded(outputs)
    case .winograd(let tile):
      calls = Double(work.groups)
      let (rows, columns) = (Cut(height, tile), Cut(width, tile))
      let points = pictures * Double(rows.points * columns.points)
      // The gradient of the input is a convolution with inputs and outputs exchanged.
      let (read, written) =
        work.pass == .data
        ? (Double(outputs), padded(inputs)) : (Double(inputs), padded(outputs))
      products = points * read * written
      transforms = points * (padded(inputs) + padded(outputs))
      weights = Double(rows.positions * columns.positions * work.groups) * read * written
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
