import SakerData
import Testing

@testable import SakerPlots

private func box(_ left: Float, _ top: Float, _ right: Float, _ bottom: Float) -> Box {
  Box(left: left, top: top, right: right, bottom: bottom)
}

private func found(_ box: Box, _ label: Int = 0, _ score: Float = 0.9) -> Detection {
  Detection(box: box, label: label, score: score)
}

private let names = ["red cell", "white cell", "platelet"]

private var bare: AnnotationStyle {
  var style = AnnotationStyle()
  style.showsNames = false
  style.showsScores = false
  return style
}

struct AnnotatedPictureTests {
  @Test(arguments: [1.0, 2, 3, 4], [Float(0), 0.3, 0.5])
  func classColorIsAtTheEdge(lineWidth: Double, shift: Float) throws {
    var style = bare
    style.lineWidth = lineWidth
    for label in 0..<3 {
      let picture = try plain(200, 160).annotated(
        with: [found(box(40 + shift, 30 + shift, 120 + shift, 100 + shift), label)],
        classNames: names, style: style)
      let color = Palette.color(label).bytes
      // In the middle of each side, one of the two pixels beside the edge.
      #expect([39, 40].contains { picture.bytes($0, 65) == color })
      #expect([119, 120].contains { picture.bytes($0, 65) == color })
      #expect([29, 30].contains { picture.bytes(80, $0) == color })
      #expect([99, 100].contains { picture.bytes(80, $0) == color })
      // The line is as wide as it was asked for.
      #expect((30..<60).count { picture.bytes($0, 65) == color } == Int(lineWidth))
      // Inside and outside nothing changed.
      #expect(
        picture.bytes(80, 65) == [128, 128, 128] && picture.bytes(10, 65) == [128, 128, 128])
    }
  }

  @Test func linesStandOutFromAnyBackground() throws {
    let backgrounds = Palette.fixed + [.black, .white, Color(0x808080), Color(0xC08080)]
    for background in backgrounds {
      for label in Palette.fixed.indices {
        let picture = try plain(100, 100, background).annotated(
          with: [found(box(30, 30, 70, 70), label)], classNames: [], style: bare)
        let best = (24..<36).map { picture.color($0, 50).contrast(with: background) }.max() ?? 0
        // On the brightness midway between a line and its halo, 4.5 apart, each is the root of that
        // away.
        #expect(best > 2.1, "class \(label) on \(background)")
      }
    }
  }

  @Test func boxesAreCutAtTheBorderAndOthersLeftOut() throws {
    let gray = plain(100, 80)
    let cut = try gray.annotated(
      with: [found(box(-50, -50, 500, 500))], classNames: names, style: bare)
    let color = Palette.color(0).bytes
    #expect(cut.bytes(0, 40) == color && cut.bytes(99, 40) == color)
    #expect(cut.bytes(50, 0) == color && cut.bytes(50, 79) == color)

    let nothing = [
      box(.nan, 0, 10, 10), box(0, 0, .infinity, 10), box(20, 20, 20, 40), box(40, 40, 20, 20),
      box(200, 10, 220, 30), box(-30, 10, -10, 30),
    ]
    let same = try gray.annotated(with: nothing.map { found($0) }, classNames: names)
    #expect(same == gray)
  }

  @Test func labelsHaveAPlateInTheClassColorWithReadableText() throws {
    for label in 0..<3 {
      let color = Palette.color(label)
      let picture = try plain(320, 240).annotated(
        with: [found(box(60, 60, 260, 200), label)], classNames: names)
      // The plate lies above the box, its text is drawn in black or white.
      let plate = picture.places(of: color).filter { $0.y < 57 }
      #expect(plate.count > 200)
      // Thin letters (without a font, Cairo's own) need not reach pure black or white.
      let (left, right) = (plate.map(\.x).min() ?? 0, plate.map(\.x).max() ?? 0)
      let readable = (left...right).contains { x in
        (45..<57).contains { picture.color(x, $0).contrast(with: color) > 3 && x > left + 2 }
      }
      #expect(readable)
      #expect(plate.allSatisfy { $0.x >= 58 && $0.x < 220 })
    }
  }

  @Test func scoresAndNamesCanBeLeftOut() throws {
    func plate(_ change: (inout AnnotationStyle) -> Void) throws -> Int {
      var style = AnnotationStyle()
      change(&style)
      return try plain(320, 240).annotated(
        with: [found(box(60, 60, 260, 200))], classNames: names, style: style
      ).places(of: Palette.color(0)).count { $0.y < 57 }
    }
    let both = try plate { _ in }
    let name = try plate { $0.showsScores = false }
    let score = try plate { $0.showsNames = false }
    let neither = try plate {
      $0.showsNames = false
      $0.showsScores = false
    }
    #expect(both > name && name > score && score > neither && neither == 0)
  }

  @Test func truthsAreStripedAndNamedOnlyWithoutDetections() throws {
    let truth = Annotation(box: box(60, 60, 260, 200), label: 1)
    let alone = try plain(320, 240).annotated(with: [], classNames: names, truths: [truth])
    let color = Palette.color(1)
    for picture in [
      alone,
      // Over a detection at the same place the truth stays visible.
      try plain(320, 240).annotated(
        with: [found(truth.box, 1)], classNames: names, truths: [truth]),
    ] {
      let edge = (70..<190).map { picture.bytes(60, $0) }
      #expect(edge.contains(color.bytes) && edge.contains(Color.white.bytes))
    }
    #expect(alone.places(of: color).count { $0.y < 57 } > 100)
    let beside = try plain(320, 240).annotated(
      with: [found(box(100, 210, 140, 230))], classNames: names, truths: [truth])
    #expect(beside.places(of: color).count { $0.y < 57 } == 0)
  }

  @Test func tinyPicturesAndManyBoxesKeepTheirContent() throws {
    for size in [1, 2, 3, 8, 20] {
      let tiny = plain(size, size)
      let drawn = try tiny.annotated(
        with: [found(box(0, 0, Float(size), Float(size)))], classNames: names)
      #expect(drawn.width == size && drawn != tiny)
    }
    // Labels that would hide the picture are left out: 200 boxes on a stamp.
    let many = (0..<200).map { i in
      let (x, y) = (Float(i % 20 * 4), Float(i / 20 * 8))
      return found(box(x, y, x + 3, y + 6))
    }
    let stamp = try plain(80, 80).annotated(with: many, classNames: names)
    #expect(stamp == (try plain(80, 80).annotated(with: many, classNames: names, style: bare)))
  }

  @Test func unknownLabelsAndOddNamesAreDrawn() throws {
    let odd = try plain(200, 200).annotated(
      with: [
        found(box(20, 40, 90, 90), 7), found(box(100, 40, 190, 90), 0, .nan),
        found(box(20, 120, 90, 190), 1),
      ],
      classNames: ["with\0zero\nand lines", String(repeating: "long ", count: 100)])
    #expect(odd.places(of: Palette.color(7)).count > 300)
  }

  @Test func aPictureTooLargeForCairoThrows() throws {
    #expect(throws: PlotError("a drawing is 1...32767 pixels wide and high, not 40000 x 1")) {
      try plain(40_000, 1).annotated(with: [], classNames: [])
    }
  }
}

