import Foundation
import SakerTensor
import Testing

@testable import SakerData

/// A dark picture with one bright rectangle and everything that can be marked of it: box, mask,
/// middle, label map, class.
private func marked(
  _ random: inout Random, width: Int = 120, height: Int = 90, label: Int = 0
) -> Sample {
  let left = Int(random.uniform(0...Float(width) * 0.5))
  let top = Int(random.uniform(0...Float(height) * 0.4))
  let right = left + 24 + Int(random.uniform(0...20))
  let bottom = top + 20 + Int(random.uniform(0...20))
  var picture = Picture(width: width, height: height, filledWith: RGB(20, 20, 20))
  var mask = Mask(width: width, height: height)
  for y in top..<bottom {
    for x in left..<right {
      picture[x, y] = RGB(230, 230, 230)
      mask[x, y] = 1
    }
  }
  let box = Box(left: Float(left), top: Float(top), right: Float(right), bottom: Float(bottom))
  let middle = PicturePoint(x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2)
  return Sample(
    picture: picture,
    objects: [
      SampleObject(
        Annotation(box: box, label: label), mask: mask, keypoints: [KeyPoint(middle)])
    ],
    labelMap: mask, classes: [ClassShare(label: label, share: 1)])
}

private func source(seed: UInt64) -> SampleSource {
  SampleSource { random in
    var own = Random(seed: seed, random.index(below: 1000))
    return marked(&own, width: 100, height: 70, label: 1)
  }
}

/// Geometric transforms, all with probability 1 where they have one.
private let geometric: [any SampleTransform] = [
  HorizontalFlip(probability: 1), VerticalFlip(probability: 1), QuarterTurns(), RandomCrop(),
  RandomResizedCrop(width: 80, height: 64, scale: 0.3...1), RandomScale(), RandomShift(30),
  Expansion(1...2, probability: 1), Resize(width: 70, height: 110), LongestSide(77),
  Letterbox(width: 100, height: 100), RandomRotation(degrees: -40...40),
  RandomRotation(degrees: -180...180, expands: true),
  RandomAffine(degrees: 20, translate: 0.2, scale: 0.7...1.4, shear: 10, perspective: 0.001),
  RandomPerspective(distortion: 0.4, probability: 1), RandAugment(operations: 3, magnitude: 12),
  TrivialAugment(), AutoAugment(.svhn), AutoAugment(.cifar10), AutoAugment(.imageNet),
  FitToInput(Preprocessing(height: 64, width: 96)),
]

private let mixing: [any SampleTransform] = [
  SampleMixUp(probability: 1), SampleCutMix(probability: 1), Mosaic(size: 96),
  Mosaic(size: 96, grid: 3),
  Mosaic(size: 96, affine: nil), CopyPaste(probability: 1, share: 1),
  CopyPaste(probability: 1, share: 1, moves: false),
]

private let covering: [any SampleTransform] = [
  Cutout(holes: 3, probability: 1), RandomErasing(fill: .noise, probability: 1),
]

/// Marks obey what every model relies on.
private func expectSound(_ sample: Sample, _ name: String) {
  let (width, height) = (Float(sample.picture.width), Float(sample.picture.height))
  #expect(sample.picture.pixels.count == sample.picture.width * sample.picture.height * 3)
  for object in sample.objects {
    let box = object.box
    #expect(box.width > 0 && box.height > 0, "\(name): \(box)")
    #expect(box == box.clipped(width: width, height: height), "\(name): \(box)")
    #expect(object.visibleShare > 0 && object.visibleShare <= 1, "\(name)")
    if let mask = object.mask {
      #expect(mask.width == sample.picture.width && mask.height == sample.picture.height, "\(name)")
      #expect(mask.extent() != nil, "\(name)")
    }
    for keypoint in object.keypoints where keypoint.visibility != .unknown {
      #expect((0..<width).contains(keypoint.point.x) && (0..<height).contains(keypoint.point.y))
    }
  }
  if let map = sample.labelMap {
    #expect(map.width == sample.picture.width && map.height == sample.picture.height, "\(name)")
  }
  if !sample.classes.isEmpty {
    let sum = sample.classes.reduce(0) { $0 + $1.share }
    #expect(abs(sum - 1) < 1e-4, "\(name): \(sum)")
  }
}

