import SakerData
import SakerTensor
import SakerVision

/// Training on inputs of many sizes: every ten batches another one, as YOLOv2 did
/// (arXiv:1612.08242, section 2). Batches come in the size of the model's card and are resized
/// here, bilinear, with antialiasing; boxes are shares of the input and stay.
struct MultiScaleInput {
  /// How many batches have one size.
  static let period = 10

  /// Of the larger side.
  let scale: MultiScale
  private let usual: PictureSize
  private let sides: FreeSides

  /// - Parameter share: how much smaller or larger than the card's input, above 0, below 1.
  /// - Throws: `TrainingError` if the model takes no other sizes, or only its own is in reach.
  init(_ model: any Detector, share: Float) throws {
    let own = model.card.preprocessing
    guard let sides = model.freeSides else {
      throw TrainingError(
        "multi-scale: \(model.card.architecture) learns from \(own.width)x\(own.height) only, expected a model without fixed sizes"
      )
    }
    self.sides = sides
    usual = PictureSize(width: own.width, height: own.height)
    scale = MultiScale(
      around: max(own.width, own.height), range: 1 - share...1 + share, stride: sides.stride)
    guard Set(scale.sizes.map(size)).count > 1 else {
      throw TrainingError(
        "multi-scale: no other multiple of \(sides.stride) is within \(share) of \(max(own.width, own.height)) pixels"
      )
    }
  }

  /// The largest input.
  var largest: PictureSize { size(scale.sizes.last ?? max(usual.width, usual.height)) }

  /// An input whose larger side is so long, the other one in proportion, both possible.
  func size(_ side: Int) -> PictureSize {
    let factor = Double(side) / Double(max(usual.width, usual.height))
    func possible(_ length: Int) -> Int {
      let steps = Int((Double(length) * factor / Double(sides.stride)).rounded())
      let least = (sides.smallest + sides.stride - 1) / sides.stride
      return max(steps, least) * sides.stride
    }
    return PictureSize(width: possible(usual.width), height: possible(usual.height))
  }

  /// - Parameter images: `[N, 3, H, W]`
  func resized(_ images: Tensor, at place: StepPlace, seed: UInt64) -> Tensor {
    let size = size(
      scale.size(epoch: place.epoch, batch: place.batch / MultiScaleInput.period, seed: seed))
    if images.shape[2] == size.height && images.shape[3] == size.width { return images }
    return interpolate(
      images, size: [size.height, size.width], mode: .linear, antialias: true)
  }
}