struct LabelPlacementTests {
  @Test func labelsStayInsideAndOffEachOther() {
    let area = Rect(x: 0, y: 0, width: 640, height: 480)
    var random = Seeded(state: 7)
    let boxes = (0..<30).map { _ in
      Rect(
        x: .random(in: -20...600, using: &random), y: .random(in: -20...440, using: &random),
        width: .random(in: 10...120, using: &random), height: .random(in: 10...120, using: &random))
    }
    var placement = LabelPlacement(area: area, boxes: boxes)
    for box in boxes { _ = placement.place(width: 70, height: 16, at: box) }
    #expect(placement.taken.count == 30)
    for (i, a) in placement.taken.enumerated() {
      #expect(a.x >= 0 && a.y >= 0 && a.right <= 640 && a.bottom <= 480)
      #expect(placement.taken[..<i].allSatisfy { $0.overlap(a) == 0 })
    }
  }

  @Test func aLabelPrefersThePlaceAboveItsBox() {
    let box = Rect(x: 100, y: 100, width: 80, height: 60)
    var placement = LabelPlacement(
      area: Rect(x: 0, y: 0, width: 640, height: 480), boxes: [box])
    #expect(
      placement.place(width: 50, height: 16, at: box)
        == Rect(x: 100, y: 84, width: 50, height: 16))
    // The same box again: the next one goes elsewhere.
    #expect(placement.place(width: 50, height: 16, at: box).overlap(placement.taken[0]) == 0)
  }
}

/// A small generator with a seed (Vigna's splitmix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