@Test func everythingFollowsThePicture() throws {
  for transform in geometric {
    var random = Random(seed: 21)
    var (kept, wrong, pixels) = (0, 0, 0)
    for _ in 0..<40 {
      var sample = marked(&random)
      // Colour operations of the policies may turn dark and bright: only a picture that
      // still has both tells.
      transform.apply(&sample, using: &random)
      expectSound(sample, "\(transform)")
      guard let object = sample.objects.first, let mask = object.mask, let map = sample.labelMap
      else { continue }
      kept += 1
      let extent = try #require(mask.extent())
      #expect(object.box.iou(extent.box) > 0.6, "\(transform): \(object.box), \(extent.box)")
      for i in mask.values.indices {
        #expect((map.values[i] == 1) == (mask.values[i] == 1))
        guard !(transform is RandAugment), !(transform is TrivialAugment),
          !(transform is AutoAugment)
        else { continue }
        pixels += 1
        if mask.values[i] == 1, sample.picture.pixels[3 * i] < 90 { wrong += 1 }
        if mask.values[i] == 0, sample.picture.pixels[3 * i] > 160 { wrong += 1 }
      }
      let middle = object.keypoints[0]
      if middle.visibility == .visible {
        #expect(mask[Int(middle.point.x), Int(middle.point.y)] == 1, "\(transform)")
      }
    }
    #expect(kept > 12, "\(transform): \(kept)")
    // Only border pixels, mixed in the picture and not in the mask, may disagree.
    #expect(Double(wrong) <= 0.002 * Double(pixels), "\(transform): \(wrong) of \(pixels)")
  }
}

@Test func mixturesStaySound() throws {
  for transform in mixing + covering {
    var random = Random(seed: 22)
    var objects = 0
    for round in 0..<30 {
      var sample = marked(&random)
      try transform.apply(&sample, using: &random, from: source(seed: UInt64(round)))
      expectSound(sample, "\(transform)")
      objects += sample.objects.count
      for object in sample.objects {
        let extent = try #require(object.mask?.extent())
        #expect(object.box.iou(extent.box) > 0.5, "\(transform)")
      }
    }
    #expect(objects > 15, "\(transform): \(objects)")
  }
}

@Test func sameSeedSameSample() throws {
  let quality: [any SampleTransform] = [
    HSVGains(), RandomGamma(probability: 1), RandomGrayscale(probability: 1),
    GaussianBlur(probability: 1), RandomSharpness(probability: 1), GaussianNoise(probability: 1),
    SaltAndPepper(probability: 1), JPEGArtifacts(probability: 1), RandomSolarize(probability: 1),
    RandomPosterize(probability: 1), RandomEqualize(probability: 1),
    RandomAutocontrast(probability: 1), RandomInvert(probability: 1),
    ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1),
  ]
  for transform in geometric + mixing + covering + quality {
    func run(_ seed: UInt64) throws -> Sample {
      var random = Random(seed: 3)
      var sample = marked(&random)
      sample.picture = noise(width: 120, height: 90, seed: 4)
      random = Random(seed: seed)
      for _ in 0..<3 {
        try transform.apply(&sample, using: &random, from: source(seed: seed))
      }
      return sample
    }
    let (a, b) = (try run(1), try run(1))
    #expect(a == b, "\(transform)")
    // Nothing is drawn by what has a probability of 1 and no other range.
    let fixed = ["HorizontalFlip", "VerticalFlip", "RandomGrayscale", "RandomEqualize"]
    let name = transform.description.prefix { $0 != "(" }
    if transform.isRandom, !(fixed + ["RandomAutocontrast", "RandomInvert"]).contains(String(name))
    {
      let others = try (2..<8).map { try run($0) }
      #expect(others.contains { $0 != a }, "\(transform) draws nothing")
    }
  }
}

