import Foundation
import SakerData
import SakerTensor
import Testing

private struct Adjustment: Decodable {
  let file, name: String
  let amount: Float
}

@Test func coloursMatchTorchvision() throws {
  let small = try expected("resize_64x48")
  let adjustments = try JSONDecoder().decode(
    [Adjustment].self, from: Data(contentsOf: URL(fileURLWithPath: fixture("colors.json"))))
  #expect(adjustments.count == 13)
  for adjustment in adjustments {
    var picture = small
    switch adjustment.name {
    case "brightness": picture.adjustBrightness(by: adjustment.amount)
    case "contrast": picture.adjustContrast(by: adjustment.amount)
    case "saturation": picture.adjustSaturation(by: adjustment.amount)
    case "hue": picture.turnHue(by: adjustment.amount)
    default: Issue.record("unknown adjustment \(adjustment.name)")
    }
    #expect(try difference(picture, expected(adjustment.file)) <= 1, "\(adjustment)")
  }
}

@Test func wholeHueTurnChangesNothing() {
  let picture = noise(width: 50, height: 50, seed: 4)
  var turned = picture
  turned.turnHue(by: 1)
  #expect(zip(turned.pixels, picture.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
}

/// A dark picture with one bright rectangle, its box: wherever a transform carries the box, the
/// bright pixels must be inside.
private func marked(_ random: inout Random) -> DetectionSample {
  let (width, height) = (120, 90)
  let left = Int(random.uniform(0...70))
  let top = Int(random.uniform(0...50))
  let right = left + 20 + Int(random.uniform(0...20))
  let bottom = top + 15 + Int(random.uniform(0...20))
  var picture = Picture(width: width, height: height)
  for y in top..<bottom { for x in left..<right { picture[x, y] = .white } }
  let box = Box(
    left: Float(left), top: Float(top), right: Float(right), bottom: Float(bottom))
  return DetectionSample(picture: picture, annotations: [Annotation(box: box, label: 0)])
}

/// The box around all pixels brighter than 128.
private func brightBox(_ picture: Picture) -> Box? {
  var box: Box?
  for y in 0..<picture.height {
    for x in 0..<picture.width where picture[x, y].red > 128 {
      let (x, y) = (Float(x), Float(y))
      box = Box(
        left: min(box?.left ?? x, x), top: min(box?.top ?? y, y),
        right: max(box?.right ?? 0, x + 1), bottom: max(box?.bottom ?? 0, y + 1))
    }
  }
  return box
}

@Test(
  arguments: [
    HorizontalFlip(probability: 1), VerticalFlip(probability: 1), RandomCrop(), RandomScale(),
    FitToInput(Preprocessing(height: 64, width: 96)),
    FitToInput(Preprocessing(height: 100, width: 80, fit: .letterbox(.black))),
    RandomScale(0.3...0.9, fill: .black), RandomCrop(minimumIoUs: [0.9]),
    Sometimes(HorizontalFlip(probability: 1), probability: 0.5),
  ] as [any DetectionTransform])
func boxesFollowThePicture(transform: any DetectionTransform) throws {
  var random = Random(seed: 5)
  var kept = 0
  for _ in 0..<100 {
    var sample = marked(&random)
    transform.apply(&sample, using: &random)
    guard let box = sample.annotations.first?.box else { continue }
    kept += 1
    let seen = try #require(brightBox(sample.picture))
    #expect(box.iou(seen) > 0.8, "\(box) but \(seen)")
    #expect(
      box == box.clipped(width: Float(sample.picture.width), height: Float(sample.picture.height)))
  }
  #expect(kept > 50)
}

