import SakerNN
import SakerTensor

/// A picture's patches, mixed by Fourier transforms in place of attention: Lee-Thorp et al.,
/// arXiv:2105.03824, with the patches of vision transformers, of whose sizes its names speak.
/// Neither torchvision nor timm has it; names: `patch_embed.proj`, `pos_embed`, `blocks.0.norm1`,
/// `blocks.0.mlp.fc1`, ..., `head`. There is no class's token: it takes the mean of all patches.
public final class FNet: Classifier {
  let tokens: PatchTokens
  let blocks: [FNetBlock]
  let fc: Linear
  public let levels: [FeatureLevel]
  /// Pixels a side that positions were made for: the only size it takes.
  public let side: Int

  /// - Parameters:
  ///   - width: channels of a patch; a quarter of those inside the blocks.
  ///   - depth: blocks.
  ///   - patch: pixels a side.
  public init(width: Int, depth: Int = 12, patch: Int, side: Int = 224, classes: Int = 1000) {
    tokens = PatchTokens(width, patch: patch, side: side, hasClass: false, names: .timm)
    blocks = (0..<depth).map { _ in FNetBlock(width, hidden: 4 * width) }
    fc = Linear(width, classes)
    self.side = side
    levels = [FeatureLevel(stride: patch, channels: width)]
    startLinears(.truncatedNormal(deviation: 0.02))
  }

  public var members: [(name: String, value: Any)] {
    [("", tokens), ("blocks", blocks), ("head", fc)]
  }

  public var head: [String] { ["head"] }

  /// The last block's patches as one map, `[N, width, side / patch, side / patch]`.
  public func features(_ images: Tensor) -> [Tensor] {
    let y = blocks(tokens(images))
    let places = side / tokens.embedding.patch
    return [y.transposed(1, 2).reshape([y.shape[0], y.shape[2], places, places])]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, side, side]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    fc(blocks(tokens(images)).mean(axes: [1]))
  }

  static let catalog: [ClassifierEntry] = [
    ("s32", 384, 32), ("s16", 384, 16), ("b32", 768, 32), ("b16", 768, 16),
  ].map { (name: String, width: Int, patch: Int) in
    ClassifierEntry(
      name: "fnet_\(name)", family: "FNet", source: .paper,
      input: .half(side: 224, smallestSide: 224, resizedSide: 248, interpolation: .bicubic),
      abilities: [.stem, .width], patch: patch
    ) {
      FNet(
        width: $0.scaled(width), patch: $0.patch(patch), side: $0.side, classes: $0.classes)
    }
  }
}
