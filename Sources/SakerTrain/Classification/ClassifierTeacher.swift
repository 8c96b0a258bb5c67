import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// The teacher in knowledge distillation. Hinton et al., "Distilling the Knowledge in a Neural
/// Network", arXiv:1503.02531.
public struct ClassifierTeacher {
  public let card: ClassifierCard
  /// What messages call it.
  public let name: String
  private let model: any Classifier

  /// - Parameter model: evaluates from now on, and takes no gradients.
  public init(_ model: any Classifier, _ card: ClassifierCard, name: String) {
    model.eval()
    self.model = model
    self.card = card
    self.name = name
  }

  /// Logits of pictures `[N, C, H, W]`, `[N, classes]`, float32.
  public func logits(_ images: Tensor) -> Tensor {
    withoutGradients { model(images).converted(to: .float32) }
  }

  /// The error of a student: the teacher's share, and the labels'.
  ///
  /// - Parameter labelLoss: `[]`
  public func loss(
    _ logits: Tensor, of images: Tensor, labelLoss: Tensor,
    _ settings: ClassificationSettings.Distillation
  ) -> Tensor {
    let lesson = distillationLoss(
      logits, teacher: self.logits(images), temperature: settings.temperature)
    return lesson * settings.alpha + labelLoss * (1 - settings.alpha)
  }

  /// Demands that both see the same pictures and tell the same classes apart, in the same order. A
  /// teacher that only numbers its classes is believed to have them in the student's order.
  ///
  /// - Throws: `TrainingError` that says what differs.
  public func demandFit(_ student: ClassifierCard) throws {
    let (own, other) = (card.input, student.input)
    let numbers = card.classNames.indices.map { "\($0)" }
    if card.classNames != student.classNames,
      card.classNames != numbers || numbers.count != student.classNames.count
    {
      throw TrainingError(
        "\(name): the teacher has the classes \(card.classNames.joined(separator: ", ")), the data "
          + student.classNames.joined(separator: ", "))
    }
    let different: [(String, Any, Any)] = [
      ("pixels a side", own.side, other.side), ("resized side", own.resizedSide, other.resizedSide),
      ("channels", own.channels, other.channels), ("order", own.order, other.order),
      ("interpolation", own.interpolation, other.interpolation), ("mean", own.mean, other.mean),
      ("deviation", own.std, other.std),
    ].filter { "\($0.1)" != "\($0.2)" }
    guard different.isEmpty else {
      let list = different.map { "\($0.0) \($0.1), not \($0.2)" }
      throw TrainingError(
        "\(name): the teacher expects other pictures than the model: "
          + list.joined(separator: "; "))
    }
  }
}
