import Foundation
import Testing

@testable import SakerData

/// GIF, BMP and uncompressed or losslessly compressed files have one right result.
@Test(arguments: [
  "palette.gif", "interlaced.gif", "gray.gif", "two_colors.gif", "animated.gif", "full_table.gif",
  "offset.gif", "transparent.gif", "transparent_offset.gif",
  "1bit.bmp", "4bit.bmp", "8bit.bmp", "gray.bmp", "24bit.bmp", "32bit.bmp", "top_down.bmp",
  "os2.bmp", "16bit_555.bmp", "16bit_565.bmp", "32bit_masks.bmp", "runs4.bmp", "runs8.bmp",
  "lossless.webp", "lossless_alpha.webp", "animated.webp", "orientation_6.webp",
  "rgb.tif", "tiff_lzw.tif", "tiff_adobe_deflate.tif", "packbits.tif", "zstd.tif", "gray.tif",
  "fax.tif", "palette.tif", "alpha.tif", "gray_alpha.tif", "pages.tif", "big.tif",
  "big_endian.tif", "separate.tif", "tiles.tif", "white_is_zero.tif", "rgb16.tif", "gray16.tif",
  "multiplied.tif", "orientation_2.tif", "orientation_3.tif", "orientation_4.tif",
  "orientation_5.tif", "orientation_6.tif", "orientation_7.tif", "orientation_8.tif",
])
func formatsDecodeLikePillow(name: String) throws {
  let path = fixture("formats/" + name)
  let golden = try expected("formats/" + name)
  let picture = try Picture(file: path)
  #expect(picture == golden)
  #expect(try Picture.size(ofFile: path) == PictureSize(width: golden.width, height: golden.height))
}

/// Lossy decoders and CMYK may differ by a level between versions.
@Test(arguments: ["lossy.webp", "lossy_alpha.webp", "jpeg.tif", "cmyk.tif"])
func lossyFormatsDecodeLikePillow(name: String) throws {
  let golden = try expected("formats/" + name)
  #expect(try difference(Picture(file: fixture("formats/" + name)), golden) <= 1)
}

/// A header tells that a file is whole, so that a set of whole files isn't decoded twice.
@Test(arguments: [
  "palette.gif", "24bit.bmp", "8bit.bmp", "lossy.webp", "rgb.tif", "tiles.tif", "big.tif",
  "separate.tif",
])
func headersTellTheEnd(name: String) throws {
  #expect(try Picture.header(ofFile: fixture("formats/" + name)).ends)
  let bytes = try bytes(of: "formats/" + name)
  var cut = ByteWindow(Array(bytes.prefix(bytes.count * 2 / 3)))
  #expect((try? PictureHeader(&cut).ends) != true)
}

@Test(arguments: [
  ("animated.gif", "is animated; its first frame is read"),
  ("animated.webp", "is animated; its first frame is read"),
  ("pages.tif", "holds more than one page; the first is read"),
])
func furtherFramesAreTold(name: String, note: String) throws {
  let path = fixture("formats/" + name)
  #expect(try Picture.read(path).notes == [note])
  #expect(try Picture.header(ofFile: path).note == note)
}

@Test(arguments: ["palette.gif", "lossy.webp", "8bit.bmp", "rgb.tif", "tiles.tif"])
func singleFramesAreNotToldAbout(name: String) throws {
  #expect(try Picture.read(fixture("formats/" + name)).notes == [])
}

// MARK: Damage

/// Files of which no byte behind the first frame is missing are read; of all others the
/// error names the file.
@Test(arguments: [
  "palette.gif", "interlaced.gif", "full_table.gif", "24bit.bmp", "8bit.bmp", "runs8.bmp",
  "16bit_565.bmp", "lossy.webp", "lossless.webp", "animated.webp", "lossy_alpha.webp", "rgb.tif",
  "tiff_lzw.tif", "tiff_adobe_deflate.tif", "jpeg.tif", "tiles.tif", "big.tif", "fax.tif",
])
func truncatedFormatsAreRefused(name: String) throws {
  let whole = try bytes(of: "formats/" + name)
  let picture = try Picture(bytes: whole)
  var last = 0
  for count in stride(from: 1, to: whole.count, by: max(1, whole.count / 50)) {
    do {
      // A byte that ends a file may be missing, but then all pixels are there.
      let read = try Picture(bytes: Array(whole.prefix(count)), name: name)
      #expect(read == picture, "\(count) of \(whole.count) bytes")
    } catch {
      #expect((error as? PictureError)?.file == name)
      last = count
    }
  }
  #expect(last > whole.count / 2)
}

