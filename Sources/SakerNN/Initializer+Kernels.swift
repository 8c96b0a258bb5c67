import SakerTensor

/// Starts that are no accident: kernels that interpolate, or that do nothing.
extension Initializer {
  /// The kernel `[channels, channels, height, width]` of a transposed convolution that enlarges by
  /// bilinear interpolation, each channel for itself; `[channels, 1, height, width]` with as many
  /// groups as channels. With stride s it wants kernel `2s − s % 2` and padding `⌈(s − 1) / 2⌉`.
  /// Shelhamer et al., arXiv:1605.06211.
  public static let bilinear = Initializer { shape, _ in
    check(
      shape.rank == 4 && (shape[1] == 1 || shape[0] == shape[1]), op: "Initializer.bilinear",
      expected: "[channels, channels or 1, height, width]", got: shape)
    let (rows, columns) = (tent(shape[2]), tent(shape[3]))
    return Tensor(shape, of: Float.self) { elements in
      var place = 0
      for channel in 0..<shape[0] {
        for input in 0..<shape[1] {
          for row in rows {
            for column in columns {
              elements[place] = shape[1] == 1 || input == channel ? row * column : 0
              place += 1
            }
          }
        }
      }
    }
  }

  /// Weights of linear interpolation: 1 in the middle of the kernel, less by equal
  /// steps on both sides.
  private static func tent(_ size: Int) -> [Float] {
    let factor = (size + 1) / 2
    let center = size % 2 == 1 ? Float(factor - 1) : Float(factor) - 0.5
    return (0..<size).map { 1 - abs(Float($0) - center) / Float(factor) }
  }

  /// A convolution that hands its inputs on: of `[out, in / groups, kernel...]`, output o of each
  /// group is its input o, the others are 0. Zagoruyko & Komodakis, arXiv:1706.00388. With an even
  /// kernel it is the place right of the middle.
  /// - Parameter groups: the outputs must divide by it.
  public static func dirac(groups: Int = 1) -> Initializer {
    Initializer { shape, _ in
      check(
        shape.rank >= 2 && groups >= 1 && shape[0] % groups == 0, op: "Initializer.dirac",
        expected: "a weight [out, in, kernel...], out divisible by \(groups)", got: shape)
      let outputs = shape[0] / groups
      let kernel = (2..<shape.rank).map { shape[$0] }
      let size = kernel.reduce(1, *)
      let middle = kernel.reduce(0) { $0 * $1 + $1 / 2 }
      return Tensor(shape, of: Float.self) { elements in
        elements.update(repeating: 0)
        for group in 0..<groups where size > 0 {
          for channel in 0..<min(outputs, shape[1]) {
            elements[((group * outputs + channel) * shape[1] + channel) * size + middle] = 1
          }
        }
      }
    }
  }

  /// The identity `[n, n]`: a linear layer that hands its inputs on; rows or columns of zeros where
  /// it is not square.
  public static let eye = Initializer { shape, _ in
    check(shape.rank == 2, op: "Initializer.eye", expected: "[out, in]", got: shape)
    return .eye(shape[0], shape[1])
  }
}