@Test func mapsComposeAndInvert() throws {
  let map = PlaneMap.affine(
    degrees: 30, x: 4, y: -7, scale: 1.5, shearX: 12, shearY: -5, around: PicturePoint(x: 20, y: 10)
  ).then(PlaneMap([1, 0, 0, 0, 1, 0, 0.001, -0.002, 1]))
  let back = try #require(map.inverse)
  for point in [PicturePoint(x: 0, y: 0), PicturePoint(x: 31.5, y: 12), PicturePoint(x: -4, y: 50)]
  {
    let round = back(map(point))
    #expect(abs(round.x - point.x) < 1e-3 && abs(round.y - point.y) < 1e-3)
  }
  // By hand: clockwise by a quarter around (0, 0), x becomes y.
  let turned = PlaneMap.rotated(degrees: 90)(PicturePoint(x: 3, y: 0))
  #expect(abs(turned.x) < 1e-6 && abs(turned.y - 3) < 1e-6)
  #expect(PlaneMap([1, 2, 0, 2, 4, 0, 0, 0, 1]).inverse == nil)
  let corners = [(0, 0), (10, 0), (10, 6), (0, 6)].map {
    PicturePoint(x: Float($0.0), y: Float($0.1))
  }
  let other = [(1, 1), (9, 2), (8, 7), (0, 5)].map { PicturePoint(x: Float($0.0), y: Float($0.1)) }
  let quad = try #require(PlaneMap(from: corners, to: other))
  for (from, to) in zip(corners, other) {
    #expect(abs(quad(from).x - to.x) < 1e-4 && abs(quad(from).y - to.y) < 1e-4)
  }
  #expect(PlaneMap(from: corners, to: [other[0], other[0], other[0], other[1]]) == nil)
  // Behind the horizon there is nothing.
  #expect(PlaneMap([1, 0, 0, 0, 1, 0, -0.1, 0, 1])(PicturePoint(x: 20, y: 0)).x.isNaN)
}

@Test func visibilityByHand() {
  let rule = VisibilityRule(share: 0.25, side: 2)
  // 10 x 10, of which 3 x 10 are inside.
  let box = Box(left: -7, top: 0, right: 3, bottom: 10)
  #expect(
    rule.visible(box, width: 50, height: 50) == Box(left: 0, top: 0, right: 3, bottom: 10))
  #expect(VisibilityRule(share: 0.31, side: 0).visible(box, width: 50, height: 50) == nil)
  #expect(VisibilityRule(share: 0.29, side: 0).visible(box, width: 50, height: 50) != nil)
  #expect(VisibilityRule(share: 0, side: 4).visible(box, width: 50, height: 50) == nil)
  #expect(
    VisibilityRule(share: 0, side: 0, needsCentre: true).visible(box, width: 50, height: 50) == nil)
  // Half was cut off before: what is left now is 0.15.
  #expect(rule.visible(box, width: 50, height: 50, of: 0.5) == nil)
  for odd in [
    Box(left: 5, top: 5, right: 5, bottom: 9), Box(left: 9, top: 5, right: 2, bottom: 9),
    Box(left: .nan, top: 0, right: 4, bottom: 4), Box(left: 60, top: 0, right: 70, bottom: 4),
    Box(left: -.infinity, top: 0, right: .infinity, bottom: 4),
  ] {
    let visible = VisibilityRule(share: 0.01, side: 0).visible(odd, width: 50, height: 50)
    #expect(visible == nil, "\(odd)")
  }
}