@Test func flipsAreExact() {
  var random = Random(seed: 6)
  let sample = marked(&random)
  var flipped = sample
  HorizontalFlip(probability: 1).apply(&flipped, using: &random)
  #expect(flipped.annotations[0].box == brightBox(flipped.picture))
  #expect(flipped.picture == sample.picture.flippedHorizontally())
  HorizontalFlip(probability: 1).apply(&flipped, using: &random)
  #expect(flipped == sample)
  HorizontalFlip(probability: 0).apply(&flipped, using: &random)
  #expect(flipped == sample)
}

@Test func cropDropsObjectsWhoseCentreLeaves() {
  var random = Random(seed: 7)
  let crop = RandomCrop(minimumIoUs: [0], scale: 0.3...0.5)
  var dropped = 0
  for _ in 0..<200 {
    var sample = marked(&random)
    let second = Annotation(box: Box(left: 0, top: 0, right: 10, bottom: 10), label: 1)
    sample.objects.append(SampleObject(second))
    crop.apply(&sample, using: &random)
    #expect(!sample.annotations.isEmpty)  // the part was chosen so that an object stays
    #expect(sample.annotations.allSatisfy { $0.box.area > 0 })
    dropped += 2 - sample.annotations.count
  }
  #expect(dropped > 100)
}

@Test func transformsRepeatWithTheirSeed() {
  let transforms: [any DetectionTransform] = [
    HorizontalFlip(), RandomScale(), RandomCrop(),
    ColorJitter(brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1),
  ]
  func run(_ seed: UInt64) -> DetectionSample {
    var random = Random(seed: 8)
    var sample = marked(&random)
    sample.picture = noise(width: 120, height: 90, seed: 9)
    random = Random(seed: seed)
    for transform in transforms { transform.apply(&sample, using: &random) }
    return sample
  }
  #expect(run(1) == run(1))
  #expect(run(1) != run(2))
}

@Test func aShiftMovesEverythingByWholePixels() throws {
  let shift = RandomShift(20, fill: RGB(1, 2, 3))
  let box = Box(left: 50, top: 40, right: 60, bottom: 50)
  let before = noise(width: 120, height: 90, seed: 3)
  var places: Set<[Int]> = []
  for seed in 0..<40 {
    var random = Random(seed: UInt64(seed))
    var sample = Sample(
      picture: before, objects: [SampleObject(Annotation(box: box, label: 0))])
    shift.apply(&sample, using: &random)
    let moved = try #require(sample.annotations.first).box
    let (x, y) = (Int(moved.left - box.left), Int(moved.top - box.top))
    #expect(moved == box.moved(x: Float(x), y: Float(y)) && max(abs(x), abs(y)) <= 20)
    var expected = Picture(width: 120, height: 90, filledWith: RGB(1, 2, 3))
    for row in max(0, y)..<min(90, 90 + y) {
      for column in max(0, x)..<min(120, 120 + x) {
        expected[column, row] = before[column - x, row - y]
      }
    }
    #expect(sample.picture == expected)
    places.insert([x, y])
  }
  #expect(places.count > 30 && places.contains { $0[0] < -10 } && places.contains { $0[1] > 10 })
  // Farther than the picture is wide: nothing of it stays, and nothing that is marked in it.
  var random = Random(seed: 1)
  var tiny = Sample(
    picture: noise(width: 2, height: 2, seed: 1),
    objects: [
      SampleObject(Annotation(box: Box(left: 0, top: 0, right: 2, bottom: 2), label: 0))
    ])
  RandomShift(1000).apply(&tiny, using: &random)
  #expect(tiny.picture == Picture(width: 2, height: 2) && tiny.objects.isEmpty)
}

@Test func aShiftIsNamedInFiles() throws {
  let list = try AugmentationFile.parse("- {name: RandomShift, pixels: 2}\n- name: RandomShift")
  #expect(list.map { ($0 as? RandomShift)?.pixels } == [2, 4])
  #expect {
    try AugmentationFile.parse("- {name: RandomShift, pixels: -1}")
  } throws: {
    "\($0)".contains("transform 1 (RandomShift): a shift is 0...1024 pixels, got -1")
  }
}
