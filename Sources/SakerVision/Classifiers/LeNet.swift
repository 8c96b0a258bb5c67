import SakerNN
import SakerTensor

/// The network that read cheques. LeCun et al., "Gradient-Based Learning Applied to Document
/// Recognition", Proc. IEEE 86 (1998), figure 2, in the form that is taught: full connections
/// between maps, linear layers in place of the radial units.
///
/// Names are "Dive into Deep Learning"'s (section 7.6): `net.0.weight`, ... A picture of 28
/// pixels is padded by 2.
public final class LeNet: Classifier {
  let net: Sequential
  private let channels: Int

  /// What squashes and how maps shrink.
  public enum Form: Sendable {
    /// Sigmoids and means, as in 1998.
    case original
    /// ReLUs and maxima.
    case modern
  }

  /// - Parameter channels: of the pictures, 1 for digits.
  public init(_ form: Form = .original, channels: Int = 1, classes: Int = 10) {
    self.channels = channels
    func activation() -> any Layer { form == .original ? Sigmoid() : ReLU() }
    func pool() -> any Layer {
      form == .original ? AvgPool2d(kernel: 2) : MaxPool2d(kernel: 2)
    }
    net = Sequential(
      Conv2d(channels, 6, kernel: 5, padding: 2), activation(), pool(),
      Conv2d(6, 16, kernel: 5), activation(), pool(), Flatten(),
      Linear(16 * 25, 120), activation(), Linear(120, 84), activation(), Linear(84, classes))
    startConvolutions(.xavierUniform())
    startLinears(.xavierUniform())
  }

  public var head: [String] { ["net.11"] }
  public let levels = [
    FeatureLevel(stride: 2, channels: 6), FeatureLevel(stride: 4, channels: 16),
  ]

  public func features(_ images: Tensor) -> [Tensor] { net.outputs(of: [2, 5], images) }

  /// Class logits `[N, classes]` of pictures `[N, channels, 28, 28]`.
  public func forward(_ images: Tensor) -> Tensor {
    check(
      images.rank == 4 && images.shape.sizes[1...] == [channels, 28, 28], op: "LeNet",
      expected: "[N, \(channels), 28, 28]", got: images.shape)
    return net(images)
  }

  static let catalog: [ClassifierEntry] = [("lenet", Form.original), ("lenet_modern", .modern)].map
  {
    name, form in
    ClassifierEntry(
      name: name, family: "LeNet", source: .paper,
      input: ClassifierInput(
        side: 28, smallestSide: 28, resizedSide: 28, mean: [0], std: [1], channels: 1)
    ) { LeNet(form, classes: $0) }
  }
}