@Test func cropsThatFollowEachOtherCountTogether() {
  var sample = Sample(
    picture: Picture(width: 100, height: 20),
    annotations: [Annotation(box: Box(left: 0, top: 0, right: 40, bottom: 20), label: 0)])
  let rule = VisibilityRule(share: 0.3, side: 0)
  sample.show(x: 20, y: 0, width: 80, height: 20, rule: rule)
  #expect(sample.objects.count == 1 && sample.objects[0].visibleShare == 0.5)
  var more = sample
  more.show(x: 5, y: 0, width: 60, height: 20, rule: rule)
  #expect(more.objects[0].visibleShare == 0.375)
  sample.show(x: 10, y: 0, width: 60, height: 20, rule: rule)
  #expect(sample.objects.isEmpty)
}

@Test func flipExchangesKeyPoints() {
  let object = SampleObject(
    Annotation(box: Box(left: 0, top: 0, right: 10, bottom: 4), label: 0),
    keypoints: [
      KeyPoint(PicturePoint(x: 1, y: 1)), KeyPoint(PicturePoint(x: 2, y: 1)),
      KeyPoint(PicturePoint(x: 9, y: 3), .hidden),
    ])
  var sample = Sample(picture: Picture(width: 20, height: 10), objects: [object])
  var random = Random(seed: 1)
  HorizontalFlip(probability: 1, keypointOrder: [0, 2, 1]).apply(&sample, using: &random)
  let points = sample.objects[0].keypoints
  #expect(points.map(\.point.x) == [19, 11, 18])
  #expect(points.map(\.visibility) == [.visible, .hidden, .visible])
}

@Test func quarterTurnsGoRound() {
  var random = Random(seed: 12)
  let sample = marked(&random)
  var turned = sample
  for _ in 0..<4 { turned.turn(quarters: 1) }
  #expect(turned == sample)
  turned.turn(quarters: 2)
  var twice = sample
  twice.turn(quarters: 1)
  twice.turn(quarters: 1)
  #expect(turned == twice)
  var back = sample
  back.turn(quarters: 1)
  #expect(back.picture.width == sample.picture.height)
  back.turn(quarters: -1)
  #expect(back == sample)
}

@Test func polygonsByHand() {
  // A triangle over the diagonal: row y holds the pixels whose middle lies left of y + 0.5.
  let points = [PicturePoint(x: 0, y: 0), PicturePoint(x: 4, y: 4), PicturePoint(x: 0, y: 4)]
  let mask = Mask(width: 5, height: 4, polygons: [points])
  let rows = (0..<4).map { y in (0..<5).map { mask[$0, y] } }
  #expect(
    rows == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]
      || rows == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]])
  let square = [(-5, 1), (2, 1), (2, 9), (-5, 9)].map {
    PicturePoint(x: Float($0.0), y: Float($0.1))
  }
  let outside = Mask(width: 5, height: 4, polygons: [square])
  #expect(outside.extent()?.box == Box(left: 0, top: 1, right: 2, bottom: 4))
  #expect(outside.extent()?.pixels == 6)
  #expect(Mask(width: 5, height: 4, polygons: [[PicturePoint(x: 0, y: 0)]]).extent() == nil)
}

@Test func mixUpByHand() throws {
  var random = Random(seed: 31)
  var a = Sample(picture: Picture(width: 8, height: 6, filledWith: RGB(200, 0, 100)), label: 3)
  let b = Sample(picture: Picture(width: 8, height: 6, filledWith: RGB(0, 100, 100)), label: 5)
  try SampleMixUp(alpha: 32, probability: 1).apply(
    &a, using: &random, from: SampleSource { _ in b })
  let share = try #require(a.classes.first { $0.label == 3 }?.share)
  #expect(a.classes.first { $0.label == 5 }?.share == 1 - share)
  #expect(a.picture[0, 0].red == UInt8((200 * share).rounded()))
  #expect(a.picture[7, 5].green == UInt8((100 * (1 - share)).rounded()))
  #expect(a.picture[3, 3].blue == 100)
  // Without other pictures nothing is mixed.
  var alone = b
  SampleMixUp(probability: 1).apply(&alone, using: &random)
  #expect(alone == b)
}