/// No byte may crash a decoder or keep it busy; what is read has the size that its header says.
@Test(arguments: [
  "palette.gif", "animated.gif", "8bit.bmp", "runs8.bmp", "runs4.bmp", "16bit_565.bmp", "os2.bmp",
  "lossy_alpha.webp", "lossless.webp", "animated.webp", "orientation_6.webp", "tiff_lzw.tif",
  "jpeg.tif", "tiles.tif", "separate.tif", "palette.tif", "big.tif", "fax.tif", "rgb16.tif",
  "pages.tif",
])
func damagedFormatsNeverTrap(name: String) throws {
  let whole = try bytes(of: "formats/" + name)
  let start = ContinuousClock.now
  // All bytes of the headers, and some of the pixels.
  let places =
    Array(0..<min(whole.count, 120)) + Array(max(0, whole.count - 260)..<whole.count)
    + Array(stride(from: 0, to: whole.count, by: max(1, whole.count / 100)))
  var slowest = Duration.zero
  for (turn, at) in places.enumerated() {
    var bytes = whole
    bytes[at] ^= [0x01, 0x5A, 0x80, 0xFF][turn % 4]
    let begin = ContinuousClock.now
    var window = ByteWindow(bytes)
    if let picture = try? Picture(bytes: bytes) {
      let size = try PictureHeader(&window).size
      #expect(size == PictureSize(width: picture.width, height: picture.height))
    }
    slowest = max(slowest, ContinuousClock.now - begin)
  }
  #expect(slowest < .seconds(2), "\(name): \(slowest)")
  #expect(ContinuousClock.now - start < .seconds(60))
}

