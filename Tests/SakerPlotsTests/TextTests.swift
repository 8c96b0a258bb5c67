import SakerData
import Testing

@testable import SakerPlots

/// A text in black on white.
private func drawn(_ text: String, _ font: Font = Font(size: 32)) throws -> Picture {
  let canvas = try Canvas(.png, width: 160, height: 60)
  canvas.fill(Color(0xFFFFFF))
  canvas.text(text, at: Point(x: 10, y: 40), font, Color(0x000000))
  return try canvas.picture()
}

private func ink(_ picture: Picture) -> Int { picture.pixels.count { $0 < 128 } }

private func missing(_ text: String) throws -> Unicode.Scalar? {
  try Canvas(.png, width: 10, height: 10).missingLetter(in: text, Font(size: 20))
}

/// Set-up installs a font with Han letters unless it is told not to (SAKER_FONTS=none).
private var hasHan: Bool { canDraw("香蕉苹果") }

private func canDraw(_ text: String) -> Bool {
  do { return try missing(text) == nil } catch { return false }
}

struct TextTests {
  @Test(.enabled(if: hasHan, "no font with Han letters here")) func hanLettersAreDrawn() throws {
    let (first, second) = (try drawn("香"), try drawn("蕉"))
    #expect(ink(first) > 200 && ink(second) > 200)
    #expect(try difference(first, second) > 200)
    // Both together are both beside each other, and fit their width.
    let canvas = try Canvas(.png, width: 10, height: 10)
    let font = Font(size: 32)
    let widths = ["香", "蕉"].map { canvas.textWidth($0, font) }
    #expect(abs(canvas.textWidth("香蕉", font) - widths[0] - widths[1]) < 1)
    #expect(widths[0] > 24 && widths[0] < 40)
  }

  /// The letters are not the box of those that no font has, which differs from letter to letter,
  /// too, but is reported.
  @Test func missingLettersAreToldFromOthers() throws {
    #expect(try missing("\u{E123}") == "\u{E123}")
    #expect(try missing("a\u{F8FFE}b") == "\u{F8FFE}")
    #expect(try missing("banana 0.93") == nil)
    #expect(try ink(drawn("\u{E123}")) > 20)
  }

  @Test(.enabled(if: hasHan, "no font with Han letters here")) func classNamesOfHanAreDrawn() throws
  {
    let detection = Detection(
      box: Box(left: 20, top: 30, right: 120, bottom: 90), label: 0, score: 0.9)
    let picture = Picture(width: 140, height: 100)
    let names = ["香蕉", "苹果", "banana"]
    let pictures = try names.map { try picture.annotated(with: [detection], classNames: [$0]) }
    #expect(try difference(pictures[0], pictures[1]) > 100)
    #expect(try difference(pictures[0], pictures[2]) > 100)
  }

  /// Arabic letters join, and run from right to left.
  @Test(.enabled(if: canDraw("بيت"), "no font with Arabic letters here"))
  func arabicLettersJoin() throws {
    let canvas = try Canvas(.png, width: 10, height: 10)
    let font = Font(size: 32)
    let apart = ["ب", "ي", "ت"].map { canvas.textWidth($0, font) }.reduce(0, +)
    #expect(canvas.textWidth("بيت", font) < 0.9 * apart)
    #expect(try difference(drawn("بيت"), drawn("تيب")) > 100)
  }

  /// Widths grow with the size and with nothing else: texts are laid out alike at every scale.
  @Test func textsScale() throws {
    let (small, large) = (
      try Canvas(.png, width: 100, height: 100), try Canvas(.png, width: 100, height: 100, scale: 3)
    )
    let width = small.textWidth("Platelets 0.93", Font(size: 10))
    #expect(width > 40)
    #expect(abs(large.textWidth("Platelets 0.93", Font(size: 10)) - width) < 0.02 * width)
    #expect(abs(small.textWidth("Platelets 0.93", Font(size: 20)) - 2 * width) < 0.02 * width)
    #expect(small.textWidth("Platelets 0.93", Font(size: 10, bold: true)) > width)
    let height = small.textHeight(Font(size: 10))
    #expect((8...12).contains(height.ascent) && (1...4).contains(height.descent))
  }

  @Test func controlCharactersTakeNoPart() throws {
    #expect(try drawn("a\0b\nc") == drawn("a b c"))
    #expect(try drawn("") == drawn(" "))
  }

  @Test(arguments: [
    ("蕉", "fonts-noto-cjk (or fonts-wqy-microhei"), ("バ", "fonts-noto-cjk"),
    ("바", "fonts-noto-cjk"),
    ("🐶", "fonts-noto-color-emoji"), ("ไ", "fonts-noto-core"), ("𠀀", "fonts-noto-cjk"),
  ])
  func missingLettersNameAPackage(letter: Unicode.Scalar, package: String) {
    let told = MissingLetters.warning(letter)
    #expect(told.contains("Debian's package \(package)"), "\(told)")
    #expect(told.contains("'\(letter)' (U+\(String(letter.value, radix: 16, uppercase: true)))"))
    #expect(!told.contains("\n"))
  }
}

/// How many samples of two pictures of one size differ.
private func difference(_ a: Picture, _ b: Picture) throws -> Int {
  try #require(a.width == b.width && a.height == b.height)
  return zip(a.pixels, b.pixels).count { $0 != $1 }
}