@Test func cutMixSharesAreAreas() throws {
  for seed in 0..<40 {
    var random = Random(seed: UInt64(seed))
    var a = Sample(picture: Picture(width: 30, height: 20, filledWith: .white), label: 0)
    a.objects = [
      SampleObject(Annotation(box: Box(left: 0, top: 0, right: 30, bottom: 20), label: 0))
    ]
    var b = Sample(picture: Picture(width: 30, height: 20, filledWith: .black), label: 1)
    b.objects = [
      SampleObject(Annotation(box: Box(left: 0, top: 0, right: 30, bottom: 20), label: 1))
    ]
    try SampleCutMix(probability: 1, rule: VisibilityRule(share: 0, side: 0))
      .apply(&a, using: &random, from: SampleSource { _ in b })
    let dark = a.picture.pixels.count { $0 == 0 } / 3
    let share = a.classes.first { $0.label == 1 }?.share ?? 0
    #expect(abs(share - Float(dark) / 600) < 1e-5)
    let patch = a.objects.first { $0.annotation.label == 1 }
    #expect((patch?.box.area ?? 0) == Float(dark))
  }
}

@Test func mosaicShowsItsTiles() throws {
  // Without an affine map: four plain pictures around a point, each as large as the result.
  var random = Random(seed: 41)
  let colors = [RGB(255, 0, 0), RGB(0, 255, 0), RGB(0, 0, 255), RGB(255, 255, 255)]
  func tile(_ i: Int) -> Sample {
    Sample(
      picture: Picture(width: 64, height: 64, filledWith: colors[i]),
      objects: [
        SampleObject(Annotation(box: Box(left: 0, top: 0, right: 64, bottom: 64), label: i))
      ], classes: [ClassShare(label: i, share: 1)])
  }
  var drawn = 0
  var sample = tile(0)
  try Mosaic(size: 64, affine: nil, rule: VisibilityRule(share: 0, side: 0)).apply(
    &sample, using: &random,
    from: SampleSource { _ in
      drawn += 1
      return tile(drawn)
    })
  #expect(drawn == 3)
  for object in sample.objects {
    let (box, color) = (object.box, colors[object.annotation.label])
    let count = sample.picture.pixels.indices.filter { i in
      i % 3 == 0
        && RGB(
          sample.picture.pixels[i], sample.picture.pixels[i + 1], sample.picture.pixels[i + 2])
          == color
    }.count
    #expect(Float(count) == box.area, "\(object.annotation.label)")
    let share = sample.classes.first { $0.label == object.annotation.label }?.share ?? 0
    #expect(abs(share - box.area / 4096) < 1e-5)
  }
  #expect(sample.objects.reduce(0) { $0 + $1.box.area } == 4096)
}

@Test func copyPasteCoversWhatLiesBelow() throws {
  var random = Random(seed: 51)
  var pasted = 0
  for round in 0..<40 {
    let before = marked(&random)
    var sample = before
    try CopyPaste(probability: 1, share: 1, maximumCovered: 0.9).apply(
      &sample, using: &random, from: source(seed: UInt64(round)))
    guard sample.objects.count == 2 else { continue }
    pasted += 1
    let (lower, upper) = (sample.objects[0].mask!, sample.objects[1].mask!)
    #expect(zip(lower.values, upper.values).allSatisfy { $0 & $1 == 0 })
    for i in upper.values.indices where upper.values[i] == 1 {
      #expect(sample.picture.pixels[3 * i] > 90)
    }
  }
  #expect(pasted > 10)
}

