import SakerNN
import SakerTensor

/// A classifier that can be cut anywhere between its layers: it computes one after the other, and
/// nothing goes around them.
public protocol StackedClassifier: Classifier {
  /// From the pictures to the last map, and how many channels each puts out. A stem goes
  /// with the first block.
  var stack: [(layer: any Layer, channels: Int)] { get }

  /// From the last map to the logits.
  var top: any Layer { get }
}
