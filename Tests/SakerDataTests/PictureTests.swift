import Foundation
import SakerData
import Testing

@Test(arguments: [
  "basn0g01", "basn0g02", "basn0g04", "basn0g08", "basn0g16", "basn2c08", "basn2c16", "basn3p01",
  "basn3p02", "basn3p04", "basn3p08", "basn4a08", "basn4a16", "basn6a08", "basn6a16", "ibasn0g08",
  "ibasn2c08", "ibasn3p08", "ibasn6a16",
])
func pngSuiteDecodesLikePillow(name: String) throws {
  let picture = try Picture(file: fixture("pngsuite/\(name).png"))
  #expect(try picture == expected("pngsuite/\(name)"))
}

@Test(arguments: ["coffee", "transparent", "palette_transparent"])
func pngDecodesLikePillow(name: String) throws {
  #expect(try Picture(file: fixture("\(name).png")) == expected(name))
}

/// Both decoders are libjpeg-turbo with the accurate transform; versions may round
/// chroma by a level.
@Test(arguments: [
  "coffee_420", "coffee_422", "coffee_444", "coffee_progressive", "coffee_restart", "coffee_gray",
  "coffee_cmyk", "coffee_ycck", "road_440",
])
func jpegDecodesLikePillow(name: String) throws {
  let picture = try Picture(file: fixture("\(name).jpg"))
  #expect(try difference(picture, expected(name)) <= 1)
}

@Test(arguments: 1...8)
func orientationIsHonoured(value: Int) throws {
  let path = fixture("orientation_\(value).jpg")
  let golden = try expected("orientation_\(value)")
  #expect(try difference(Picture(file: path), golden) <= 1)
  #expect(try Picture.size(ofFile: path) == PictureSize(width: golden.width, height: golden.height))
}

@Test func orientationOfPNGIsHonoured() throws {
  let path = fixture("orientation_6.png")
  #expect(try Picture(file: path) == expected("orientation_6_png"))
  #expect(try Picture.size(ofFile: path) == PictureSize(width: 24, height: 40))
}

/// Each orientation, applied to the picture stored so, gives back the upright one; four of them are
/// their own inverse.
@Test func orientationsInvert() {
  let picture = noise(width: 70, height: 33, seed: 1)
  let inverses: [Orientation: Orientation] = [.rightTurn: .leftTurn, .leftTurn: .rightTurn]
  for orientation in Orientation.allCases {
    let turned = picture.oriented(orientation)
    #expect(turned.oriented(inverses[orientation] ?? orientation) == picture, "\(orientation)")
    #expect((turned == picture) == (orientation == .upright), "\(orientation)")
  }
  #expect(picture.oriented(.rightTurn)[32, 0] == picture[0, 0])
}

@Test func sizesComeFromHeaders() throws {
  #expect(try Picture.size(ofFile: fixture("coffee.png")) == PictureSize(width: 160, height: 121))
  #expect(
    try Picture.size(ofFile: fixture("coffee_progressive.jpg"))
      == PictureSize(width: 160, height: 121))
}

@Test func pngComesBackExactly() throws {
  let folder = try TemporaryFolder()
  let picture = noise(width: 31, height: 17, seed: 2)
  try picture.write(to: folder.path + "/a.png")
  #expect(try Picture(file: folder.path + "/a.png") == picture)
  #expect(try Picture(bytes: picture.encoded(as: .png(level: 0))) == picture)
  #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
}

