import SakerTensor

/// DropBlock of `[N, C, H, W]`: in training squares of `size` × `size` values of a map are 0, and
/// the rest grows by all values over those that are left; in evaluation nothing happens. Ghiasi et
/// al., arXiv:1810.12890.
///
/// Each place where a square fits is its corner with the probability
/// `γ = drop / size² · (H · W) / ((H − size + 1)(W − size + 1))`, so that about the share `drop` of
/// the values is dropped, a little less where squares overlap. Each channel has squares of its own.
public final class DropBlock: Layer, ModeDependent, RandomLayer {
  public let size: Int
  /// The share at full strength.
  public let drop: Float
  /// The strength now, in 0...1: the paper raises it in a straight line over the training, which
  /// does better than a constant.
  public var strength: Float {
    didSet {
      check(
        (0...1).contains(strength), op: "DropBlock.strength", expected: "a share in 0...1",
        got: strength)
    }
  }
  public var random: Random
  public var mode = Mode()

  /// - Parameters:
  ///   - drop: in 0...1.
  ///   - size: a side of the squares; maps smaller than that are dropped as a whole.
  public init(_ drop: Float = 0.1, size: Int = 7, strength: Float = 1) {
    check(
      (0...1).contains(drop) && size >= 1 && (0...1).contains(strength), op: "DropBlock",
      expected: "drop and strength in 0...1, a size of at least 1",
      got: "drop \(drop), size \(size), strength \(strength)")
    self.drop = drop
    self.size = size
    self.strength = strength
    random = StartGenerator.current.fork()
  }

  /// γ for maps of a size, at most 1.
  public func probability(height: Int, width: Int) -> Float {
    let (rows, columns) = (min(size, height), min(size, width))
    let places = Float((height - rows + 1) * (width - columns + 1))
    return min(1, drop * strength * Float(height * width) / (Float(rows * columns) * places))
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(x.rank == 4, op: "DropBlock", expected: "[N, C, H, W]", got: x.shape)
    guard mode.isTraining, drop > 0, strength > 0, x.count > 0 else { return x }
    return apply(Mask(mask: mask(x.shape).converted(to: x.dtype)), x)
  }

  private func mask(_ shape: Shape) -> Tensor {
    let (height, width) = (shape[2], shape[3])
    let (rows, columns) = (min(size, height), min(size, width))
    let gamma = probability(height: height, width: width)
    var random = random
    defer { self.random = random }
    var left = shape.elements
    let mask = Tensor(shape, of: Float.self) { mask in
      for i in mask.indices { mask[i] = 1 }
      for map in 0..<shape[0] * shape[1] {
        for y in 0...height - rows {
          for x in 0...width - columns where random.uniform() < gamma {
            for row in y..<y + rows {
              let first = (map * height + row) * width + x
              for i in first..<first + columns { mask[i] = 0 }
            }
          }
        }
      }
      left = mask.count { $0 != 0 }
    }
    return left == 0 ? mask : mask * (Float(shape.elements) / Float(left))
  }
}
