import SakerTensor
import Testing

@testable import SakerData

@Test func everyTransformComesBackFromItsFile() throws {
  let all: [any SampleTransform] =
    AugmentationFile.types.map { $0.standard } + [
      Sometimes(GaussianBlur(kernel: 3), probability: 0.25),
      OneOf([
        SampleMixUp(alpha: 0.2), InOrder([SampleCutMix(), HorizontalFlip(keypointOrder: [1, 0])]),
      ]),
      Either(Mosaic(grid: 3, affine: nil), or: Letterbox(), probability: 0.75),
      RandomErasing(fill: .noise), Cutout(fill: .color(RGB(1, 2, 3))),
      RandomCrop(minimumIoUs: [0.25], trials: 7), AutoAugment(.svhn, interpolation: .bilinear),
    ]
  for text in [try AugmentationFile.yaml(all), try AugmentationFile.json(all)] {
    let read = try AugmentationFile.parse(text)
    #expect(read.map(\.description) == all.map(\.description))
  }
  #expect(AugmentationFile.types.count == 37)
}

@Test func partsMayBeLeftOut() throws {
  let list = try AugmentationFile.parse(
    """
    - name: Mosaic
      size: 320
      affine: {scale: [0.9, 1.1], rule: {share: 0.5}}
    - {name: Sometimes, probability: 1, transform: {name: HSVGains, hue: 0.1}}
    - name: HorizontalFlip
    """)
  #expect(list.count == 3)
  let mosaic = try #require(list[0] as? Mosaic)
  #expect(mosaic.size == 320 && mosaic.grid == 2)
  #expect(mosaic.affine?.scale == 0.9...1.1 && mosaic.affine?.translate == 0.1)
  #expect(mosaic.affine?.rule == VisibilityRule(share: 0.5))
  #expect(
    list[2].description == "HorizontalFlip(probability: 0.5, keypointOrder: [])")
}

@Test(arguments: [
  ("- name: Flip", "transform 1 (Flip): unknown transform"),
  (
    "- name: MixUp\n  alfa: 1",
    "transform 1 (MixUp): has no parameter alfa, expected alpha, fill, probability"
  ),
  ("- name: MixUp\n  probability: 2", "a probability is 0...1, got 2.0"),
  ("- name: MixUp\n  probability: often", "transform 1 (MixUp): probability"),
  ("- name: RandomScale\n  factors: [2, 1]", "transform 1 (RandomScale)"),
  ("- name: RandomScale\n  factors: [.nan, 1]", "transform 1 (RandomScale)"),
  ("- {name: OneOf, transforms: []}", "expected at least 1 transform, got none"),
  (
    "- {name: Sometimes, probability: 0.5, transform: {name: MixUp, alpha: -1}}",
    "transform (MixUp): alpha is above 0"
  ),
  ("- {name: Sometimes, transform: {name: MixUp}}", "expected a probability in 0...1, got nothing"),
  ("- {probability: 0.5}", "expected a name, got probability"),
  ("name: MixUp", "expected a list of transforms, got a mapping"),
  ("- 7", "expected a mapping with a name, got 7"),
  ("", "expected a list of transforms, got nothing"),
  ("- [", "is neither YAML nor JSON"),
  ("- name: Mosaic\n  grid: 4", "a grid is 2 or 3, got 4"),
  ("- name: Mosaic\n  affine: {scale: 3}", "transform 1 (Mosaic)"),
  ("- name: Resize\n  width: 1e30", "transform 1 (Resize)"),
])
func badFilesAreRefused(text: String, reason: String) {
  do {
    let list = try AugmentationFile.parse(text, source: "args.yaml")
    Issue.record("accepted as \(list)")
  } catch {
    let message = "\(error)"
    #expect(message.hasPrefix("args.yaml: "), "\(message)")
    #expect(message.contains(reason), "\(message)")
    #expect(!message.contains("\n"), "\(message)")
  }
}

@Test func deepNestingIsRefused() {
  let text = String(repeating: "[", count: 3000) + String(repeating: "]", count: 3000)
  #expect(throws: AugmentationFile.Failure.self) { try AugmentationFile.parse(text) }
  var nested = "{\"name\": \"HorizontalFlip\"}"
  for _ in 0..<40 { nested = "{\"name\": \"InOrder\", \"transforms\": [\(nested)]}" }
  #expect(throws: AugmentationFile.Failure.self) { try AugmentationFile.parse("[\(nested)]") }
}

@Test func recipeMeansWhatYOLOMeans() throws {
  var recipe = AugmentationRecipe()
  recipe.mixup = 0.1
  recipe.scale = 0.9
  let list = recipe.transforms(size: 320)
  let names = list.map { $0.description.prefix { $0 != "(" } }
  #expect(names == ["LongestSide", "Either", "MixUp", "HSVGains", "HorizontalFlip"])
  let again = try AugmentationFile.parse(AugmentationFile.yaml(list))
  #expect(again.map(\.description) == list.map(\.description))
}
