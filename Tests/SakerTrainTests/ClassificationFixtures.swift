import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision

@testable import SakerTrain

/// The smallest classifier that has everything: two stages with normalization, a dropout, a head.
final class TinyClassifier: Classifier {
  let conv1: Conv2d, bn1: BatchNorm2d
  let conv2: Conv2d, bn2: BatchNorm2d
  let fc: Linear
  let dropout: Dropout

  init(classes: Int = 3, dropout: Float = 0) {
    conv1 = Conv2d(3, 6, kernel: 3, stride: 2, padding: 1, bias: false)
    bn1 = BatchNorm2d(6)
    conv2 = Conv2d(6, 8, kernel: 3, stride: 2, padding: 1, bias: false)
    bn2 = BatchNorm2d(8)
    self.dropout = Dropout(dropout)
    fc = Linear(8, classes)
  }

  var head: [String] { ["fc"] }
  let levels = [FeatureLevel(stride: 2, channels: 6), FeatureLevel(stride: 4, channels: 8)]

  func features(_ images: Tensor) -> [Tensor] {
    // Smooth: a kink would turn differences of rounding into larger ones.
    let first = tanh(bn1(conv1(images)))
    return [first, tanh(bn2(conv2(first)))]
  }

  /// What the head sees, `[N, 8]`.
  func pooled(_ images: Tensor) -> Tensor { features(images)[1].mean(axes: [2, 3]) }

  func forward(_ images: Tensor) -> Tensor { fc(dropout(pooled(images))) }
}

func tinyClassifier(_ seed: UInt64 = 0, classes: Int = 3, dropout: Float = 0) -> TinyClassifier {
  withSeed(seed) { TinyClassifier(classes: classes, dropout: dropout) }
}

let classifierCard = ClassifierCard(
  architecture: "resnet18", classNames: ["red", "green", "blue"],
  input: ClassifierInput(side: 12, smallestSide: 4, resizedSide: 12))

extension TemporaryFolder {
  /// Noise with a tint; its colour is the class, in turns.
  func colours(_ count: Int, side: Int = 12, seed: UInt64 = 1, classes: [Int]? = nil) throws
    -> ClassificationDataset
  {
    var random = Random(seed: seed)
    let items = try (0..<count).map { number in
      let label = classes?[number] ?? number % 3
      var picture = Picture(width: side, height: side)
      for i in picture.pixels.indices {
        picture.pixels[i] = UInt8(random.next() >> 57) + (i % 3 == label ? 60 : 0)
      }
      let file = "\(path)/\(seed)-\(number).png"
      try picture.write(to: file)
      return ClassificationDataset.Item(name: "\(seed)-\(number)", file: file, label: label)
    }
    return ClassificationDataset(classes: ["red", "green", "blue"], items: items)
  }
}

/// Two epochs of small batches, nothing changed in the pictures.
func classification(
  _ change: (inout TrainingSettings, inout ClassificationSettings) -> Void = { _, _ in }
) -> TrainingSettings {
  var settings = settings {
    $0.rule = .sgd
    $0.learningRate = 0.05
    $0.horizontalFlip = 0
    $0.verticalFlip = 0
    $0.batch = 4
  }
  var own = ClassificationSettings()
  change(&settings, &own)
  settings.classification = own
  return settings
}
