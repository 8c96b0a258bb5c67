import Saker
import Testing

@Suite struct AugmentationExamples {
  private let sample = Sample(
    picture: Picture(width: 64, height: 48, filledWith: RGB(200, 90, 30)),
    annotations: [Annotation(box: Box(left: 8, top: 8, right: 40, bottom: 30), label: 1)])

  @Test("Augmentation") func augmentation() throws {
    var (changed, random) = (sample, Random(seed: 7))
    let transforms: [any SampleTransform] = [
      RandomAffine(degrees: 10, scale: 0.8...1.2), HSVGains(), HorizontalFlip(),
    ]
    for transform in transforms { transform.apply(&changed, using: &random) }
    #expect(changed.objects.allSatisfy { $0.box.area > 0 })
    let text = try AugmentationFile.yaml(transforms)
    #expect(try AugmentationFile.parse(text).count == 3)
  }

  @Test("Cutout, random erasing") func covering() {
    var (changed, random) = (sample, Random(seed: 1))
    Cutout(holes: 2, probability: 1).apply(&changed, using: &random)
    RandomErasing(fill: .noise, probability: 1).apply(&changed, using: &random)
    #expect(changed.picture != sample.picture)
  }

  @Test("Mosaic, MixUp, CutMix, copy-paste") func mixing() throws {
    var (changed, random) = (sample, Random(seed: 2))
    let transforms: [any SampleTransform] = [
      CopyPaste(probability: 1), Mosaic(size: 96), SampleCutMix(probability: 0.5),
      SampleMixUp(probability: 0.5),
    ]
    let others = SampleSource { _ in sample }
    try transforms.apply(to: &changed, using: &random, from: others)
    #expect(changed.picture.width == 96 && changed.picture.height == 96)
  }

  @Test("RandAugment") func policies() {
    var (changed, random) = (sample, Random(seed: 3))
    RandAugment(operations: 2, magnitude: 9).apply(&changed, using: &random)
    #expect(changed.picture.width == sample.picture.width)
  }

  @Test("Multi-scale and test-time augmentation") func scales() {
    let sizes = MultiScale(around: 416).sizes
    #expect(sizes.first == 224 && sizes.last == 608)
    let found = TestTimeAugmentation().detect(in: sample.picture) { view in
      [
        Detection(
          box: Box(left: 0, top: 0, right: Float(view.width), bottom: 9), label: 0, score: 1)
      ]
    }
    #expect(found.count >= 1)
  }
}
