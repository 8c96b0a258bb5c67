import Foundation
import Saker

/// Pictures of every transform: the original, then three results, with their boxes.
struct AugmentationGallery {
  let dataset: DetectionDataset
  let seed: UInt64

  typealias Change = @Sendable (inout Sample, inout Random, SampleSource) throws -> Void

  struct Entry: Sendable {
    let name: String
    /// Left to right, after the original.
    let changes: [Change]
    /// Whether masks are drawn, too.
    var showsMasks = false
    /// Whether boxes are objects with masks: ellipses here, as the embedded data have none.
    var hasMasks = false
    /// Whether only the middle is shown, enlarged: for what a small picture would hide.
    var isClose = false

    /// Three draws of one transform.
    init(_ name: String, _ transform: any SampleTransform, masks: Bool = false) {
      self.init(name, [transform, transform, transform], masks: masks)
    }

    init(_ name: String, _ transforms: [any SampleTransform], masks: Bool = false) {
      self.name = name
      showsMasks = masks
      hasMasks = masks
      changes = transforms.map { transform in
        { try transform.apply(&$0, using: &$1, from: $2) }
      }
    }

    /// Three settings of an operation on pixels.
    init(_ name: String, close: Bool = false, pixels settings: [@Sendable (inout Picture) -> Void])
    {
      self.name = name
      isClose = close
      changes = settings.map { setting in { sample, _, _ in setting(&sample.picture) } }
    }
  }

  static let panel = PictureSize(width: 256, height: 192)
  private static let gap = 8

  func strip(_ entry: Entry) throws -> Picture {
    let original = try sample(0, masks: entry.hasMasks)
    let others = SampleSource { random in
      let count = UInt64(min(40, dataset.items.count))
      let index = Int(random.next().multipliedFullWidth(by: count).high)
      return try sample(index, masks: entry.hasMasks)
    }
    var panels = [try drawn(original, entry)]
    for (index, change) in entry.changes.enumerated() {
      var random = Random(seed: seed, index + 1)
      var changed = original
      try change(&changed, &random, others)
      panels.append(try drawn(changed, entry))
    }
    let (width, height) = (Self.panel.width, Self.panel.height)
    var result = Sample(
      picture: Picture(
        width: panels.count * (width + Self.gap) - Self.gap, height: height, filledWith: .white))
    for (index, panel) in panels.enumerated() {
      result.picture.paste(panel, x: index * (width + Self.gap), y: 0)
    }
    return result.picture
  }

  private func sample(_ index: Int, masks: Bool) throws -> Sample {
    let item = dataset.items[index]
    let picture = try Picture(file: item.picture)
    let objects = item.annotations.map { annotation -> SampleObject in
      guard masks else { return SampleObject(annotation) }
      let box = annotation.box
      let outline = (0..<48).map { step -> PicturePoint in
        let angle = Float(step) * .pi / 24
        return PicturePoint(
          x: (box.left + box.right + box.width * cos(angle)) / 2,
          y: (box.top + box.bottom + box.height * sin(angle)) / 2)
      }
      return SampleObject(
        annotation,
        mask: Mask(width: picture.width, height: picture.height, polygons: [outline]))
    }
    return Sample(picture: picture, objects: objects)
  }

  /// Fitted into a panel, boxes drawn at the size they are seen.
  private func drawn(_ sample: Sample, _ entry: Entry) throws -> Picture {
    var sample = sample
    if entry.showsMasks {
      for object in sample.objects {
        guard let mask = object.mask else { continue }
        for i in mask.values.indices where mask.values[i] != 0 {
          // A third of a colour that blood does not have.
          sample.picture.pixels[3 * i] = sample.picture.pixels[3 * i] / 3 * 2
          sample.picture.pixels[3 * i + 1] = sample.picture.pixels[3 * i + 1] / 3 * 2 + 60
          sample.picture.pixels[3 * i + 2] = sample.picture.pixels[3 * i + 2] / 3 * 2 + 40
        }
      }
      for i in sample.objects.indices { sample.objects[i].mask = nil }
    }
    sample.labelMap = nil
    if entry.isClose {
      sample.show(x: 290, y: 160, width: 192, height: 144, rule: VisibilityRule(share: 0.5))
    }
    var random = Random(seed: 0)
    let (width, height) = (Self.panel.width, Self.panel.height)
    Letterbox(width: width, height: height, fill: .white).apply(&sample, using: &random)
    var style = AnnotationStyle()
    style.showsNames = false
    style.lineWidth = 2
    let detections = sample.annotations.map {
      Detection(box: $0.box, label: $0.label, score: 1)
    }
    style.showsScores = false
    return try sample.picture.annotated(
      with: detections, classNames: dataset.classes, style: style)
  }
}

