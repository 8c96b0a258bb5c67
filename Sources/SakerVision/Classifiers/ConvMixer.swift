import SakerNN
import SakerTensor

/// Patches, mixed by depthwise and by 1x1 convolutions in turn. Trockman & Kolter,
/// arXiv:2201.09792, section 2. Names are timm's: `stem.0`, `blocks.0.0.fn.0`,
/// `blocks.0.1`, ..., `head`.
public final class ConvMixer: Classifier {
  let stem: Sequential
  let blocks: Sequential
  let fc: Linear
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - width: channels.
  ///   - depth: blocks.
  ///   - kernel: of the depthwise convolutions.
  ///   - patch: pixels a side.
  ///   - rectified: whether it has ReLU in place of GELU, as the weights of 768 channels do.
  public init(
    width: Int, depth: Int, kernel: Int, patch: Int, rectified: Bool = false, classes: Int = 1000
  ) {
    func activation() -> any Layer { rectified ? ReLU() : GELU() }
    stem = Sequential(
      Conv2d(3, width, kernel: patch, stride: patch), activation(), BatchNorm2d(width))
    blocks = Sequential(
      (0..<depth).map { _ in
        let block = ConvMixerBlock(width, kernel: kernel, activation: activation())
        // The same, by the names of published weights.
        return Sequential([ResidualBlock([("fn", block.depthwise)])] + block.pointwise.layers)
      })
    fc = Linear(width, classes)
    levels = [FeatureLevel(stride: patch, channels: width)]
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("blocks", blocks), ("head", fc)]
  }

  public var head: [String] { ["head"] }

  /// One map, at the patches' stride.
  public func features(_ images: Tensor) -> [Tensor] { [mix(images)] }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, not
  /// smaller than a patch.
  public func forward(_ images: Tensor) -> Tensor { fc(mix(images).globalAverage()) }

  private func mix(_ images: Tensor) -> Tensor {
    images.checkPictures("ConvMixer", side: levels[0].stride)
    return blocks(stem(images))
  }

  static let catalog: [ClassifierEntry] = [
    ("768_32", 768, 32, 7, 7), ("1024_20_ks9_p14", 1024, 20, 9, 14), ("1536_20", 1536, 20, 9, 7),
  ].map { (name: String, width: Int, depth: Int, kernel: Int, patch: Int) in
    ClassifierEntry(
      name: "convmixer_\(name)", family: "ConvMixer", source: .timm,
      input: ClassifierInput(resizedSide: 233, interpolation: .bicubic),
      abilities: [.stem, .width]
    ) {
      ConvMixer(
        width: $0.scaled(width), depth: depth, kernel: kernel, patch: $0.patch(patch),
        rectified: width == 768, classes: $0.classes)
    }
  }
}
