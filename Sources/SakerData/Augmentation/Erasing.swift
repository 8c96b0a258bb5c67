import CKernels
import SakerTensor

/// What covers an erased part.
public enum EraseFill: Hashable, Codable, Sendable {
  case color(RGB)
  /// Each level drawn on its own.
  case noise

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let name = try? container.decode(String.self) {
      guard name == "noise" else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "expected noise or a colour, got \(name)")
      }
      self = .noise
    } else {
      self = .color(try container.decode(RGB.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .color(let color): try container.encode(color)
    case .noise: try container.encode("noise")
    }
  }
}

/// Covers squares at random places (DeVries and Taylor, arXiv:1708.04552): their middles lie
/// anywhere in the picture, so squares may reach over its border.
public struct Cutout: ParameterizedTransform {
  public var holes: Int
  /// A side of the square, as a share of the picture's shorter side.
  public var size: ClosedRange<Float>
  public var fill: EraseFill
  public var probability: Float
  /// Objects are dropped when more of their box than this is covered; 1 drops none.
  public var maximumCovered: Float

  public init(
    holes: Int = 1, size: ClosedRange<Float> = 0.25...0.5, fill: EraseFill = .color(.black),
    probability: Float = 0.5, maximumCovered: Float = 0.75
  ) {
    self.holes = holes
    self.size = size
    self.fill = fill
    self.probability = probability
    self.maximumCovered = maximumCovered
    checkParameters()
  }

  public static let standard = Cutout()
  public var problem: String? {
    unless((0...1000).contains(holes), "holes are 0...1000, got \(holes)")
      ?? unless(
        size.lowerBound > 0 && size.upperBound <= 2, "a side is a share above 0, got \(size)")
      ?? unless((0...1).contains(maximumCovered), "a covered share is 0...1, got \(maximumCovered)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    let (width, height) = (sample.picture.width, sample.picture.height)
    var covered: [PixelBox] = []
    for _ in 0..<holes {
      let side = max(1, Int(random.uniform(size) * Float(min(width, height))))
      let x = random.index(below: width) - side / 2
      let y = random.index(below: height) - side / 2
      let part = PixelBox(left: x, top: y, right: x + side, bottom: y + side)
        .clipped(width: width, height: height)
      sample.picture.erase(part, fill, using: &random)
      covered.append(part)
    }
    sample.hide(covered, maximum: maximumCovered)
  }
}

/// Covers a rectangle of random area and shape, with a probability (Zhong et al.,
/// arXiv:1708.04896), drawn as torchvision does.
public struct RandomErasing: ParameterizedTransform {
  /// The rectangle's area as a share of the picture's.
  public var scale: ClosedRange<Float>
  /// Height by width; logarithms are drawn evenly.
  public var ratio: ClosedRange<Float>
  public var fill: EraseFill
  public var probability: Float
  /// Objects are dropped when more of their box than this is covered; 1 drops none.
  public var maximumCovered: Float

  public init(
    scale: ClosedRange<Float> = 0.02...0.33, ratio: ClosedRange<Float> = 0.3...3.3,
    fill: EraseFill = .color(.black), probability: Float = 0.5, maximumCovered: Float = 0.75
  ) {
    self.scale = scale
    self.ratio = ratio
    self.fill = fill
    self.probability = probability
    self.maximumCovered = maximumCovered
    checkParameters()
  }

  public static let standard = RandomErasing()
  public var problem: String? {
    unless(
      scale.lowerBound > 0 && scale.upperBound <= 1, "an area is 0...1 of the picture, got \(scale)"
    )
      ?? unless(ratio.lowerBound > 0, "a ratio is above 0, got \(ratio)")
      ?? unless((0...1).contains(maximumCovered), "a covered share is 0...1, got \(maximumCovered)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    let (width, height) = (sample.picture.width, sample.picture.height)
    for _ in 0..<10 {
      let area = Float(width * height) * random.uniform(scale)
      let shape = random.logarithmic(ratio)
      let h = Int((area * shape).squareRoot().rounded())
      let w = Int((area / shape).squareRoot().rounded())
      guard w > 0, h > 0, w < width, h < height else { continue }
      let y = random.index(below: height - h + 1)
      let x = random.index(below: width - w + 1)
      let part = PixelBox(left: x, top: y, right: x + w, bottom: y + h)
      sample.picture.erase(part, fill, using: &random)
      sample.hide([part], maximum: maximumCovered)
      return
    }
  }
}

/// A rectangle of whole pixels.
struct PixelBox {
  var left, top, right, bottom: Int

