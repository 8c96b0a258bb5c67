import SakerTensor

/// CutMix: a rectangle of each picture is replaced by the same of another of the batch, and the
/// targets are mixed by area. Yun et al., arXiv:1905.04899.
///
/// λ is from Beta(α, α); the rectangle has the share √(1 − λ) of each side, its centre
/// anywhere in the picture. What reaches over the edge is cut off, and λ becomes what is left
/// of the picture itself.
public struct CutMix: Sendable {
  public let alpha: Double
  public var random: Random

  /// What was drawn for a batch.
  public struct Draw: Sendable, Hashable {
    /// The rows and columns that are replaced; may be empty.
    public let rows, columns: Range<Int>
    /// For each sample, the other one.
    public let partners: [Int]
    /// The share of the picture that stays its own.
    public let lambda: Float

    public init(rows: Range<Int>, columns: Range<Int>, partners: [Int], lambda: Float) {
      self.rows = rows
      self.columns = columns
      self.partners = partners
      self.lambda = lambda
    }
  }

  /// - Parameter alpha: above 0; 1, the paper's, makes each area as likely.
  public init(alpha: Double = 1, random: Random) {
    check(alpha > 0, op: "CutMix", expected: "an alpha above 0", got: alpha)
    self.alpha = alpha
    self.random = random
  }

  /// - Parameters:
  ///   - images: `[N, C, H, W]`, floating.
  ///   - targets: `[N, classes]`, floating: shares, see `oneHot`.
  public mutating func callAsFunction(
    _ images: Tensor, _ targets: Tensor
  ) -> (images: Tensor, targets: Tensor, draw: Draw) {
    check(images.rank == 4, op: "CutMix", expected: "[N, C, H, W]", got: images.shape)
    let (height, width) = (images.shape[2], images.shape[3])
    let side = (1 - random.beta(alpha, alpha)).squareRoot()
    let rows = cut(height, side)
    let columns = cut(width, side)
    let area = Float(rows.count * columns.count) / Float(max(height * width, 1))
    let draw = Draw(
      rows: rows, columns: columns,
      partners: Array(0..<images.shape[0]).shuffled(using: &random), lambda: 1 - area)
    let mixed = MixUp.mix(targets, MixUp.Draw(lambda: draw.lambda, partners: draw.partners))
    return (CutMix.paste(images, draw), mixed, draw)
  }

  private mutating func cut(_ length: Int, _ side: Double) -> Range<Int> {
    guard length > 0 else { return 0..<0 }
    let half = Int(Double(length) * side) / 2
    let centre = Int.random(in: 0..<length, using: &random)
    // As the paper's code: an odd length loses a pixel.
    return max(centre - half, 0)..<min(centre + half, length)
  }

  /// The partners' rectangle in each picture.
  public static func paste(_ images: Tensor, _ draw: Draw) -> Tensor {
    check(
      images.rank == 4 && images.dtype.isFloating && images.shape[0] == draw.partners.count
        && draw.rows.upperBound <= images.shape[2] && draw.columns.upperBound <= images.shape[3],
      op: "CutMix", expected: "\(draw.partners.count) floating pictures around \(draw)",
      got: "\(images.dtype) \(images.shape)")
    guard !draw.rows.isEmpty, !draw.columns.isEmpty, images.count > 0 else { return images }
    let partners = images.indexSelect(Tensor(draw.partners.map { Int64($0) }), axis: 0)
    let inside = Tensor([1, 1, images.shape[2], images.shape[3]], of: Bool.self) { inside in
      inside.update(repeating: false)
      for row in draw.rows {
        for column in draw.columns { inside[row * images.shape[3] + column] = true }
      }
    }
    return .where(inside, partners, images)
  }
}
