import SakerTensor

/// Turns the picture around its middle by a random angle.
public struct RandomRotation: ParameterizedTransform {
  /// Clockwise.
  public var degrees: ClosedRange<Float>
  /// Whether the canvas grows so that nothing is cut off.
  public var expands: Bool
  public var fill: RGB
  public var rule: VisibilityRule

  public init(
    degrees: ClosedRange<Float> = -15...15, expands: Bool = false, fill: RGB = .letterboxGray,
    rule: VisibilityRule = VisibilityRule()
  ) {
    self.degrees = degrees
    self.expands = expands
    self.fill = fill
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandomRotation()
  public var problem: String? {
    unless(
      degrees.lowerBound.isFinite && degrees.upperBound.isFinite, "angles are finite")
      ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    sample.rotate(
      degrees: Double(random.uniform(degrees)), expands: expands, fill: fill, rule: rule)
  }
}

extension Sample {
  /// Turned clockwise around the middle.
  ///
  /// - Parameter expands: whether the canvas grows (or shrinks) to the box around the turned
  ///   picture.
  public mutating func rotate(
    degrees: Double, expands: Bool = false, fill: RGB = .black,
    interpolation: Interpolation = .bilinear, rule: VisibilityRule = VisibilityRule()
  ) {
    let (size, map) = Picture.rotation(of: size, degrees: degrees, expands: expands)
    warp(by: map, to: size, fill: fill, interpolation: interpolation, rule: rule)
  }
}

extension Picture {
  /// The map of a turn around the middle, and the size of what it makes.
  static func rotation(of size: PictureSize, degrees: Double, expands: Bool) -> (
    size: PictureSize, map: PlaneMap
  ) {
    let middle = PicturePoint(x: Float(size.width) / 2, y: Float(size.height) / 2)
    let turn = PlaneMap.affine(degrees: degrees, around: middle)
    guard expands else { return (size, turn) }
    let corners = turn(
      Box(left: 0, top: 0, right: Float(size.width), bottom: Float(size.height)))
    // A ten-thousandth of a pixel is rounding, not content.
    func upper(_ x: Float) -> Int { Int(((x * 1e4).rounded(.towardZero) * 1e-4).rounded(.up)) }
    func lower(_ x: Float) -> Int { Int(((x * 1e4).rounded(.towardZero) * 1e-4).rounded(.down)) }
    let grown = PictureSize(
      width: max(1, upper(corners.right) - lower(corners.left)),
      height: max(1, upper(corners.bottom) - lower(corners.top)))
    return (
      grown,
      turn.then(
        .moved(
          x: Double(grown.width - size.width) / 2, y: Double(grown.height - size.height) / 2))
    )
  }
}

/// Turns, scales, shears and moves the picture around its middle, all by random amounts, and may
/// tilt it in space: the geometric augmentation of YOLOv5 and its kin, in one step, so that pixels
/// are mixed only once.
public struct RandomAffine: ParameterizedTransform {
  /// The angle is drawn from ± this, clockwise.
  public var degrees: Float
  /// The shift is drawn from ± this share of each side.
  public var translate: Float
  /// The factor of both sides.
  public var scale: ClosedRange<Float>
  /// Shear along each axis, drawn from ± this many degrees.
  public var shear: Float
  /// The last row of the map is drawn from ± this, a pixel: 0.0005 is already visible at 640
  /// pixels.
  public var perspective: Float
  public var fill: RGB
  public var rule: VisibilityRule

  public init(
    degrees: Float = 0, translate: Float = 0.1, scale: ClosedRange<Float> = 0.5...1.5,
    shear: Float = 0, perspective: Float = 0, fill: RGB = .letterboxGray,
    rule: VisibilityRule = VisibilityRule()
  ) {
    self.degrees = degrees
    self.translate = translate
    self.scale = scale
    self.shear = shear
    self.perspective = perspective
    self.fill = fill
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandomAffine()
  public var problem: String? {
    unless(degrees >= 0 && degrees.isFinite, "an angle's range is 0 or more, got \(degrees)")
      ?? unless(
        (0...10).contains(translate), "a shift is a share of the side, 0...10, got \(translate)")
      ?? unless(
        scale.lowerBound > 0 && scale.upperBound <= 100, "a factor is above 0, got \(scale)")
      ?? unless((0..<90).contains(shear), "a shear is 0..<90 degrees, got \(shear)")
      ?? unless((0...0.1).contains(perspective), "a perspective is 0...0.1, got \(perspective)")
      ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let map = draw(from: sample.size, to: sample.size, using: &random)
    sample.warp(by: map, to: sample.size, fill: fill, rule: rule)
  }

  /// A map that brings a canvas to another one, middle to middle, but for the random shift.
  func draw(from canvas: PictureSize, to size: PictureSize, using random: inout Random) -> PlaneMap
  {
    func within(_ amount: Float) -> Double { Double(random.uniform(-amount...amount)) }
    let tilt = PlaneMap([1, 0, 0, 0, 1, 0, within(perspective), within(perspective), 1])
    let angle = within(degrees)
    let factor = Double(random.uniform(scale))
    let shearX = within(shear)
    let shearY = within(shear)
    let x = (0.5 + within(translate)) * Double(size.width)
    let y = (0.5 + within(translate)) * Double(size.height)
    return PlaneMap.moved(x: -Double(canvas.width) / 2, y: -Double(canvas.height) / 2)
      .then(tilt).then(.scaled(x: factor, y: factor)).then(.rotated(degrees: angle))
      .then(.sheared(xDegrees: shearX, yDegrees: shearY)).then(.moved(x: x, y: y))
  }
}

/// Moves each corner of the picture inwards by a random amount, as if it were seen from the side:
/// torchvision's `RandomPerspective`.
public struct RandomPerspective: ParameterizedTransform {
  /// 0...1: a corner moves by up to this share of half the sides.
  public var distortion: Float
  public var probability: Float
  public var fill: RGB
  public var rule: VisibilityRule

  public init(
    distortion: Float = 0.5, probability: Float = 0.5, fill: RGB = .letterboxGray,
    rule: VisibilityRule = VisibilityRule()
  ) {
    self.distortion = distortion
    self.probability = probability
    self.fill = fill
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandomPerspective()
  public var problem: String? {
    unless((0...1).contains(distortion), "a distortion is 0...1, got \(distortion)")
      ?? probabilityProblem(probability) ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    let (width, height) = (Float(sample.picture.width), Float(sample.picture.height))
    func inwards(_ side: Float) -> Float { random.uniform() * distortion * side / 2 }
    let corners = [
      PicturePoint(x: 0, y: 0), PicturePoint(x: width, y: 0), PicturePoint(x: width, y: height),
      PicturePoint(x: 0, y: height),
    ]
    let moved = [
      PicturePoint(x: inwards(width), y: inwards(height)),
      PicturePoint(x: width - inwards(width), y: inwards(height)),
      PicturePoint(x: width - inwards(width), y: height - inwards(height)),
      PicturePoint(x: inwards(width), y: height - inwards(height)),
    ]
    // With the whole distortion, three corners may meet on a line: then there is no such view.
    guard let map = PlaneMap(from: corners, to: moved) else { return }
    sample.warp(by: map, to: sample.size, fill: fill, rule: rule)
  }
}
