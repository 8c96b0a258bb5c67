import SakerTensor

// Neural style transfer: Gatys et al., arXiv:1508.06576. The notes (002:863) retell "Dive into Deep
// Learning", section 14.12, and write X Xᵀ and a sum; the book's code divides the one by C·H·W and
// takes half of two means for the other. Both are here; the book's are the defaults, because
// weights of losses that work are known for them.

/// Products of all pairs of channels, `X Xᵀ` with X `[C, H·W]`, of each picture: `[N, C, C]`.
///
/// - Parameters:
///   - maps: `[N, C, H, W]`
///   - normalized: divided by C·H·W, so that style losses of layers of different sizes compare, as
///     the book's code has it; `false` is the notes' form, and the paper's, which puts the division
///     into the weight of the loss.
public func gramMatrix(_ maps: Tensor, normalized: Bool = true) -> Tensor {
  check(maps.rank == 4, op: "gramMatrix", expected: "maps [N, C, H, W]", got: maps.shape)
  let x = maps.reshape([maps.shape[0], maps.shape[1], maps.shape[2] * maps.shape[3]])
  let products = matmul(x, x.transposed())
  return normalized ? products / Float(x.shape[1] * x.shape[2]) : products
}

/// Mean squared difference of feature maps; the target takes no gradient.
public func contentLoss(
  _ maps: Tensor, _ target: Tensor, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  meanSquaredError(maps, target.detached(), weight: weight, reduction: reduction)
}

/// Mean squared difference of the Gram matrices of feature maps; `target` is a Gram
/// matrix, `[N, C, C]` or `[C, C]`, which takes no gradient. It must have been made with
/// the same `normalized`.
public func styleLoss(
  _ maps: Tensor, gram target: Tensor, normalized: Bool = true, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  let gram = gramMatrix(maps, normalized: normalized)
  check(
    target.shape.broadcast(with: gram.shape) == gram.shape, op: "styleLoss",
    expected: "a Gram matrix \(gram.shape)", got: target.shape)
  return meanSquaredError(
    gram, target.detached().expand(gram.shape), weight: weight, reduction: reduction)
}

/// How neighbouring pixels differ.
public enum TotalVariation: Sendable {
  /// `½ (mean |x[i+1, j] − x[i, j]| + mean |x[i, j+1] − x[i, j]|)`, as the book's code has it: the
  /// same for pictures of any size.
  case meanAbsolute
  /// `Σ |x[i, j] − x[i+1, j]| + |x[i, j] − x[i, j+1]|`, the notes' form: Rudin, Osher and Fatemi's,
  /// along the axes. Grows with the picture.
  case sumAbsolute
  /// `Σ (x[i+1, j] − x[i, j])² + Σ (x[i, j+1] − x[i, j])²`: Mahendran and Vedaldi's,
  /// arXiv:1412.0035, with β = 2.
  case sumSquared
}

/// Total variation of pictures `[..., H, W]`: small for smooth ones. Along an axis of one
/// pixel nothing varies.
public func totalVariationLoss(_ pictures: Tensor, _ form: TotalVariation = .meanAbsolute) -> Tensor
{
  check(
    pictures.rank >= 2, op: "totalVariationLoss", expected: "pictures [..., H, W]",
    got: pictures.shape)
  let axes = [pictures.rank - 2, pictures.rank - 1]
  let differences = axes.map { axis in
    let size = pictures.shape[axis]
    return pictures.narrow(axis, min(1, size)..<size)
      - pictures.narrow(axis, 0..<max(size - 1, 0))
  }
  let parts = differences.map { difference in
    switch form {
    case .meanAbsolute: abs(difference).sum() * (0.5 / Float(max(difference.count, 1)))
    case .sumAbsolute: abs(difference).sum()
    case .sumSquared: square(difference).sum()
    }
  }
  return parts[0] + parts[1]
}
