import Saker
import Testing

/// What each transform does to a picture and the boxes in it: ranges of one value and a probability
/// of 1 leave nothing to chance.
@Suite struct PictureTransformExamples {
  private let orange = RGB(200, 90, 30)
  private let box = Box(left: 8, top: 8, right: 40, bottom: 30)
  private var sample: Sample {
    Sample(
      picture: Picture(width: 64, height: 48, filledWith: orange),
      annotations: [Annotation(box: box, label: 1)])
  }
  /// Two halves, dark and bright.
  private var halves: Sample {
    var picture = Picture(width: 64, height: 48, filledWith: RGB(100, 100, 100))
    for y in 0..<48 { for x in 32..<64 { picture[x, y] = RGB(150, 150, 150) } }
    return Sample(picture: picture, label: 0)
  }

  private func apply(_ transform: some SampleTransform, to sample: Sample) -> Sample {
    var (changed, random) = (sample, Random(seed: 1))
    transform.apply(&changed, using: &random)
    return changed
  }

  @Test("Flips and quarter turns") func flips() {
    let mirrored = apply(HorizontalFlip(probability: 1), to: sample)
    #expect(mirrored.objects[0].box == Box(left: 24, top: 8, right: 56, bottom: 30))
    let flipped = apply(VerticalFlip(probability: 1), to: sample)
    #expect(flipped.objects[0].box == Box(left: 8, top: 18, right: 40, bottom: 40))
    let turned = apply(QuarterTurns([1]), to: sample)  // clockwise
    #expect(turned.size == PictureSize(width: 48, height: 64))
    #expect(turned.objects[0].box == Box(left: 18, top: 8, right: 40, bottom: 40))
  }

  @Test("Random crop, then resize") func resizedCrop() {
    let crop = RandomResizedCrop(width: 32, height: 32, scale: 0.5...0.5, ratio: 1...1)
    let changed = apply(crop, to: sample)
    #expect(changed.size == PictureSize(width: 32, height: 32))
    let whole = RandomResizedCrop(width: 32, height: 24, scale: 1...1, ratio: 1.3334...1.3334)
    #expect(apply(whole, to: sample).picture[16, 12] == orange)
  }

  @Test("SSD's random crop") func randomCrop() {
    let changed = apply(RandomCrop(minimumIoUs: [0.5], scale: 0.5...0.9), to: sample)
    #expect(changed.picture.width < 64 && changed.picture.height < 48)
    #expect(changed.objects.count == 1)  // an object whose IoU with the crop is 0.5 or more
    #expect(apply(RandomCrop(minimumIoUs: [1]), to: sample) == sample)
  }

  @Test("Shifting by whole pixels") func shifting() {
    let moved = apply(RandomShift(4), to: sample).objects[0].box
    #expect(moved.width == box.width && moved.height == box.height)
    #expect(abs(moved.left - box.left) <= 4 && abs(moved.top - box.top) <= 4)
  }

  @Test("Random scaling and expansion") func scaling() {
    let smaller = apply(RandomScale(0.5...0.5), to: sample)
    #expect(smaller.size == sample.size)
    #expect(smaller.objects[0].box.width == 16 && smaller.objects[0].box.height == 11)
    let expanded = apply(Expansion(2...2, probability: 1), to: sample)
    #expect(expanded.size == PictureSize(width: 128, height: 96))
    #expect(expanded.objects[0].box.width == 32 && expanded.objects[0].box.height == 22)
  }

  @Test("Resize, longest side, letterbox, fit to a model's input") func fitting() {
    let resized = apply(Resize(width: 32, height: 96), to: sample)
    #expect(resized.objects[0].box == Box(left: 4, top: 16, right: 20, bottom: 60))
    #expect(apply(LongestSide(32), to: sample).size == PictureSize(width: 32, height: 24))
    let boxed = apply(Letterbox(width: 64, height: 64), to: sample)  // 8 rows above and below
    #expect(boxed.objects[0].box == box.moved(x: 0, y: 8))
    #expect(boxed.picture[0, 0] == .letterboxGray)
    let fitted = apply(FitToInput(Preprocessing(height: 24, width: 32)), to: sample)
    #expect(fitted.size == PictureSize(width: 32, height: 24))
    // A classifier's: the shorter side resized, the middle cut out.
    let classifierInput = ClassifierInput(side: 24, resizedSide: 24)
    let middle = apply(ClassifierFit(classifierInput), to: sample)
    #expect(middle.size == PictureSize(width: 24, height: 24))
  }

