import SakerNN
import SakerTensor

/// Linear layers only, along the patches and along the channels in turn. Tolstikhin et al.,
/// arXiv:2105.01601, table 1. Names are timm's: `stem.proj`, `blocks.0.mlp_tokens.fc1`,
/// ..., `norm`, `head`.
public final class MLPMixer: Classifier {
  let stem: PatchEmbedding
  let blocks: [MLPMixerBlock]
  let norm: LayerNorm
  let fc: Linear
  public let levels: [FeatureLevel]
  /// Pixels a side: the only size it takes.
  public let side: Int

  /// - Parameters:
  ///   - width: channels of a patch.
  ///   - depth: blocks.
  ///   - patch: pixels a side.
  public init(width: Int, depth: Int, patch: Int, side: Int = 224, classes: Int = 1000) {
    check(side % patch == 0, op: "MLPMixer", expected: "sides that \(patch) divides", got: side)
    let places = side / patch
    stem = PatchEmbedding(3, width, patch: patch)
    blocks = (0..<depth).map { _ in MLPMixerBlock(width, tokens: places * places) }
    norm = LayerNorm(width, epsilon: 1e-6)
    fc = Linear(width, classes)
    self.side = side
    levels = [FeatureLevel(stride: patch, channels: width)]
    startLinears(.xavierUniform())
    fc.weight.start(.zeros)
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("blocks", blocks), ("norm", norm), ("head", fc)]
  }

  public var head: [String] { ["head"] }

  /// The last block's patches as one map, `[N, width, side / patch, side / patch]`.
  public func features(_ images: Tensor) -> [Tensor] {
    let y = mix(images)
    let places = side / stem.patch
    return [y.transposed(1, 2).reshape([y.shape[0], y.shape[2], places, places])]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, side, side]`, normalized.
  public func forward(_ images: Tensor) -> Tensor { fc(mix(images).mean(axes: [1])) }

  private func mix(_ images: Tensor) -> Tensor {
    check(
      images.rank == 4 && images.shape[1...].elementsEqual([3, side, side]), op: "MLPMixer",
      expected: "[N, 3, \(side), \(side)]", got: images.shape)
    return norm(blocks(stem(images)))
  }

  static let catalog: [ClassifierEntry] = [
    ("s32", 512, 8, 32), ("s16", 512, 8, 16), ("b32", 768, 12, 32), ("b16", 768, 12, 16),
    ("l32", 1024, 24, 32), ("l16", 1024, 24, 16),
  ].map { (name: String, width: Int, depth: Int, patch: Int) in
    ClassifierEntry(
      name: "mixer_\(name)_224", family: "MLPMixer", source: .timm,
      input: .half(side: 224, smallestSide: 224, interpolation: .bicubic),
      abilities: [.stem, .width], patch: patch
    ) {
      MLPMixer(
        width: $0.scaled(width), depth: depth, patch: $0.patch(patch), side: $0.side,
        classes: $0.classes)
    }
  }
}
