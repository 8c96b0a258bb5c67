import SakerNN
import SakerTensor

/// Plain networks of 3x3 convolutions. Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", arXiv:1409.1556, table 1.
///
/// Layout and names are torchvision's, so that its weights load: convolutions have biases also before a batch norm (which
/// the paper didn't have yet), and the last map is averaged to 7x7, so that pictures of other sizes than 224 work.
public final class VGG: Layer {
  /// Convolutions, each with its ReLU, and poolings: `features.0`, ...
  let features: Sequential
  /// Three linear layers: `classifier.0`, `.3`, `.6`
  let classifier: Sequential

  /// Channels of the convolutions between two poolings, and the size of the head.
  public struct Configuration: Sendable {
    public var stages: [[Int]]
    public var batchNorm = false
    /// Of the two inner linear layers.
    public var width = 4096
    /// The probability with which training drops their results.
    public var dropout: Float = 0.5

    public init(_ stages: [[Int]], batchNorm: Bool = false) {
      self.stages = stages
      self.batchNorm = batchNorm
    }

    /// With a batch norm behind each convolution.
    public var normalized: Configuration {
      var copy = self
      copy.batchNorm = true
      return copy
    }
  }

  /// The least height and width of a picture: five poolings leave one pixel.
  public static let smallestSide = 32
  private static let mapSide = 7

  /// Convolutions start as He et al. ask for by their outputs, linear layers normal with deviation 0.01, biases as zeros.
  public init(_ configuration: Configuration, classes: Int = 1000) {
    var layers: [any Layer] = []
    var channels = 3
    for stage in configuration.stages {
      for outputs in stage {
        layers.append(VGG.convolution(channels, outputs))
        if configuration.batchNorm { layers.append(BatchNorm2d(outputs)) }
        layers.append(ReLU())
        channels = outputs
      }
      layers.append(MaxPool2d(kernel: 2))
    }
    features = Sequential(layers)
    let (width, drop) = (configuration.width, configuration.dropout)
    classifier = Sequential(
      VGG.linear(channels * VGG.mapSide * VGG.mapSide, width), ReLU(), Dropout(drop),
      VGG.linear(width, width), ReLU(), Dropout(drop), VGG.linear(width, classes))
  }

  private static func convolution(_ inputs: Int, _ outputs: Int) -> Conv2d {
    let layer = Conv2d(inputs, outputs, kernel: 3, padding: 1)
    layer.weight.start(.kaimingNormal(fan: .output))
    layer.bias?.start(.zeros)
    return layer
  }

  private static func linear(_ inputs: Int, _ outputs: Int) -> Linear {
    let layer = Linear(inputs, outputs)
    layer.weight.start(.normal(deviation: 0.01))
    layer.bias?.start(.zeros)
    return layer
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, float32 or bfloat16.
  public func forward(_ images: Tensor) -> Tensor {
    let least = VGG.smallestSide
    check(
      images.rank == 4 && images.shape[1] == 3 && images.shape[2] >= least
        && images.shape[3] >= least, op: "VGG",
      expected: "[N, 3, H, W], at least \(least) high and wide", got: images.shape)
    let map = adaptiveAveragePool2d(features(images), (VGG.mapSide, VGG.mapSide))
    return classifier(map.flatten(from: 1))
  }
}

extension VGG.Configuration {
  public static let vgg11 = Self([[64], [128], [256, 256], [512, 512], [512, 512]])
  public static let vgg13 = Self([[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]])
  public static let vgg16 = Self(
    [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]])
  public static let vgg19 = Self(
    [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]])
}

extension Parameter {
  /// Starts anew.
  fileprivate func start(_ initializer: Initializer) {
    value = Parameter(shape, initializer).value
  }
}