@Test func erasingDropsHiddenObjects() {
  var sample = Sample(
    picture: Picture(width: 40, height: 40, filledWith: .white),
    objects: [
      SampleObject(
        Annotation(box: Box(left: 0, top: 0, right: 10, bottom: 10), label: 0),
        keypoints: [KeyPoint(PicturePoint(x: 2, y: 2)), KeyPoint(PicturePoint(x: 8, y: 2))]),
      SampleObject(Annotation(box: Box(left: 20, top: 20, right: 30, bottom: 30), label: 1)),
    ])
  sample.hide([PixelBox(left: 0, top: 0, right: 5, bottom: 10)], maximum: 0.5)
  #expect(sample.objects.count == 2 && sample.objects[0].visibleShare == 0.5)
  #expect(sample.objects[0].keypoints.map(\.visibility) == [.hidden, .visible])
  sample.hide([PixelBox(left: 20, top: 20, right: 30, bottom: 26)], maximum: 0.5)
  #expect(sample.objects.map(\.annotation.label) == [0])
}

@Test func testTimeViewsMapBack() {
  let size = PictureSize(width: 100, height: 60)
  let picture = noise(width: 100, height: 60, seed: 1)
  let box = Box(left: 10, top: 12, right: 50, bottom: 30)
  let augmentation = TestTimeAugmentation([
    .init(), .init(scale: 0.5, isMirrored: true), .init(scale: 2, isFlipped: true),
    .init(scale: 1, isMirrored: true, isFlipped: true),
  ])
  var calls = 0
  let found = augmentation.detect(in: picture) { view in
    let shown = augmentation.views[calls]
    calls += 1
    #expect(view.width == Int(100 * shown.scale) && view.height == Int(60 * shown.scale))
    // Where the box lies in this view, by hand.
    var inside = box.scaled(x: shown.scale, y: shown.scale)
    let (w, h) = (Float(view.width), Float(view.height))
    if shown.isMirrored { (inside.left, inside.right) = (w - inside.right, w - inside.left) }
    if shown.isFlipped { (inside.top, inside.bottom) = (h - inside.bottom, h - inside.top) }
    return [Detection(box: inside, label: 2, score: 0.5 + 0.1 * Float(calls))]
  }
  #expect(calls == 4)
  #expect(found.count == 1 && found[0].score == 0.9 && found[0].box.iou(box) > 0.999)
  #expect(
    augmentation.views[1].toPicture(Box(left: -9, top: -9, right: 99, bottom: 99), size: size)
      == Box(left: 0, top: 0, right: 100, bottom: 60))
}

@Test func noiseHasItsMoments() {
  var picture = Picture(width: 300, height: 200, filledWith: RGB(128, 128, 128))
  picture.addNoise(deviation: 0.05, seed: 99)
  let values = picture.pixels.map { Double($0) - 128 }
  let mean = values.reduce(0, +) / Double(values.count)
  let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  #expect(abs(mean) < 0.15 && abs(deviation - 12.75) < 0.2, "\(mean), \(deviation)")
  // Tails as a normal distribution has them: 4.55 % beyond two deviations.
  let beyond = Double(values.count { abs($0) > 25.5 }) / Double(values.count)
  #expect(abs(beyond - 0.0455) < 0.004, "\(beyond)")
  // Neighbours know nothing of each other.
  let product = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
  #expect(abs(product / Double(values.count)) < 2)
  var other = Picture(width: 300, height: 200, filledWith: RGB(128, 128, 128))
  other.addNoise(deviation: 0.05, seed: 100)
  #expect(other != picture)

  var salted = Picture(width: 300, height: 200, filledWith: RGB(128, 128, 128))
  salted.addImpulses(share: 0.1, seed: 5)
  let black = salted.pixels.count { $0 == 0 } / 3
  let white = salted.pixels.count { $0 == 255 } / 3
  #expect(abs(black - 3000) < 200 && abs(white - 3000) < 200)
}

