import SakerTensor

/// Wasserstein-1 distance of two samples on a line, `∫ |F(t) − G(t)| dt` with the samples'
/// distribution functions: the earth mover's. Exact, by sorting. Both samples have gradients; where
/// positions coincide, one of the slopes is taken. Equal to `scipy.stats.wasserstein_distance`.
///
/// - Parameters:
///   - x: positions, `[..., n]`, n ≥ 1: each row is a sample.
///   - y: `[..., m]`, with the same leading axes; m may differ from n.
///   - xWeights, yWeights: masses in the shape of x and y, each row with a positive sum, by which
///     it is divided; no gradient. Without them all points weigh the same.
/// - Returns: reduced over the rows; `[...]` with `reduction: .none`.
public func wassersteinDistance(
  _ x: Tensor, _ y: Tensor, xWeights: Tensor? = nil, yWeights: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  let op = "wassersteinDistance"
  check(
    x.rank > 0 && y.rank > 0 && x.shape.dropLast().elementsEqual(y.shape.dropLast())
      && x.shape.last! > 0 && y.shape.last! > 0, op: op,
    expected: "samples [..., n] and [..., m]", got: "\(x.shape) and \(y.shape)")
  for (weights, sample) in [(xWeights, x), (yWeights, y)] {
    guard let weights else { continue }
    check(
      weights.shape == sample.shape && !weights.isRecorded, op: op,
      expected: "weights \(sample.shape) without a gradient", got: weights.shape)
    let numbers = weights.floats
    let width = sample.shape.last!
    let rows = stride(from: 0, to: numbers.count, by: width).map { numbers[$0..<$0 + width] }
    let bad = rows.first { row in !(row.allSatisfy { $0 >= 0 } && row.contains { $0 > 0 }) }
    check(
      bad == nil, op: op, expected: "weights >= 0 with a positive sum in each row",
      got: bad.map(Array.init) ?? [])
  }
  let rows = apply(
    SortedTransport(xWeights: xWeights?.floats, yWeights: yWeights?.floats),
    x.converted(to: .float32), y.converted(to: .float32))
  return reduction(rows)
}

/// Wasserstein-1 distance of histograms over the same bins, `spacing` apart: the sum of the
/// differences between their cumulative sums. Both sides have gradients, those of the masses.
///
/// - Parameters: p, q: masses `[..., bins]`, of one shape; each row's sums to 1, which is not
///   checked.
/// - Returns: reduced over the rows; `[...]` with `reduction: .none`.
public func wassersteinDistance(
  histograms p: Tensor, _ q: Tensor, spacing: Float = 1, reduction: Reduction = .mean
) -> Tensor {
  check(
    p.shape == q.shape && p.rank > 0, op: "wassersteinDistance",
    expected: "two tensors of one shape [..., bins]", got: "\(p.shape) and \(q.shape)")
  // Behind the last bin both sums are 1: what rounding leaves there would have a slope.
  let bins = 0..<max(p.shape[p.rank - 1] - 1, 0)
  let differences = (p - q).cumulativeSum(axis: -1).narrow(p.rank - 1, bins)
  return reduction(abs(differences).sum(axes: [-1]) * spacing)
}

/// Row by row: `Σ |F − G| (z[i+1] − z[i])` over all positions z in order, and how it
/// changes with each z.
private struct SortedTransport: BinaryOperation {
  let xWeights, yWeights: [Float]?

  var name: String { "wassersteinDistance" }

  func forward(_ x: Tensor, _ y: Tensor, _ saved: inout Saved) -> Tensor {
    let (n, m) = (x.shape[x.rank - 1], y.shape[y.rank - 1])
    let count = x.count / n
    let (xs, ys) = (x.floats, y.floats)
    var distances = [Float](repeating: 0, count: count)
    var (toX, toY) = ([Float](repeating: 0, count: x.count), [Float](repeating: 0, count: y.count))
    for row in 0..<count {
      let a = (row * n..<(row + 1) * n)
      let b = (row * m..<(row + 1) * m)
      let all = Array(xs[a]) + Array(ys[b])
      let masses = signedMasses(a, b)
      // Not-a-numbers last, so that the order is one, and they show in the sum.
      let order = all.indices.sorted {
        all[$0] < all[$1] || !all[$0].isNaN && all[$1].isNaN || all[$0] == all[$1] && $0 < $1
      }
      var difference = 0.0
      var before = 0.0
      var distance = 0.0
      for (k, i) in order.enumerated() {
        difference += masses[i]
        // Behind the last position both functions are 1.
        let now = k + 1 < order.count ? abs(difference) : 0
        if k + 1 < order.count {
          distance += now * (Double(all[order[k + 1]]) - Double(all[i]))
        }
        let slope = Float(before - now)
        if i < n { toX[row * n + i] = slope } else { toY[row * m + i - n] = slope }
        before = now
      }
      distances[row] = Float(distance)
    }
    saved.keep(Tensor(toX, x.shape), Tensor(toY, y.shape))
    return Tensor(distances, Shape(x.shape.dropLast()))
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let factor = gradient.unsqueeze(gradient.rank)
    return (
      saved.needs[0] ? saved[0] * factor : nil, saved.needs[1] ? saved[1] * factor : nil
    )
  }

  /// Of all points of a row: x's masses sum to 1, y's to −1.
  private func signedMasses(_ a: Range<Int>, _ b: Range<Int>) -> [Double] {
    func masses(_ weights: [Float]?, _ range: Range<Int>, _ sign: Double) -> [Double] {
      guard let weights else {
        return Array(repeating: sign / Double(range.count), count: range.count)
      }
      let total = weights[range].reduce(0.0) { $0 + Double($1) }
      return weights[range].map { sign * Double($0) / total }
    }
    return masses(xWeights, a, 1) + masses(yWeights, b, -1)
  }
}
