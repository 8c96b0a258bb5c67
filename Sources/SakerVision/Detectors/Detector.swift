import SakerData
import SakerNN
import SakerTensor

/// A model that finds objects: what training, evaluation and the command line know of it.
public protocol Detector: Module {
  /// What it takes to build the model again and to use it, except for its weights.
  var card: ModelCard { get }

  /// The errors on a batch, recorded; layers are in the phase they are in.
  ///
  /// - Parameters:
  ///   - images: `[N, 3, H, W]`, preprocessed as the card says, float32 or bfloat16.
  ///   - objects: of each picture, boxes in fractions of the input, 0...1. A picture without any is background.
  func loss(_ images: Tensor, _ objects: [[Annotation]]) -> DetectionLoss

  /// The objects in each picture, by falling score; boxes in fractions of the input, 0...1. Computed in evaluation and
  /// without gradients, whatever phase the layers are in.
  func detect(_ images: Tensor, _ options: DetectionOptions) -> [[Detection]]

  /// All that the network puts out, by name, computed in evaluation and without gradients.
  func rawOutputs(_ images: Tensor) -> [NamedTensor]
}

extension Detector {
  public func detect(_ images: Tensor) -> [[Detection]] { detect(images, DetectionOptions()) }
}