@Test func betaHasItsMoments() {
  for alpha in [0.2, 1, 32] {
    var random = Random(seed: 61)
    let draws = (0..<20_000).map { _ in Double(random.beta(alpha, alpha)) }
    let mean = draws.reduce(0, +) / 20_000
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean - 0.5) < 0.01)
    #expect(abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.003, "\(alpha): \(variance)")
    #expect(draws.allSatisfy { (0...1).contains($0) })
  }
}

@Test func hsvGainsByHand() {
  // Red, saturation 1/2, value 200: twice the saturation is pure red; a third of the
  // circle further, green.
  var picture = Picture(width: 1, height: 1, filledWith: RGB(200, 100, 100))
  picture.adjustHSV(turn: 0, saturation: 2, value: 1)
  #expect(picture[0, 0] == RGB(200, 0, 0))
  picture.adjustHSV(turn: 1.0 / 3, saturation: 0.5, value: 0.5)
  #expect(picture[0, 0] == RGB(50, 100, 50))
  picture.adjustHSV(turn: 0, saturation: 1, value: 9)
  #expect(picture[0, 0] == RGB(128, 255, 128))
  let random = noise(width: 40, height: 30, seed: 6)
  var same = random
  same.adjustHSV(turn: 0, saturation: 1, value: 1)
  #expect(same == random)
}

@Test func tinyPicturesPassThroughEverything() throws {
  for (width, height) in [(1, 1), (1, 7), (5, 1), (2, 2), (3, 3)] {
    for type in AugmentationFile.types {
      let transform = type.standard
      guard !(transform is RandomResizedCrop), !(transform is Mosaic), !(transform is Resize),
        !(transform is Letterbox), !(transform is LongestSide)
      else { continue }
      for seed in 0..<6 {
        var random = Random(seed: UInt64(seed))
        var sample = Sample(
          picture: noise(width: width, height: height, seed: 1),
          objects: [
            SampleObject(
              Annotation(
                box: Box(left: 0, top: 0, right: Float(width), bottom: Float(height)), label: 0))
          ])
        let other = sample
        try transform.apply(&sample, using: &random, from: SampleSource { _ in other })
        expectSound(sample, "\(transform)")
      }
    }
  }
  #expect(noise(width: 2, height: 1, seed: 1).gaussianBlurred(kernel: 13, sigma: 3).width == 2)
}

@Test func loadersMixWithAnyNumberOfWorkers() throws {
  let items = (0..<90).map { index in
    DetectionDataset.Item(
      name: "\(index)", picture: "\(index)", size: PictureSize(width: 100, height: 70),
      annotations: [
        Annotation(box: Box(left: 10, top: 10, right: 60, bottom: 50), label: index % 3)
      ])
  }
  let set = DetectionDataset(classes: ["a", "b", "c"], items: items)
  let transforms: [any SampleTransform] = [
    LongestSide(64), Mosaic(size: 64), SampleMixUp(probability: 0.5), HSVGains(), HorizontalFlip(),
  ]
  struct Seen: Equatable {
    var images: [[Float]] = []
    var targets: [[[Annotation]]] = []
  }
  var first: Seen?
  for (workers, cache) in [(0, 0), (1, 0), (4, 0), (2, 1 << 30), (3, 200_000)] {
    var options = Loader.Options()
    options.batchSize = 8
    options.shuffle = true
    options.workers = workers
    options.cacheBytes = cache
    let loader = Loader(
      set, preprocessing: Preprocessing(height: 64, width: 64), transforms: transforms,
      options: options
    ) { item in noise(width: 100, height: 70, seed: UInt64(item.name) ?? 0) }
    let epoch = loader.epoch(1)
    var seen = Seen()
    while let batch = try epoch.next() {
      seen.images.append(Array(batch.images.floats))
      seen.targets.append(batch.targets)
    }
    #expect(seen.images.count == 12)
    let boxes = seen.targets.joined().joined().count
    // Tiles of other pictures came along.
    #expect(boxes > 150, "\(boxes)")
    if let first { #expect(seen == first, "\(workers) workers") } else { first = seen }
  }
}
