extension Picture {
  /// Bicubic resize with antialiasing: Keys's cubic with a = -1/2, which widens when an
  /// axis shrinks; columns first, each pass rounded to levels. Equals Pillow's `BICUBIC`
  /// within one level.
  public func resizedBicubic(width: Int, height: Int) -> Picture {
    if width == self.width && height == self.height { return self }
    precondition(width > 0 && height > 0, "cannot resize to \(width)x\(height)")
    let narrow = width == self.width ? self : alongRows(width)
    return height == self.height ? narrow : narrow.alongColumns(height)
  }

  private func alongRows(_ width: Int) -> Picture {
    let taps = CubicTaps(from: self.width, to: width)
    return Picture(width: width, height: height) { result in
      pixels.withUnsafeBufferPointer { source in
        for y in 0..<height {
          let row = source.baseAddress! + 3 * y * self.width
          for x in 0..<width {
            var sums: SIMD4<Float> = .zero
            let first = taps.firsts[x]
            for (k, weight) in taps.weights[x].enumerated() {
              let pixel = row + 3 * (first + k)
              sums += weight * SIMD4(Float(pixel[0]), Float(pixel[1]), Float(pixel[2]), 0)
            }
            let at = 3 * (y * width + x)
            for channel in 0..<3 { result[at + channel] = CubicTaps.level(sums[channel]) }
          }
        }
      }
    }
  }

  private func alongColumns(_ height: Int) -> Picture {
    let taps = CubicTaps(from: self.height, to: height)
    let count = 3 * width
    var sums = [Float](repeating: 0, count: count)
    return Picture(width: width, height: height) { result in
      pixels.withUnsafeBufferPointer { source in
        for y in 0..<height {
          for i in 0..<count { sums[i] = 0 }
          for (k, weight) in taps.weights[y].enumerated() {
            let row = source.baseAddress! + (taps.firsts[y] + k) * count
            for i in 0..<count { sums[i] += weight * Float(row[i]) }
          }
          for i in 0..<count { result[y * count + i] = CubicTaps.level(sums[i]) }
        }
      }
    }
  }
}

/// Which inputs make an output of one axis, and how much of each.
private struct CubicTaps {
  var firsts: [Int] = []
  var weights: [[Float]] = []

  init(from inputs: Int, to outputs: Int) {
    let scale = Double(inputs) / Double(outputs)
    let spread = max(1, scale)
    for output in 0..<outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(0, Int(center - 2 * spread + 0.5))
      let end = min(inputs, Int(center + 2 * spread + 0.5))
      let raw = (first..<end).map { CubicTaps.keys((Double($0) + 0.5 - center) / spread) }
      let sum = raw.reduce(0, +)
      firsts.append(first)
      weights.append(raw.map { Float($0 / sum) })
    }
  }

  private static func keys(_ x: Double) -> Double {
    let (x, a) = (abs(x), -0.5)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }

  /// Rounded, and cut where the cubic went beyond.
  static func level(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }
}
