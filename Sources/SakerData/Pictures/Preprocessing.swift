/// How a picture of any size becomes a model's input: resized, then `(level / 255 - mean) / std`
/// for each channel. It belongs to the weights and is stored with them.
public struct Preprocessing: Hashable, Codable, Sendable {
  public enum Fit: Hashable, Codable, Sendable {
    /// Both sides are resized on their own; proportions change.
    case stretch
    /// Proportions are kept; the rest is filled with a colour.
    case letterbox(RGB = .letterboxGray)
  }

  /// The model's input in pixels.
  public var height, width: Int
  public var fit: Fit
  /// Mean and standard deviation of red, green and blue, where black is 0 and white 1.
  public var mean, std: [Float]

  /// - Parameters:
  ///   - mean: subtracted from each channel, in units where white is 1.
  ///   - std: each channel is divided by it, in the same units; not zero.
  public init(
    height: Int, width: Int, fit: Fit = .stretch, mean: [Float] = [0, 0, 0],
    std: [Float] = [1, 1, 1]
  ) {
    precondition(height > 0 && width > 0, "a model's input is at least 1x1, got \(width)x\(height)")
    precondition(
      mean.count == 3 && std.count == 3 && std.allSatisfy { $0 != 0 },
      "mean and std have 3 values, std without 0; got \(mean) and \(std)")
    self.height = height
    self.width = width
    self.fit = fit
    self.mean = mean
    self.std = std
  }

  /// Mean and deviation of ImageNet's pictures, which published weights expect.
  public static func imageNet(height: Int, width: Int, fit: Fit = .stretch) -> Preprocessing {
    Preprocessing(
      height: height, width: width, fit: fit, mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225])
  }

  /// Elements of one input: `height * width * 3`.
  public var count: Int { height * width * 3 }

  /// The model's input, `[height, width, 3]`.
  public func apply(_ picture: Picture) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      apply(picture, into: buffer.baseAddress!)
      initialized = count
    }
  }

  /// Writes the model's input, `[height, width, 3]`, into `count` floats from `input` on.
  public func apply(_ picture: Picture, into input: UnsafeMutablePointer<Float>) {
    let scales = std.map { 1 / (255 * $0) }
    let biases = zip(mean, std).map { -$0 / $1 }
    let place = placement(of: PictureSize(width: picture.width, height: picture.height))
    if case .letterbox(let fill) = fit, place.scaled != PictureSize(width: width, height: height) {
      let levels = [fill.red, fill.green, fill.blue]
      let values = (0..<3).map { Float(levels[$0]) * scales[$0] + biases[$0] }
      for pixel in 0..<height * width {
        for channel in 0..<3 { input[3 * pixel + channel] = values[channel] }
      }
    }
    picture.resize(
      to: place.scaled, floats: input + 3 * (place.top * width + place.left), stride: 3 * width,
      scales: scales, biases: biases)
  }

  /// The 8-bit picture that the model sees, before it is normalized.
  public func fitted(_ picture: Picture) -> Picture {
    switch fit {
    case .stretch: picture.resized(width: width, height: height)
    case .letterbox(let fill): picture.letterboxed(width: width, height: height, fill: fill)
    }
  }

  /// Where a picture of `size` comes to lie in the input, to carry boxes over and back.
  public func placement(of size: PictureSize) -> Placement {
    Placement(of: size, into: PictureSize(width: width, height: height), fit: fit)
  }
}

/// Where a picture lies in a model's input.
public struct Placement: Hashable, Sendable {
  /// The picture and the whole input, in pixels.
  public let picture, input: PictureSize
  /// The size to which the picture was resized.
  public let scaled: PictureSize
  /// Where its top left corner lies in the input, in pixels.
  public let left, top: Int

  public init(of picture: PictureSize, into input: PictureSize, fit: Preprocessing.Fit) {
    self.picture = picture
    self.input = input
    switch fit {
    case .stretch:
      scaled = input
    case .letterbox:
      let scale = min(
        Double(input.width) / Double(picture.width), Double(input.height) / Double(picture.height))
      scaled = PictureSize(
        width: min(input.width, max(1, Int((Double(picture.width) * scale).rounded()))),
        height: min(input.height, max(1, Int((Double(picture.height) * scale).rounded()))))
    }
    left = (input.width - scaled.width) / 2
    top = (input.height - scaled.height) / 2
  }

  /// From pixels of the picture to pixels of the input.
  public func toInput(_ box: Box) -> Box {
    box.scaled(
      x: Float(scaled.width) / Float(picture.width), y: Float(scaled.height) / Float(picture.height)
    ).moved(x: Float(left), y: Float(top))
  }

  /// From pixels of the input to pixels of the picture; parts outside the picture stay.
  public func toPicture(_ box: Box) -> Box {
    box.moved(x: -Float(left), y: -Float(top)).scaled(
      x: Float(picture.width) / Float(scaled.width), y: Float(picture.height) / Float(scaled.height)
    )
  }

  /// From pixels of the picture to fractions 0...1 of the input.
  public func toFractions(_ box: Box) -> Box {
    toInput(box).scaled(x: 1 / Float(input.width), y: 1 / Float(input.height))
  }

  /// From fractions 0...1 of the input to pixels of the picture.
  public func fromFractions(_ box: Box) -> Box {
    toPicture(box.scaled(x: Float(input.width), y: Float(input.height)))
  }
}