extension Picture {
  /// Draws a picture over this one; it must fit.
  fileprivate mutating func paste(_ other: Picture, x: Int, y: Int) {
    for row in 0..<other.height {
      let from = 3 * row * other.width
      let to = 3 * ((y + row) * width + x)
      pixels.replaceSubrange(
        to..<to + 3 * other.width, with: other.pixels[from..<from + 3 * other.width])
    }
  }
}

extension AugmentationGallery {
  static let entries: [Entry] = geometry + colors + quality + policies + coverings + mixtures

  private static let geometry: [Entry] = [
    Entry(
      "flips",
      [
        HorizontalFlip(probability: 1), VerticalFlip(probability: 1),
        InOrder([HorizontalFlip(probability: 1), VerticalFlip(probability: 1)]),
      ]),
    Entry("quarter-turns", [QuarterTurns([1]), QuarterTurns([2]), QuarterTurns([3])]),
    Entry(
      "rotation",
      [
        RandomRotation(degrees: 12...12), RandomRotation(degrees: -30 ... -30),
        RandomRotation(degrees: 30...30, expands: true),
      ]),
    Entry("rotation-masks", RandomRotation(degrees: -45...45), masks: true),
    Entry("random-resized-crop", RandomResizedCrop(width: 320, height: 320, scale: 0.1...0.6)),
    Entry(
      "random-crop",
      [
        RandomCrop(minimumIoUs: [0.1]), RandomCrop(minimumIoUs: [0.3]),
        RandomCrop(minimumIoUs: [0.5]),
      ]),
    Entry("expansion", Expansion(1.3...3, probability: 1)),
    Entry(
      "random-scale", [RandomScale(0.4...0.8), RandomScale(0.8...1.4), RandomScale(1.5...2.2)]),
    Entry("random-shift", [RandomShift(20), RandomShift(60), RandomShift(120)]),
    Entry("translate", RandomAffine(translate: 0.3, scale: 1...1)),
    Entry("shear", RandomAffine(translate: 0, scale: 1...1, shear: 25)),
    Entry("affine", RandomAffine(degrees: 15, translate: 0.1, scale: 0.6...1.5, shear: 8)),
    Entry("perspective", RandomPerspective(distortion: 0.5, probability: 1)),
    Entry(
      "letterbox",
      [
        Letterbox(width: 480, height: 480), Letterbox(width: 640, height: 320),
        Resize(width: 320, height: 480),
      ]),
  ]

  private static let colors: [Entry] = [
    Entry(
      "brightness",
      pixels: [
        { $0.adjustBrightness(by: 0.5) }, { $0.adjustBrightness(by: 0.8) },
        { $0.adjustBrightness(by: 1.3) },
      ]),
    Entry(
      "contrast",
      pixels: [
        { $0.adjustContrast(by: 0.4) }, { $0.adjustContrast(by: 1.5) },
        { $0.adjustContrast(by: 2.5) },
      ]),
    Entry(
      "saturation",
      pixels: [
        { $0.adjustSaturation(by: 0.3) }, { $0.adjustSaturation(by: 2) },
        { $0.adjustSaturation(by: 4) },
      ]),
    Entry(
      "hue", pixels: [{ $0.turnHue(by: -0.2) }, { $0.turnHue(by: 0.1) }, { $0.turnHue(by: 0.4) }]),
    Entry("color-jitter", ColorJitter(brightness: 0.4, contrast: 0.4, saturation: 0.6, hue: 0.1)),
    Entry("hsv-gains", HSVGains(hue: 0.03, saturation: 0.7, value: 0.4)),
    Entry(
      "gamma",
      pixels: [{ $0.adjustGamma(0.4) }, { $0.adjustGamma(1.6) }, { $0.adjustGamma(3) }]),
    Entry(
      "grayscale-invert",
      pixels: [
        { $0.removeColor() }, { $0.invert() },
        {
          $0.removeColor()
          $0.invert()
        },
      ]),
    Entry(
      "solarize",
      pixels: [
        { $0.solarize(threshold: 220) }, { $0.solarize(threshold: 190) },
        { $0.solarize(threshold: 128) },
      ]),
    Entry(
      "posterize",
      pixels: [
        { $0.posterize(bits: 4) }, { $0.posterize(bits: 3) }, { $0.posterize(bits: 2) },
      ]),
    Entry(
      "equalize-autocontrast",
      pixels: [
        { $0.autocontrast() }, { $0.equalize() },
        {
          $0.adjustContrast(by: 0.2)
          $0.equalize()
        },
      ]),
  ]

