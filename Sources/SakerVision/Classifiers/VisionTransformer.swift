import SakerNN
import SakerTensor

/// A picture as a sequence of patches, read by a transformer's encoder. Dosovitskiy et al.,
/// arXiv:2010.11929, table 1; the tiny and small ones, Touvron et al., arXiv:2012.12877. Names are
/// torchvision's (`encoder.layers.encoder_layer_0.ln_1`, ..., `heads.head`) or timm's
/// (`blocks.0.norm1`, ..., `head`).
public final class VisionTransformer: Classifier {
  let tokens: PatchTokens
  let blocks: [PatchBlock]
  let norm: LayerNorm
  let fc: Linear
  public let naming: Naming
  public let levels: [FeatureLevel]
  /// Pixels a side that positions were made for: the only size it takes.
  public let side: Int

  public enum Naming: Sendable { case torchvision, timm }

  public struct Configuration: Sendable {
    /// Channels of a token.
    public var width: Int
    public var depth, heads: Int
    /// Pixels a side.
    public var patch: Int

    public init(width: Int, depth: Int, heads: Int, patch: Int) {
      (self.width, self.depth, self.heads, self.patch) = (width, depth, heads, patch)
    }

    /// As a plan asks for: with small patches, and with `width` times as many heads, each
    /// as wide as before.
    func fitted(to plan: ClassifierPlan) -> Configuration {
      let heads = max(1, Int((Double(self.heads) * plan.width).rounded()))
      return Configuration(
        width: heads * (width / self.heads), depth: depth, heads: heads, patch: plan.patch(patch))
    }
  }

  public init(
    _ configuration: Configuration, side: Int = 224, classes: Int = 1000,
    naming: Naming = .torchvision
  ) {
    let width = configuration.width
    tokens = PatchTokens(
      width, patch: configuration.patch, side: side, hasClass: true,
      names: naming == .timm ? .timm : .torchvision)
    blocks = (0..<configuration.depth).map { _ in
      PatchBlock(width, heads: configuration.heads, naming: naming)
    }
    norm = LayerNorm(width, epsilon: 1e-6)
    fc = Linear(width, classes)
    self.naming = naming
    self.side = side
    levels = [FeatureLevel(stride: configuration.patch, channels: width)]
    startLinears(.truncatedNormal(deviation: 0.02))
    // New classes start equally likely.
    fc.weight.start(.zeros)
  }

  public var members: [(name: String, value: Any)] {
    let layers = blocks.enumerated().map { index, block in
      (
        naming == .timm ? "blocks.\(index)" : "encoder.layers.encoder_layer_\(index)",
        block as Any
      )
    }
    // Without a name, what the tokens hold lies directly in this model.
    return [("", tokens)] + layers + [
      (naming == .timm ? "norm" : "encoder.ln", norm), (head[0], fc),
    ]
  }

  public var head: [String] { [naming == .timm ? "head" : "heads.head"] }

  /// The last block's tokens as one map, `[N, width, side / patch, side / patch]`,
  /// without the class's.
  public func features(_ images: Tensor) -> [Tensor] {
    let places = side / tokens.embedding.patch
    let y = encode(images)
    return [
      y.narrow(1, 1..<y.shape[1]).transposed(1, 2)
        .reshape([y.shape[0], y.shape[2], places, places])
    ]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, side, side]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    fc(encode(images).select(axis: 1, at: 0))
  }

  /// `[N, 1 + patches, width]`, normalized; the class's token is the first.
  private func encode(_ images: Tensor) -> Tensor {
    norm(blocks(tokens(images)))
  }
}

/// Patches as vectors, a class's token before them if there is one, and their positions added.
final class PatchTokens: Layer {
  let embedding: PatchEmbedding
  /// `[1, 1, width]`
  private let token: Parameter?
  /// `[1, tokens, width]`
  private let positions: Parameter
  private let side: Int
  private let names: Names

  /// Of projection, class's token and positions.
  struct Names {
    var projection, token, positions: String

    static let torchvision = Names(
      projection: "conv_proj", token: "class_token", positions: "encoder.pos_embedding")
    static let timm = Names(
      projection: "patch_embed.proj", token: "cls_token", positions: "pos_embed")
  }

