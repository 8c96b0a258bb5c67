import SakerNN
import SakerTensor

/// A network that sees pictures at several scales: what detectors and segmenters build on.
public protocol Backbone: Module {
  /// What `features` gives, the finest level first.
  var levels: [FeatureLevel] { get }

  /// One map a level, `[N, channels, H / stride, W / stride]` (rounded as the layers round), of RGB
  /// pictures `[N, 3, H, W]`.
  func features(_ images: Tensor) -> [Tensor]
}

/// One map of a backbone.
public struct FeatureLevel: Hashable, Codable, Sendable {
  /// Pixels of the picture from one cell to the next.
  public let stride: Int
  public let channels: Int

  public init(stride: Int, channels: Int) {
    self.stride = stride
    self.channels = channels
  }
}

/// An image classifier: `[N, 3, H, W]` to logits `[N, classes]`.
public protocol Classifier: Layer, Backbone {
  /// The layers that tell the classes apart, by the names of their parameters without `.weight` and
  /// `.bias`: `["fc"]`. They are what changes with the number of classes.
  var head: [String] { get }
}