@Test func jpegComesBackNearly() throws {
  let picture = try Picture(file: fixture("coffee.png"))
  let again = try Picture(bytes: picture.encoded(as: .jpeg(quality: 95)))
  let error = zip(picture.pixels, again.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
  #expect(Double(error) / Double(picture.pixels.count) < 4)
}

@Test func cropAndPixels() {
  var picture = noise(width: 20, height: 10, seed: 3)
  picture[4, 3] = RGB(1, 2, 3)
  let part = picture.cropped(x: 4, y: 2, width: 5, height: 6)
  #expect(part[0, 1] == RGB(1, 2, 3))
  #expect(part[4, 5] == picture[8, 7])
  #expect(picture.flippedHorizontally()[15, 3] == RGB(1, 2, 3))
  #expect(picture.flippedVertically()[4, 6] == RGB(1, 2, 3))
}

// MARK: What is refused

/// The reason for which bytes are refused; fails if they are taken.
private func refusal(_ bytes: [UInt8]) throws -> String {
  let folder = try TemporaryFolder()
  let path = try folder.write(bytes, "bad.jpg")
  let error = #expect(throws: PictureError.self) { _ = try Picture(file: path) }
  #expect(error?.file == path)
  #expect(error?.description.contains("\n") == false)
  return error?.reason ?? ""
}

@Test func emptyFileIsRefused() throws {
  #expect(try refusal([]) == "is empty (zero bytes)")
}

@Test func otherFilesAreRefused() throws {
  #expect(try refusal(Array("PK\u{3}\u{4} and so on".utf8)) == "is not a picture but a ZIP archive")
  #expect(try refusal([0xFF]).contains("not a picture"))
}

@Test(arguments: [
  "coffee_420.jpg", "coffee_restart.jpg", "coffee_gray.jpg",
  "coffee_cmyk.jpg", "coffee.png", "pngsuite/ibasn6a16.png",
])
func everyTruncationIsRefused(name: String) throws {
  let whole = try bytes(of: name)
  _ = try Picture(bytes: whole)
  for count in stride(from: 1, to: whole.count - 1, by: max(1, whole.count / 60)) {
    #expect(throws: PictureError.self, "\(count) of \(whole.count) bytes") {
      _ = try Picture(bytes: Array(whole.prefix(count)))
    }
  }
  #expect(try refusal(Array(whole.prefix(whole.count * 2 / 3))).contains("truncated"))
}

/// The ten scans of the progressive fixture, each with the tables before it: the offsets at
/// which they begin.
private func scans(_ bytes: [UInt8]) -> [Int] {
  var (starts, at) = ([Int](), 2)
  var start: Int?
  while at + 4 <= bytes.count, bytes[at + 1] != 0xD9 {
    let marker = bytes[at + 1]
    if marker == 0xC4 || marker == 0xDA { start = start ?? at }
    at += 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
    guard marker == 0xDA, let first = start else { continue }
    starts.append(first)
    start = nil
    while bytes[at] != 0xFF || bytes[at + 1] == 0 { at += 1 }
  }
  return starts
}

/// Missing scans cost detail: libjpeg reads such files, the fewer scans the coarser.
/// So do we, and tell.
@Test func progressiveFilesWithoutTheirLastScansAreRead() throws {
  let folder = try TemporaryFolder()
  let whole = try bytes(of: "coffee_progressive.jpg")
  let picture = try Picture(bytes: whole)
  let starts = scans(whole)
  try #require(starts.count == 10)
  #expect(try Picture.read(fixture("coffee_progressive.jpg")).notes == [])
  func error(_ other: Picture) -> Double {
    zip(picture.pixels, other.pixels).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) }
      / Double(picture.pixels.count)
  }
  var last = Double.infinity
  for count in [1, 3, 5, 9] {
    let cut = Array(whole[..<starts[count]])
    let ended = try Picture.read(folder.write(cut + [0xFF, 0xD9], "ended.jpg"))
    #expect(ended.notes.count == 1 && ended.notes[0].contains("lacks scans"))
    #expect(error(ended.picture) > 0 && error(ended.picture) < last, "\(count) scans")
    last = error(ended.picture)
    // The same without the mark of the end, unless nothing shows that the first scan is whole; and
    // cut in the scan that follows.
    let path = try folder.write(cut, "open.jpg")
    if count == 1 {
      #expect(throws: PictureError.self) { try Picture(file: path) }
    } else {
      let open = try Picture.read(path)
      #expect(open.picture == ended.picture && open.notes == ended.notes)
    }
    let middle = starts[count] + (count == 9 ? 200 : (starts[count + 1] - starts[count]) / 2)
    let more = try Picture.read(folder.write(Array(whole[..<middle]), "more.jpg"))
    #expect(error(more.picture) < 1.25 * last && more.notes == ended.notes)
  }
}

