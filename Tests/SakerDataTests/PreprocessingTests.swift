import Foundation
import SakerData
import Testing

@Test(arguments: [(64, 48), (37, 81), (200, 151), (1, 1), (160, 40), (23, 121)])
func resizeMatchesPillow(width: Int, height: Int) throws {
  let picture = try Picture(file: fixture("coffee.png"))
  let golden = try expected("resize_\(width)x\(height)")
  #expect(try difference(picture.resized(width: width, height: height), golden) <= 1)
}

@Test func resizeKeepsAConstant() {
  let gray = Picture(width: 37, height: 23, filledWith: RGB(10, 128, 255))
  for (width, height) in [(5, 7), (64, 64), (37, 1), (1, 400)] {
    #expect(
      gray.resized(width: width, height: height)
        == Picture(width: width, height: height, filledWith: RGB(10, 128, 255)))
  }
}

/// Halving averages with weights 1, 3, 3, 1 (by 8), the border's cut and normalized:
/// worked out by hand.
@Test func halvingByHand() {
  let levels: [UInt8] = [0, 80, 160, 240]
  let picture = Picture(width: 4, height: 1, pixels: levels.flatMap { [$0, $0, $0] })
  let half = picture.resized(width: 2, height: 1)
  // (3*0 + 3*80 + 1*160) / 7 = 57.1, (80 + 3*160 + 3*240) / 7 = 182.9
  #expect(half.pixels == [57, 57, 57, 183, 183, 183])
}

@Test func inputIsTheNormalizedResizedPicture() throws {
  let picture = try Picture(file: fixture("coffee.png"))
  let preprocessing = Preprocessing.imageNet(height: 64, width: 96)
  let input = preprocessing.apply(picture)
  let levels = picture.resized(width: 96, height: 64).pixels
  #expect(input.count == 64 * 96 * 3)
  for (i, value) in input.enumerated() {
    let wanted =
      (Float(levels[i]) / 255 - preprocessing.mean[i % 3]) / preprocessing.std[i % 3]
    #expect(abs(value - wanted) < 1e-5)
  }
  let same = Preprocessing(height: 121, width: 160).apply(picture)
  #expect(zip(same, picture.pixels).allSatisfy { abs($0 - Float($1) / 255) < 1e-6 })
}

@Test func letterboxKeepsProportions() {
  let picture = Picture(width: 200, height: 100, filledWith: .white)
  let preprocessing = Preprocessing(height: 64, width: 64, fit: .letterbox())
  let boxed = preprocessing.fitted(picture)
  #expect(boxed[0, 15] == RGB(114, 114, 114))
  #expect(boxed[0, 16] == .white)
  #expect(boxed[63, 47] == .white)
  #expect(boxed[63, 48] == RGB(114, 114, 114))
  let input = preprocessing.apply(picture)
  #expect(zip(input, boxed.pixels).allSatisfy { abs($0 - Float($1) / 255) < 1e-6 })
}

@Test(arguments: [Preprocessing.Fit.stretch, .letterbox()])
func boxesGoThereAndBack(fit: Preprocessing.Fit) {
  let preprocessing = Preprocessing(height: 256, width: 320, fit: fit)
  let place = preprocessing.placement(of: PictureSize(width: 501, height: 1333))
  let box = Box(left: 12, top: 100.5, right: 470, bottom: 1333)
  for again in [place.toPicture(place.toInput(box)), place.fromFractions(place.toFractions(box))] {
    for (a, b) in zip(
      [box.left, box.top, box.right, box.bottom],
      [again.left, again.top, again.right, again.bottom])
    {
      #expect(abs(a - b) < 0.01)
    }
  }
  let whole = place.toInput(Box(left: 0, top: 0, right: 501, bottom: 1333))
  #expect(abs(whole.bottom - 256) < 0.01 && abs(whole.top) < 0.01)
  #expect(abs(whole.width - (fit == .stretch ? 320 : 96)) < 0.01)
}

@Test func preprocessingIsStored() throws {
  let preprocessing = Preprocessing.imageNet(height: 3, width: 4, fit: .letterbox(.white))
  let data = try JSONEncoder().encode(preprocessing)
  #expect(try JSONDecoder().decode(Preprocessing.self, from: data) == preprocessing)
}