  private static let quality: [Entry] = [
    Entry(
      "sharpness", close: true,
      pixels: [
        { $0 = $0.sharpened(by: 0) }, { $0 = $0.sharpened(by: 4) }, { $0 = $0.sharpened(by: 10) },
      ]),
    Entry(
      "blur", close: true,
      pixels: [
        { $0 = $0.gaussianBlurred(kernel: 7, sigma: 1.5) },
        { $0 = $0.gaussianBlurred(kernel: 23, sigma: 5) }, { $0 = $0.boxBlurred(kernel: 21) },
      ]),
    Entry(
      "noise", close: true,
      pixels: [
        { $0.addNoise(deviation: 0.05, seed: 1) }, { $0.addNoise(deviation: 0.2, seed: 2) },
        { $0.addImpulses(share: 0.05, seed: 3) },
      ]),
    Entry(
      "jpeg", close: true,
      pixels: [
        { $0 = $0.withJPEGArtifacts(quality: 30) }, { $0 = $0.withJPEGArtifacts(quality: 10) },
        { $0 = $0.withJPEGArtifacts(quality: 3) },
      ]),
  ]

  private static let policies: [Entry] = [
    Entry("randaugment", RandAugment(operations: 2, magnitude: 14, fill: .letterboxGray)),
    Entry("trivialaugment", TrivialAugment(fill: .letterboxGray)),
    Entry("autoaugment", [AutoAugment(.imageNet), AutoAugment(.cifar10), AutoAugment(.svhn)]),
  ]

  private static let coverings: [Entry] = [
    Entry("cutout", Cutout(holes: 4, size: 0.2...0.4, probability: 1)),
    Entry(
      "random-erasing",
      [
        RandomErasing(scale: 0.1...0.3, probability: 1),
        RandomErasing(scale: 0.1...0.3, fill: .color(.letterboxGray), probability: 1),
        RandomErasing(scale: 0.1...0.3, fill: .noise, probability: 1),
      ]),
  ]

  private static let mixtures: [Entry] = [
    Entry("mixup", SampleMixUp(alpha: 32, probability: 1)),
    Entry("cutmix", SampleCutMix(probability: 1)),
    Entry("mosaic", Mosaic(size: 640)),
    Entry("mosaic-nine", Mosaic(size: 640, grid: 3, affine: RandomAffine(scale: 0.3...0.8))),
    Entry("copy-paste-masks", CopyPaste(probability: 1, share: 0.5), masks: true),
    Entry("copy-paste-boxes", CopyPaste(probability: 1, share: 0.5)),
    Entry("yolo-recipe", InOrder(AugmentationRecipe().transforms(size: 640))),
    Entry(
      "multi-scale",
      [320, 448, 640].map { size in
        InOrder([
          Resize(width: size, height: size),
          Expansion.canvas(640, from: PictureSize(width: size, height: size)),
        ])
      }),
    testTime,
  ]

  /// What a detector is shown at test time.
  private static let testTime: Entry = {
    let views = TestTimeAugmentation().views
    let transforms: [any SampleTransform] = views.map { view in
      let place = PictureSize(
        width: Int((640 * view.scale).rounded()), height: Int((480 * view.scale).rounded()))
      var list: [any SampleTransform] = [Resize(width: place.width, height: place.height)]
      if view.isMirrored { list.append(HorizontalFlip(probability: 1)) }
      return InOrder(list + [Expansion.canvas(640, from: place)])
    }
    return Entry("test-time", transforms)
  }()
}

extension Expansion {
  /// Puts a smaller picture on a canvas, so that its size is seen.
  fileprivate static func canvas(_ width: Int, from size: PictureSize)
    -> any SampleTransform
  {
    let factor = Float(width) / Float(size.width)
    return Expansion(factor...factor, probability: 1)
  }
}
