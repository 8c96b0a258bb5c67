import SakerData
import SakerNN
import SakerTensor

/// An object detector, as training, evaluation and the command line use it.
public protocol Detector: Module {
  /// What it takes to build the model again and to use it, except for its weights.
  var card: ModelCard { get }

  /// The errors on a batch, recorded; layers are in the phase they are in.
  ///
  /// - Parameters:
  ///   - images: `[N, 3, H, W]`, preprocessed as the card says, float32 or bfloat16.
  ///   - objects: of each picture, boxes in fractions of the input, 0...1. A picture without
  ///     any is background.
  func loss(_ images: Tensor, _ objects: [[Annotation]]) -> DetectionLoss

  /// The objects in each picture, by falling score; boxes in fractions of the input, 0...1.
  /// Computed in evaluation and without gradients, whatever phase the layers are in.
  func detect(_ images: Tensor, _ options: DetectionOptions) -> [[Detection]]

  /// The errors on a batch and the objects found in it, as `loss` and `detect` have them, both
  /// computed in evaluation and without gradients: a detector that predicts once for both says so.
  func evaluate(
    _ images: Tensor, _ objects: [[Annotation]], _ options: DetectionOptions
  ) -> (loss: DetectionLoss, detections: [[Detection]])

  /// All that the network puts out, by name, computed in evaluation and without gradients.
  func rawOutputs(_ images: Tensor) -> [NamedTensor]

  /// Names of the modules in order of depth, without the heads: what is frozen from the image on.
  var stages: [String] { get }

  /// Names of the modules that predict classes and boxes.
  var heads: [String] { get }

  /// Inputs other than the card's that it learns from as they are; `nil` if there are none.
  var freeSides: FreeSides? { get }
}

/// Heights and widths that a detector takes besides those of its card, in pixels.
public struct FreeSides: Hashable, Sendable {
  public let smallest: Int
  /// They are multiples of it.
  public let stride: Int

  public init(smallest: Int, stride: Int) {
    self.smallest = smallest
    self.stride = stride
  }
}

extension Detector {
  public var freeSides: FreeSides? { nil }
  public var stages: [String] { [] }
  public var heads: [String] { [] }

  public func evaluate(
    _ images: Tensor, _ objects: [[Annotation]], _ options: DetectionOptions
  ) -> (loss: DetectionLoss, detections: [[Detection]]) {
    (evaluating { loss(images, objects) }, detect(images, options))
  }

  /// Whether a parameter, buffer or module belongs to a head, by its name.
  public func isHead(_ name: String) -> Bool {
    heads.contains { name == $0 || name.hasPrefix($0 + ".") }
  }

  public func detect(_ images: Tensor) -> [[Detection]] { detect(images, DetectionOptions()) }
}