  @Test("Brightness, contrast, saturation, hue") func colorJitter() {
    let brighter = apply(ColorJitter(brightness: 0.4), to: sample)
    #expect(brighter.picture != sample.picture && brighter.objects == sample.objects)
    let contrast = apply(ColorJitter(contrast: 0.9), to: sample).picture[0, 0]
    #expect(contrast != orange)
    let gray = Sample(picture: Picture(width: 4, height: 4, filledWith: RGB(80, 80, 80)), label: 0)
    #expect(apply(ColorJitter(saturation: 0.9, hue: 0.5), to: gray) == gray)  // gray has neither
  }

  @Test("Invert, solarize, posterize, grayscale, gamma") func levels() {
    func color(_ transform: some SampleTransform) -> RGB {
      apply(transform, to: sample).picture[0, 0]
    }
    #expect(color(RandomInvert(probability: 1)) == RGB(55, 165, 225))
    #expect(color(RandomSolarize(128...128, probability: 1)) == RGB(55, 90, 30))
    #expect(color(RandomPosterize(bits: [1], probability: 1)) == RGB(128, 0, 0))
    #expect(color(RandomGamma(1...1, probability: 1)) == orange)
    let gray = color(RandomGrayscale(probability: 1))
    #expect(gray.red == gray.green && gray.green == gray.blue && gray.red > 90 && gray.red < 200)
  }

  @Test("Histogram equalization, automatic contrast") func histograms() {
    let transforms: [any SampleTransform] = [
      RandomEqualize(probability: 1), RandomAutocontrast(probability: 1),
    ]
    for transform in transforms {
      let changed = apply(transform, to: halves).picture
      #expect(changed[0, 0] == .black && changed[63, 0] == .white)
    }
  }

  @Test("Blur, sharpness, JPEG") func quality() {
    let blurred = apply(GaussianBlur(kernel: 7, sigma: 2...2, probability: 1), to: halves).picture
    #expect((101..<150).contains(blurred[31, 20].red) && blurred[0, 20].red == 100)
    #expect(apply(RandomSharpness(1...1, probability: 1), to: halves) == halves)
    let sharper = apply(RandomSharpness(2...2, probability: 1), to: halves).picture
    #expect(sharper[31, 20].red < 100 && sharper[32, 20].red > 150)
    let compressed = apply(JPEGArtifacts(quality: 5...5, probability: 1), to: halves).picture
    #expect(compressed != halves.picture)
  }

  @Test("Gaussian noise, salt and pepper") func noise() {
    let noisy = apply(GaussianNoise(deviation: 0.1...0.1, probability: 1), to: sample).picture
    let reds = stride(from: 0, to: noisy.pixels.count, by: 3).map { Int(noisy.pixels[$0]) }
    #expect(abs(reds.reduce(0, +) / reds.count - 200) < 5 && Set(reds).count > 10)
    let spots = apply(SaltAndPepper(share: 0.5...0.5, probability: 1), to: sample).picture
    let colors = Set((0..<64).flatMap { x in (0..<48).map { spots[x, $0] } })
    #expect(colors == [orange, .black, .white])
  }

  @Test("Rotation, perspective") func geometry() {
    let rotated = apply(RandomRotation(degrees: 90...90, expands: true), to: sample)
    #expect(rotated.size == PictureSize(width: 48, height: 64))
    #expect(abs(rotated.objects[0].box.width - 22) < 0.1)
    let seen = apply(RandomPerspective(distortion: 0.5, probability: 1), to: sample)
    #expect(seen.size == sample.size && seen.picture != sample.picture)
  }

  @Test("Transforms by chance, one of several, in order") func combining() throws {
    let (invert, flip) = (RandomInvert(probability: 1), HorizontalFlip(probability: 1))
    #expect(apply(Sometimes(invert, probability: 0), to: sample) == sample)
    let either = Either(invert, or: flip, probability: 1)
    #expect(apply(either, to: sample) == apply(invert, to: sample))
    #expect(apply(InOrder([flip, flip]), to: sample) == sample)
    let one = apply(OneOf([invert, flip]), to: sample)
    #expect(one == apply(invert, to: sample) || one == apply(flip, to: sample))
  }

  @Test("TrivialAugment, AutoAugment") func policies() {
    for transform in [TrivialAugment(), AutoAugment(.cifar10)] as [any SampleTransform] {
      var (seen, random) = (Set<Picture>(), Random(seed: 4))
      for _ in 0..<30 {
        var changed = halves
        transform.apply(&changed, using: &random)
        seen.insert(changed.picture)
        #expect(changed.size == halves.size)
      }
      #expect(seen.count > 3)
    }
  }

  @Test("YOLO's recipe") func recipe() {
    var recipe = AugmentationRecipe()
    recipe.mosaic = 0
    #expect(!recipe.transforms(size: 640).contains { $0.mixes })
    recipe.mosaic = 1
    #expect(recipe.transforms(size: 640).contains { $0.mixes })
  }
}
