import SakerTensor

/// Brings pictures to the size of a model's input before anything else, so that a cache keeps small
/// ones and later transforms are cheap.
public struct FitToInput: SampleTransform {
  public let preprocessing: Preprocessing

  public init(_ preprocessing: Preprocessing) { self.preprocessing = preprocessing }

  public var isRandom: Bool { false }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    switch preprocessing.fit {
    case .stretch:
      sample.resize(to: PictureSize(width: preprocessing.width, height: preprocessing.height))
    case .letterbox(let fill):
      sample.letterbox(preprocessing.placement(of: sample.size), fill: fill)
    }
  }
}

/// Both sides to a size of their own; proportions change.
public struct Resize: ParameterizedTransform {
  public var width, height: Int

  public init(width: Int = 640, height: Int = 640) {
    self.width = width
    self.height = height
    checkParameters()
  }

  public static let standard = Resize()
  public var problem: String? { sizeProblem(width, height) }
  public var isRandom: Bool { false }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    sample.resize(to: PictureSize(width: width, height: height))
  }
}

/// The longer side to a length; proportions stay. What mosaics want before them.
public struct LongestSide: ParameterizedTransform {
  public var length: Int

  public init(_ length: Int = 640) {
    self.length = length
    checkParameters()
  }

  public static let standard = LongestSide()
  public var problem: String? { sizeProblem(length, length) }
  public var isRandom: Bool { false }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    sample.resize(to: sample.size.fitted(longestSide: length))
  }
}

extension PictureSize {
  func fitted(longestSide length: Int) -> PictureSize {
    let scale = Double(length) / Double(max(width, height))
    return PictureSize(
      width: min(length, max(1, Int((Double(width) * scale).rounded()))),
      height: min(length, max(1, Int((Double(height) * scale).rounded()))))
  }
}

/// Scales an image to fit a size with its aspect ratio kept, centred on a canvas.
public struct Letterbox: ParameterizedTransform {
  public var width, height: Int
  public var fill: RGB

  public init(width: Int = 640, height: Int = 640, fill: RGB = .letterboxGray) {
    self.width = width
    self.height = height
    self.fill = fill
    checkParameters()
  }

  public static let standard = Letterbox()
  public var problem: String? { sizeProblem(width, height) }
  public var isRandom: Bool { false }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let place = Placement(
      of: sample.size, into: PictureSize(width: width, height: height), fit: .letterbox(fill))
    sample.letterbox(place, fill: fill)
  }
}

extension Sample {
  mutating func letterbox(_ place: Placement, fill: RGB) {
    resize(to: place.scaled)
    guard place.scaled != place.input else { return }
    show(
      x: -place.left, y: -place.top, width: place.input.width, height: place.input.height,
      fill: fill, rule: VisibilityRule(share: 0, side: 0))
  }
}

/// Draws the size of a model's input anew for each batch, so that one model learns many
/// sizes (YOLOv2, arXiv:1612.08242, section 2): the same seed gives the same sizes, with any
/// number of workers.
public struct MultiScale: Hashable, Codable, Sendable {
  /// Input sizes in pixels; multiples of `stride`.
  public let sizes: [Int]

  /// - Parameters:
  ///   - size: the usual size.
  ///   - range: of factors of it.
  ///   - stride: sizes are multiples of it: the coarsest map's.
  public init(around size: Int, range: ClosedRange<Float> = 0.5...1.5, stride: Int = 32) {
    precondition(
      size > 0 && stride > 0 && range.lowerBound > 0,
      "sizes, strides and factors are above 0, got \(size), \(stride) and \(range)")
    let first = max(1, Int((Float(size) * range.lowerBound / Float(stride)).rounded(.up)))
    let last = max(first, Int(Float(size) * range.upperBound / Float(stride)))
    sizes = (first...last).map { $0 * stride }
  }

  /// The side of a batch's input.
  public func size(epoch: Int, batch: Int, seed: UInt64) -> Int {
    var random = Random(seed: seed, epoch, batch, 0x5CA1E)
    return sizes[random.index(below: sizes.count)]
  }
}