  init(_ width: Int, patch: Int, side: Int, hasClass: Bool, names: Names) {
    check(
      side % patch == 0, op: "PatchTokens", expected: "sides that \(patch) divides", got: side)
    embedding = PatchEmbedding(3, width, patch: patch)
    embedding.proj.weight.start(
      .truncatedNormal(deviation: 1 / Float(3 * patch * patch).squareRoot()))
    embedding.proj.bias?.start(.zeros)
    token = hasClass ? Parameter([1, 1, width], .zeros) : nil
    let places = side / patch
    positions = Parameter(
      [1, places * places + (hasClass ? 1 : 0), width], .normal(deviation: 0.02))
    (self.side, self.names) = (side, names)
  }

  var members: [(name: String, value: Any)] {
    [
      (names.projection, embedding.proj), (names.token, token as Any),
      (names.positions, positions),
    ]
  }

  /// `[N, 3, side, side]` to `[N, tokens, width]`
  func forward(_ images: Tensor) -> Tensor {
    check(
      images.rank == 4 && images.shape[1...].elementsEqual([3, side, side]),
      op: "VisionTransformer", expected: "[N, 3, \(side), \(side)]", got: images.shape)
    var x = embedding(images)
    if let token {
      let first = token.value.converted(to: x.dtype).expand([x.shape[0], 1, x.shape[2]])
      x = concatenate([first, x], axis: 1)
    }
    return x + positions.value.converted(to: x.dtype)
  }
}

/// `y = x + attention(norm(x))`, `y + mlp(norm(y))`: equations 2 and 3 of the paper.
final class PatchBlock: Layer {
  private let norm1, norm2: LayerNorm
  private let attention: MultiheadAttention
  private let mlp: MLP
  private let naming: VisionTransformer.Naming

  init(_ width: Int, heads: Int, naming: VisionTransformer.Naming) {
    norm1 = LayerNorm(width, epsilon: 1e-6)
    norm2 = LayerNorm(width, epsilon: 1e-6)
    attention = MultiheadAttention(
      width, heads: heads, naming: naming == .timm ? .qkv : .torch)
    mlp = MLP(width, hidden: 4 * width)
    self.naming = naming
  }

  var members: [(name: String, value: Any)] {
    switch naming {
    case .timm: [("norm1", norm1), ("attn", attention), ("norm2", norm2), ("mlp", mlp)]
    case .torchvision:
      [
        ("ln_1", norm1), ("self_attention", attention), ("ln_2", norm2), ("mlp.0", mlp.fc1),
        ("mlp.3", mlp.fc2),
      ]
    }
  }

  /// `[N, tokens, width]`
  func forward(_ x: Tensor) -> Tensor {
    let y = x + attention(norm1(x))
    return y + mlp(norm2(y))
  }
}

extension VisionTransformer.Configuration {
  public static func tiny(patch: Int) -> Self {
    Self(width: 192, depth: 12, heads: 3, patch: patch)
  }
  public static func small(patch: Int) -> Self {
    Self(width: 384, depth: 12, heads: 6, patch: patch)
  }
  public static func base(patch: Int) -> Self {
    Self(width: 768, depth: 12, heads: 12, patch: patch)
  }
  public static func large(patch: Int) -> Self {
    Self(width: 1024, depth: 24, heads: 16, patch: patch)
  }
}

extension VisionTransformer {
  static let catalog: [ClassifierEntry] =
    [
      ("vit_b_16", Configuration.base(patch: 16), 256), ("vit_b_32", .base(patch: 32), 256),
      ("vit_l_16", .large(patch: 16), 242), ("vit_l_32", .large(patch: 32), 256),
    ].map { name, configuration, resized in
      ClassifierEntry(
        name: name, family: "VisionTransformer", source: .torchvision,
        input: ClassifierInput(smallestSide: 224, resizedSide: resized),
        abilities: [.stem, .width], patch: configuration.patch
      ) {
        VisionTransformer(configuration.fitted(to: $0), side: $0.side, classes: $0.classes)
      }
    }
    + [
      ("vit_tiny_patch16_224", Configuration.tiny(patch: 16)),
      ("vit_small_patch16_224", .small(patch: 16)), ("vit_small_patch32_224", .small(patch: 32)),
    ].map { name, configuration in
      ClassifierEntry(
        name: name, family: "VisionTransformer", source: .timm,
        input: .half(
          side: 224, smallestSide: 224, resizedSide: 248, interpolation: .bicubic),
        abilities: [.stem, .width], patch: configuration.patch
      ) {
        VisionTransformer(
          configuration.fitted(to: $0), side: $0.side, classes: $0.classes, naming: .timm)
      }
    }
}