/// Only decoding shows that scans are missing where the file ends properly: a full check does.
@Test func aFullCheckNoticesMissingScans() throws {
  let folder = try TemporaryFolder()
  let whole = try bytes(of: "coffee_progressive.jpg")
  try folder.write(Array(whole[..<scans(whole)[5]]) + [0xFF, 0xD9], "cat/0.jpg")
  try folder.write(whole, "cat/1.jpg")
  let set = try LabelSet(path: folder.path, LabelReading(pictures: .full))
  #expect(set.problems.map(\.severity) == [.warning] && set.problems[0].file.hasSuffix("0.jpg"))
  #expect(set.problems[0].message.contains("lacks scans of a progressive JPEG"))
  #expect(try LabelSet(path: folder.path).problems.isEmpty)
}

/// As long as a part of the picture is missing, a progressive file is as truncated as any other.
@Test func progressiveFilesWithoutAPartOfThePictureAreRefused() throws {
  let whole = try bytes(of: "coffee_progressive.jpg")
  let first = scans(whole)[1]
  for count in stride(from: 1, to: first - 1, by: 9) {
    #expect(throws: PictureError.self, "\(count) bytes") {
      _ = try Picture(bytes: Array(whole.prefix(count)))
    }
  }
  #expect(try refusal(Array(whole.prefix(first * 2 / 3))).contains("truncated"))
}

/// No byte may crash the decoders; what is taken has the size its header says.
@Test(arguments: ["coffee_420.jpg", "coffee_ycck.jpg", "transparent.png", "orientation_6.jpg"])
func damagedFilesNeverTrap(name: String) throws {
  let whole = try bytes(of: name)
  for at in stride(from: 0, to: whole.count, by: max(1, whole.count / 400)) {
    var bytes = whole
    bytes[at] ^= 0x5A
    _ = try? Picture(bytes: bytes)
  }
  var random = [UInt8](repeating: 0x37, count: 4000)
  random.replaceSubrange(0..<24, with: whole.prefix(24))
  #expect(throws: PictureError.self) { _ = try Picture(bytes: random) }
}

@Test func absurdSizesAreRefusedBeforeMemoryIsAsked() throws {
  var png = try bytes(of: "coffee.png")
  png.replaceSubrange(16..<20, with: [0, 0, 0xEA, 0x60])  // 60,000 wide
  #expect(try refusal(png).contains("60000x121"))
  png.replaceSubrange(16..<24, with: [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30])  // 30,000 x 30,000
  #expect(try refusal(png).contains("30000x30000"))
  png.replaceSubrange(16..<20, with: [0, 0, 0, 0])
  #expect(try refusal(png).contains("no size"))
  var jpeg = try bytes(of: "coffee_420.jpg")
  let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
  jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xEA, 0x60, 0xEA, 0x60])
  #expect(try refusal(jpeg).contains("60000x60000"))
}

@Test func missingFilesAndFoldersAreRefused() throws {
  let folder = try TemporaryFolder()
  let missing = #expect(throws: PictureError.self) { try Picture(file: folder.path + "/no.jpg") }
  #expect(missing?.reason == "does not exist")
  let isFolder = #expect(throws: PictureError.self) { try Picture(file: folder.path) }
  #expect(isFolder?.reason == "is a folder")
  let pipe = folder.path + "/pipe.jpg"
  #expect(mkfifo(pipe, 0o600) == 0)
  let isPipe = #expect(throws: PictureError.self) { try Picture(file: pipe) }
  #expect(isPipe?.reason == "is not a regular file")
}

@Test func writingWhereNothingCanBeIsRefused() throws {
  let folder = try TemporaryFolder()
  let picture = Picture(width: 2, height: 2)
  #expect(throws: PictureError.self) { try picture.write(to: folder.path + "/none/a.png") }
  #expect(throws: PictureError.self) { try picture.write(to: folder.path + "/a.tif") }
  let wide = Picture(width: 65_501, height: 1)
  #expect(throws: PictureError.self) { try wide.write(to: folder.path + "/a.jpg") }
  #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  let full = #expect(throws: PictureError.self) { try picture.write(to: "/proc/a.png") }
  #expect(full?.file == "/proc/a.png")
}

@Test func appendedBytesAreTaken() throws {
  let whole = try bytes(of: "coffee_420.jpg")
  #expect(try Picture(bytes: whole + [UInt8](repeating: 7, count: 5000)) == Picture(bytes: whole))
}