/// A header may claim any size: it is refused before memory is asked for.
@Test func absurdSizesOfFormatsAreRefused() throws {
  func expectRefused(_ name: String, at: Int, _ bytes: [UInt8], _ reason: String) throws {
    var file = try SakerDataTests.bytes(of: "formats/" + name)
    file.replaceSubrange(at..<at + bytes.count, with: bytes)
    let error = #expect(throws: PictureError.self) { _ = try Picture(bytes: file) }
    #expect(error?.reason.contains(reason) == true, "\(name): \(error?.reason ?? "")")
  }
  try expectRefused("24bit.bmp", at: 18, [0x00, 0x00, 0xFF, 0x7F], "pixels; at most")
  try expectRefused(
    "24bit.bmp", at: 18, [0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0x80], "pixels; at most")
  try expectRefused("24bit.bmp", at: 18, [0xFF, 0xFF, 0xFF, 0xFF], "no size")
  try expectRefused("24bit.bmp", at: 18, [0x40, 0x9C, 0, 0, 0x40, 0x9C, 0, 0], "40000x40000")
  try expectRefused("palette.gif", at: 6, [0xFF, 0xFF, 0xFF, 0xFF], "65535x65535")
  try expectRefused("lossless.webp", at: 21, [0xFF, 0xFF, 0xFF, 0x0F], "16384x16384")
  try expectRefused("animated.webp", at: 24, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "16777216")
  let tiff = try bytes(of: "formats/rgb.tif")
  let directory = Int(tiff[4]) | Int(tiff[5]) << 8
  let width = try #require(
    stride(from: directory + 2, to: tiff.count - 12, by: 12).first {
      tiff[$0] == 0x00 && tiff[$0 + 1] == 0x01
    })
  try expectRefused(
    "rgb.tif", at: width + 2, [4, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295")
}

// MARK: Names

@Test func endingsOfPictures() {
  for name in [
    "a.jpg", "b.JPeG", "c.Png", "a.b.tif", "d/e.TIFF", "é.webp", "x.jfif", "y.DIB", "z.gif",
  ] {
    #expect(PathName.isPicture(name), "\(name)")
    #expect(!Picture.isNamedUnread(name))
  }
  for name in [
    "jpg", ".jpg", "a.jpgx", "a.jp", "a.jpg.txt", "a.", "a.heic", "ajpg", "a.xjpeg", "a.bmp/b", "",
  ] {
    #expect(!PathName.isPicture(name), "\(name)")
  }
  #expect(Picture.isNamedUnread("a.HEIC") && Picture.isNamedUnread("b.avif"))
  #expect(Set(Picture.endings).isDisjoint(with: Picture.unreadEndings))
  #expect(Set(Picture.endings.map { $0.lowercased() }) == Set(Picture.endings))
}

/// What a file is told by its content, whatever its name: and a file of another kind
/// is said to be that.
@Test(arguments: [
  ("<!DOCTYPE html>\n<html><body>404</body></html>", "is not a picture but an HTML page"),
  ("  <html lang=en>", "is not a picture but an HTML page"),
  ("<?xml version='1.0'?><svg/>", "is not a picture but an SVG drawing"),
  ("<annotation></annotation>", "is not a picture but XML text"),
  ("{\"error\": \"no\"}", "is not a picture but JSON text"),
  ("BM is how this text begins, and it goes on", "is not a picture but text"),
  ("version https://git-lfs.github.com/spec/v1\noid x", "is not a picture but a Git LFS pointer"),
  ("%PDF-1.4", "is not a picture but a PDF"),
  ("\0\0\0\u{18}ftypheic\0\0\0\0", "is a HEIC picture, which is not read here"),
  ("\0\0\0\u{18}ftypavif\0\0\0\0", "is an AVIF picture, which is not read here"),
  ("\0\0\0\u{18}ftypisom\0\0\0\0", "is not a picture but an MP4 or QuickTime video"),
  ("\u{1}\u{2}\u{3}\u{4}", "is not a picture that can be read here"),
])
func otherFilesAreNamed(content: String, reason: String) throws {
  let folder = try TemporaryFolder()
  let path = try folder.write(content, "photo.jpg")
  let error = #expect(throws: PictureError.self) { try Picture(file: path) }
  #expect(error?.file == path)
  #expect(error?.reason.hasPrefix(reason) == true, "\(error?.reason ?? "")")
}

/// Names don't decide: a WebP that is called .jpg is read as what it is.
@Test func contentDecidesTheFormat() throws {
  let folder = try TemporaryFolder()
  for name in ["lossless.webp", "palette.gif", "24bit.bmp", "rgb.tif"] {
    let path = try folder.write(bytes(of: "formats/" + name), "photo.jpg")
    #expect(try Picture(file: path) == expected("formats/" + name))
  }
}

/// Every reader that lists folders takes all formats.
@Test func setsTakeAllEndings() throws {
  let folder = try TemporaryFolder()
  let names = [
    ("a.JPG", "coffee_gray.jpg"), ("b.png", "coffee.png"), ("c.bmp", "formats/24bit.bmp"),
    ("d.GIF", "formats/animated.gif"), ("e.webp", "formats/lossy.webp"),
    ("f.tif", "formats/rgb.tif"),
    ("g.jfif", "coffee_420.jpg"), ("h.Tiff", "formats/gray.tif"),
  ]
  for (name, file) in names {
    try folder.write(bytes(of: file), "folders/cat/" + name)
    try folder.write(bytes(of: file), "yolo/images/" + name)
    try folder.write("0 0.5 0.5 0.5 0.5", "yolo/labels/\(name.prefix(1)).txt")
    try folder.write(bytes(of: file), "flat/" + name)
    try folder.write("0 0.5 0.5 0.5 0.5", "flat/\(name.prefix(1)).txt")
  }
  try folder.write("train: images\nval: images\nnames: [cat]", "yolo/data.yaml")
  try folder.write("cat", "flat/classes.txt")
  for kind in ["folders", "yolo", "flat"] {
    let set = try LabelSet(path: folder.path + "/" + kind)
    #expect(Set(set.pictures.map(\.path)).count == names.count, "\(kind)")
    #expect(set.pictures.allSatisfy { $0.size != nil }, "\(kind)")
    let told = set.problems.map(\.description)
    #expect(told.count { $0.contains("d.GIF: warning: is animated") } >= 1, "\(told)")
    #expect(set.problems.allSatisfy { $0.severity != .error }, "\(told)")
  }
}
