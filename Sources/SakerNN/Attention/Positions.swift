import Foundation
import SakerTensor

/// Waves of geometrically growing length as positions, `[length, width]`:
/// `sin(t / 10000^(2i/width))` at 2i and the cosine beside it. A shift is a rotation, so distances
/// are linear in them. Vaswani et al., arXiv:1706.03762, section 3.5.
public func sinusoidalPositions(_ length: Int, _ width: Int, base: Double = 10000) -> Tensor {
  check(
    length >= 0 && width > 0, op: "sinusoidalPositions", expected: "sizes", got: (length, width))
  return Tensor([length, width], of: Float.self) { elements in
    for t in 0..<length {
      for i in 0..<width {
        let angle = Double(t) / pow(base, Double(i / 2 * 2) / Double(width))
        elements[t * width + i] = Float(i % 2 == 0 ? sin(angle) : cos(angle))
      }
    }
  }
}

/// Adds `sinusoidalPositions` to `[N, L, E]`.
public final class SinusoidalPositions: Layer {
  public let width: Int
  public let base: Double
  private var table: Tensor

  /// - Parameter length: for which waves are computed at once; longer sequences only take the time.
  public init(_ width: Int, length: Int = 512, base: Double = 10000) {
    (self.width, self.base) = (width, base)
    table = sinusoidalPositions(length, width, base: base)
  }

  public var members: [(name: String, value: Any)] { [] }

  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 3 && x.shape[2] == width, op: "SinusoidalPositions", expected: "[N, L, \(width)]",
      got: x.shape)
    let length = x.shape[1]
    let positions =
      length <= table.shape[0]
      ? table.narrow(0, 0..<length) : sinusoidalPositions(length, width, base: base)
    return x + positions.converted(to: x.dtype)
  }
}

/// Adds a learned vector for each position to `[N, L, E]`. Dosovitskiy et al., arXiv:2010.11929.
public final class LearnedPositions: Layer {
  /// `[1, longest, E]`
  public let weight: Parameter

  /// Starts normally distributed with deviation 0.02.
  public init(_ longest: Int, _ width: Int) {
    weight = Parameter([1, longest, width], .normal(deviation: 0.02))
  }

  /// Stops if the sequence is longer than there are positions.
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 3 && x.shape[1] <= weight.shape[1] && x.shape[2] == weight.shape[2],
      op: "LearnedPositions", expected: "[N, at most \(weight.shape[1]), \(weight.shape[2])]",
      got: x.shape)
    return x + weight.value.narrow(1, 0..<x.shape[1])
  }
}