  var width: Int { max(0, right - left) }
  var height: Int { max(0, bottom - top) }

  func clipped(width: Int, height: Int) -> PixelBox {
    PixelBox(
      left: min(max(left, 0), width), top: min(max(top, 0), height),
      right: min(max(right, 0), width), bottom: min(max(bottom, 0), height))
  }

  func contains(_ point: PicturePoint) -> Bool {
    point.x >= Float(left) && point.x < Float(right) && point.y >= Float(top)
      && point.y < Float(bottom)
  }
}

extension Picture {
  /// Covers the part from column `x`, row `y` on; what lies outside the picture is left out.
  public mutating func erase(
    x: Int, y: Int, width: Int, height: Int, with color: RGB = .black
  ) {
    let part = PixelBox(left: x, top: y, right: x + width, bottom: y + height)
      .clipped(width: self.width, height: self.height)
    var random = Random(seed: 0)
    erase(part, .color(color), using: &random)
  }

  /// Covers a part, which lies inside.
  mutating func erase(_ part: PixelBox, _ fill: EraseFill, using random: inout Random) {
    let start = 3 * (part.top * width + part.left)
    let stride = 3 * width
    switch fill {
    case .noise:
      let seed = random.next()
      guard part.width > 0, part.height > 0 else { return }
      pixels.withUnsafeMutableBufferPointer {
        saker_uniform_noise(
          $0.baseAddress! + start, stride, Int32(part.height), Int32(3 * part.width), seed)
      }
    case .color(let color):
      guard part.width > 0, part.height > 0 else { return }
      let row = Picture(width: part.width, height: 1, filledWith: color)
      pixels.withUnsafeMutableBufferPointer {
        // A stride of 0 repeats the row.
        saker_copy_rows(
          row.pixels, 0, $0.baseAddress! + start, stride, 3 * part.width, Int32(part.height))
      }
    }
  }
}

extension Sample {
  /// Marks what lies under parts of the picture that no longer show it: objects of which more than
  /// `maximum` is covered are dropped; masks lose what is covered, and boxes of masks shrink to
  /// what is left; covered key points are hidden.
  mutating func hide(_ parts: [PixelBox], maximum: Float) {
    guard !objects.isEmpty || labelMap != nil else { return }
    var cover = Mask(width: picture.width, height: picture.height)
    for part in parts where part.width > 0 {
      for y in part.top..<part.bottom {
        for x in part.left..<part.right { cover.values[y * cover.width + x] = 1 }
      }
    }
    hide(under: cover, maximum: maximum)
  }

  /// As `hide(_:maximum:)`, with the pixels that no longer show anything.
  mutating func hide(under cover: Mask, maximum: Float) {
    if labelMap != nil {
      for i in cover.values.indices where cover.values[i] != 0 {
        labelMap!.values[i] = Mask.ignored
      }
    }
    objects = objects.compactMap { object in
      let covered = cover.share(of: object.box)
      guard covered <= maximum else { return nil }
      var object = object
      object.visibleShare *= 1 - covered
      if object.mask != nil {
        for i in cover.values.indices where cover.values[i] != 0 { object.mask!.values[i] = 0 }
        guard let extent = object.mask!.extent() else { return nil }
        object.box = extent.box
      }
      for k in object.keypoints.indices where object.keypoints[k].visibility == .visible {
        let point = object.keypoints[k].point
        let (x, y) = (Int(point.x), Int(point.y))
        guard x >= 0, x < cover.width, y >= 0, y < cover.height else { continue }
        if cover[x, y] != 0 { object.keypoints[k].visibility = .hidden }
      }
      return object
    }
  }
}

extension Mask {
  /// How much of a box's pixels is not 0, 0...1.
  func share(of box: Box) -> Float {
    let part = PixelBox(
      left: Int(box.left.rounded(.down)), top: Int(box.top.rounded(.down)),
      right: Int(box.right.rounded(.up)), bottom: Int(box.bottom.rounded(.up))
    ).clipped(width: width, height: height)
    guard part.width > 0, part.height > 0 else { return 0 }
    var count = 0
    for y in part.top..<part.bottom {
      for x in part.left..<part.right where values[y * width + x] != 0 { count += 1 }
    }
    return Float(count) / Float(part.width * part.height)
  }
}
