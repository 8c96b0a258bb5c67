import SakerTensor

/// MixUp: each picture and its target become λ of themselves and 1 − λ of another of the batch, λ
/// from Beta(α, α), one for the batch. Zhang et al., arXiv:1710.09412.
public struct MixUp: Sendable {
  public let alpha: Double
  public var random: Random

  /// What was drawn for a batch.
  public struct Draw: Sendable, Hashable {
    public let lambda: Float
    /// For each sample, the other one.
    public let partners: [Int]

    public init(lambda: Float, partners: [Int]) {
      self.lambda = lambda
      self.partners = partners
    }
  }

  /// - Parameter alpha: above 0; small ones mix little.
  public init(alpha: Double = 0.2, random: Random) {
    check(alpha > 0, op: "MixUp", expected: "an alpha above 0", got: alpha)
    self.alpha = alpha
    self.random = random
  }

  /// - Parameters:
  ///   - images: `[N, ...]`, floating.
  ///   - targets: `[N, classes]`, floating: shares, see `oneHot`.
  public mutating func callAsFunction(
    _ images: Tensor, _ targets: Tensor
  ) -> (images: Tensor, targets: Tensor, draw: Draw) {
    let draw = Draw(
      lambda: Float(random.beta(alpha, alpha)),
      partners: Array(0..<(images.shape.first ?? 0)).shuffled(using: &random))
    return (MixUp.mix(images, draw), MixUp.mix(targets, draw), draw)
  }

  /// λ of each sample of `[N, ...]` and 1 − λ of its partner.
  public static func mix(_ x: Tensor, _ draw: Draw) -> Tensor {
    check(
      x.rank >= 1 && x.dtype.isFloating && x.shape[0] == draw.partners.count, op: "MixUp",
      expected: "a floating tensor of \(draw.partners.count) samples",
      got: "\(x.dtype) \(x.shape)")
    guard x.count > 0 else { return x }
    let partners = x.indexSelect(Tensor(draw.partners.map { Int64($0) }), axis: 0)
    return x * draw.lambda + partners * (1 - draw.lambda)
  }
}
