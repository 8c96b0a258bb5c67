/// Pairs rows with columns so that the sum of their weights is highest, each used at most once
/// (Kuhn's Hungarian method with potentials, O(n^3)).
enum Assignment {
  /// For each row its column, or `nil` where there are fewer columns than rows.
  static func maximum(_ weights: [[Double]]) -> [Int?] {
    let rows = weights.count
    let columns = weights.first?.count ?? 0
    guard rows > 0, columns > 0 else { return Array(repeating: nil, count: rows) }
    if rows > columns {
      let turned = (0..<columns).map { column in weights.map { $0[column] } }
      var result = [Int?](repeating: nil, count: rows)
      for (column, row) in maximum(turned).enumerated() {
        if let row { result[row] = column }
      }
      return result
    }
    // Index 0 stands for "none", so rows and columns count from 1.
    var rowPotential = [Double](repeating: 0, count: rows + 1)
    var columnPotential = [Double](repeating: 0, count: columns + 1)
    var rowOf = [Int](repeating: 0, count: columns + 1)
    for row in 1...rows {
      var least = [Double](repeating: .infinity, count: columns + 1)
      var previous = [Int](repeating: 0, count: columns + 1)
      var isUsed = [Bool](repeating: false, count: columns + 1)
      var column = 0
      rowOf[0] = row
      repeat {
        isUsed[column] = true
        let here = rowOf[column]
        var (step, next) = (Double.infinity, 0)
        for other in 1...columns where !isUsed[other] {
          let cost = -weights[here - 1][other - 1] - rowPotential[here] - columnPotential[other]
          if cost < least[other] {
            least[other] = cost
            previous[other] = column
          }
          if least[other] < step {
            step = least[other]
            next = other
          }
        }
        for other in 0...columns {
          if isUsed[other] {
            rowPotential[rowOf[other]] += step
            columnPotential[other] -= step
          } else {
            least[other] -= step
          }
        }
        column = next
      } while rowOf[column] != 0
      while column != 0 {
        let before = previous[column]
        rowOf[column] = rowOf[before]
        column = before
      }
    }
    var result = [Int?](repeating: nil, count: rows)
    for column in 1...columns where rowOf[column] > 0 { result[rowOf[column] - 1] = column - 1 }
    return result
  }
}
