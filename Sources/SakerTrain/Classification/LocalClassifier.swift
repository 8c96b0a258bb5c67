import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// A classifier cut into modules that learn each by itself, with the heads that tell them how good
/// they are (InfoPro). As a classifier it is the one it was made from, with its names; the heads,
/// `local_heads.0...`, are of use in training only.
public final class LocalClassifier: Layer {
  public let model: any Classifier
  let local: LocallySupervised

  /// Names of what is no part of the classifier begin with this.
  static let prefix = "local_heads."

  /// - Parameters:
  ///   - modules: into how many; the same number of blocks each, or one more.
  ///   - pictureChannels: of the pictures, 3 or 1.
  /// - Throws: `TrainingError` if the model cannot be cut so.
  public init(
    _ model: any Classifier, modules: Int, classes: Int, pictureChannels: Int
  ) throws {
    guard let stacked = model as? any StackedClassifier else {
      throw TrainingError(
        "local modules: expected a network whose blocks follow one another (ResNet), got \(type(of: model))"
      )
    }
    let stack = stacked.stack
    guard (1...stack.count).contains(modules) else {
      throw TrainingError(
        "local modules: expected 1...\(stack.count), as many as the network has blocks, got \(modules)"
      )
    }
    let cuts = (0...modules).map { $0 * stack.count / modules }
    let parts = zip(cuts, cuts.dropFirst()).map { Array(stack[$0..<$1]) }
    self.model = model
    // Early modules have to keep more of the picture than late ones.
    local = LocallySupervised(
      parts.map { Sequential($0.map(\.layer)) },
      heads: parts.dropLast().map {
        LocalHead(
          channels: $0[$0.count - 1].channels, classes: classes, pictureChannels: pictureChannels)
      }, classifier: stacked.top,
      losses: (
        InfoProLoss(reconstruction: 1, label: 1), InfoProLoss(reconstruction: 0.5, label: 1)
      ))
  }

  public var members: [(name: String, value: Any)] {
    model.members + [("local_heads", local.heads)]
  }

  /// As the classifier.
  public func forward(_ images: Tensor) -> Tensor { model(images) }
}

extension ClassifierInput {
  /// Pictures as the network takes them, `[N, C, H, W]`, as levels of 0...1 again, float32.
  func levels(_ images: Tensor) -> Tensor {
    func row(_ values: [Float]) -> Tensor { Tensor(values, [1, values.count, 1, 1]) }
    return (images.detached().converted(to: .float32) * row(std) + row(mean)).clamped(
      from: 0, to: 1)
  }
}
