import Foundation
import SakerTensor
import Testing

@testable import SakerData

/// One 40x30 picture of noise with these objects, as a set.
private func one(
  _ folder: TemporaryFolder, _ objects: [LabeledObject], split: String? = nil,
  name: String = "p.png", classes: [String] = ["cat", "dog"]
) throws -> (set: LabelSet, picture: Picture) {
  let picture = noise(width: 40, height: 30, seed: 7)
  let path = try folder.write(picture.encoded(as: .png()), "source/" + name)
  var set = LabelSet(classes: classes.map { LabelClass($0) })
  set.pictures = [
    LabeledPicture(
      file: name, path: path, size: PictureSize(width: 40, height: 30), split: split,
      objects: objects)
  ]
  return (set, picture)
}

private func object(
  _ label: Int, _ left: Double, _ top: Double, _ right: Double, _ bottom: Double,
  _ flags: LabeledObject.Flags = []
) -> LabeledObject {
  LabeledObject(
    label: label, box: LabelBox(left: left, top: top, right: right, bottom: bottom), flags: flags)
}

private func options(_ margin: Double = 0) -> ObjectCrops.Options {
  var options = ObjectCrops.Options()
  (options.margin, options.smallestSide, options.encoding) = (margin, 0, .png())
  return options
}

/// The whole pixels of each piece.
private func places(_ crops: ObjectCrops) -> [[Int]] {
  crops.crops.map { [$0.piece.left, $0.piece.top, $0.piece.width, $0.piece.height] }
}

@Test func aPieceIsThePixelsOfItsBox() throws {
  let folder = try TemporaryFolder()
  let (set, picture) = try one(
    folder, [object(0, 3, 4, 20, 17), object(1, 30, 0, 40, 30)], split: "val")
  let report = try ObjectCrops(set, options()).write(to: folder.path + "/out")
  #expect(report.crops == 2 && report.pictures == 1 && report.leftOut.isEmpty)
  #expect(report.splits == ["val": ["cat": 1, "dog": 1]])
  #expect(
    try Picture(file: folder.path + "/out/val/cat/p-1.png")
      == picture.cropped(x: 3, y: 4, width: 17, height: 13))
  #expect(
    try Picture(file: folder.path + "/out/val/dog/p-2.png")
      == picture.cropped(x: 30, y: 0, width: 10, height: 30))
  // The pieces are read as what they are.
  let back = try LabelSet(path: folder.path + "/out")
  #expect(back.format == .folders && back.classNames == ["cat", "dog"])
  #expect(back.splits == ["val"] && back.pictures.map(\.label) == [0, 1])
}

@Test func marginsAndSquaresStayInsideThePicture() throws {
  let folder = try TemporaryFolder()
  // A tenth of 10 and 20 pixels on each side; at the border, what there is.
  let boxes = [object(0, 10, 5, 20, 25), object(0, 0, 0, 10, 20), object(1, 30, 10, 40, 30)]
  let (set, _) = try one(folder, boxes)
  #expect(
    places(try ObjectCrops(set, options(0.1))) == [
      [9, 3, 12, 24], [0, 0, 11, 22], [29, 8, 11, 22],
    ])
  // Fractions take whole pixels in; a hair beside a pixel is that pixel.
  let (odd, _) = try one(
    folder, [object(0, 3.4, 4.6, 19.2, 17.0000001), object(0, 2.9999999, 1, 5, 3)])
  #expect(places(try ObjectCrops(odd, options())) == [[3, 4, 17, 13], [3, 1, 2, 2]])
  // Squares: around the box's centre, moved inwards at a border.
  var square = options(0)
  square.isSquare = true
  #expect(
    places(try ObjectCrops(set, square)) == [[5, 5, 20, 20], [0, 0, 20, 20], [20, 10, 20, 20]])
}

@Test func aSquareLargerThanThePictureIsFilledWithGray() throws {
  let folder = try TemporaryFolder()
  let (set, picture) = try one(folder, [object(0, 0, 2, 40, 12)])
  var square = options()
  square.isSquare = true
  #expect(places(try ObjectCrops(set, square)) == [[0, -5, 40, 40]])
  _ = try ObjectCrops(set, square).write(to: folder.path + "/out")
  let piece = try Picture(file: folder.path + "/out/cat/p-1.png")
  #expect(piece.width == 40 && piece.height == 40)
  #expect(piece.cropped(x: 0, y: 5, width: 40, height: 30) == picture)
  for y in [0, 4, 35, 39] { #expect(piece[20, y] == .letterboxGray) }
}

@Test func largePiecesShrinkAndSmallOnesStay() throws {
  let folder = try TemporaryFolder()
  let (set, picture) = try one(folder, [object(0, 0, 0, 40, 20), object(1, 5, 5, 15, 9)])
  var small = options()
  small.side = 10
  _ = try ObjectCrops(set, small).write(to: folder.path + "/out")
  #expect(
    try Picture(file: folder.path + "/out/cat/p-1.png")
      == picture.cropped(x: 0, y: 0, width: 40, height: 20).resized(width: 10, height: 5))
  #expect(
    try Picture(file: folder.path + "/out/dog/p-2.png")
      == picture.cropped(x: 5, y: 5, width: 10, height: 4))
}

@Test func whatIsNoObjectIsLeftOutAndCounted() throws {
  let folder = try TemporaryFolder()
  var (set, _) = try one(
    folder,
    [
      object(0, 1, 1, 20, 20), object(0, 1, 1, 20, 20, .difficult), object(1, 0, 0, 9, 9, .crowd),
      object(1, 5, 5, 5, 9), object(0, 2, 2, 9, 30), object(1, 10, 10, 17.5, 30),
      object(1, 10, 10, 18, 18), object(1, 39.5, 0, 41, 30),
      LabeledObject(
        label: 0, box: LabelBox(left: 0, top: 0, width: 9, height: 9), shape: .line([0, 0, 9, 9])),
      object(7, 1, 1, 20, 20),
    ], split: "train")
  set.pictures.append(set.pictures[0])
  set.pictures[1].split = nil
  var eight = options()
  eight.smallestSide = 8
  let crops = try ObjectCrops(set, eight)
  #expect(crops.crops.map(\.piece.file) == ["train/cat/p-1.png", "train/dog/p-7.png"])
  let counts = Dictionary(uniqueKeysWithValues: crops.leftOut.map { ($0.what, $0.count) })
  #expect(
    counts == [
      "difficult objects": 1, "crowds": 1, "boxes without area": 1,
      "boxes with a side below 8 pixels": 3, "lines": 1, "objects without a known class or box": 1,
      "pictures in no split": 1,
    ])
  // Inclusive corners at one place are no box.
  set.format = .voc
  set.pictures[0].objects = [object(0, 4, 4, 5, 9), object(0, 4, 4, 9, 9)]
  #expect(try ObjectCrops(set, options()).crops.map(\.piece.file) == ["train/cat/p-2.png"])
}

@Test func namesArePicturesAndNumbersAndNeverTheSame() throws {
  let folder = try TemporaryFolder()
  var (set, _) = try one(folder, [object(0, 1, 1, 9, 9), object(0, 2, 2, 9, 9)])
  for name in ["p.jpg", "p-2.png"] {
    let more = try one(folder, [object(0, 1, 1, 9, 9), object(0, 2, 2, 9, 9)], name: name).set
    set.pictures += more.pictures
  }
  let report = try ObjectCrops(set, options()).write(to: folder.path + "/out")
  #expect(report.crops == 6 && report.splits == ["all": ["cat": 6]])
  #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out/cat").count == 6)
}

@Test func mistakesInCuttingAreTold() throws {
  let folder = try TemporaryFolder()
  func told(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }
  let (set, _) = try one(folder, [object(0, 1, 1, 9, 9)])
  let crops = try ObjectCrops(set, options())
  _ = try crops.write(to: folder.path + "/out")
  #expect(told { _ = try crops.write(to: folder.path + "/out") }.contains("is there already"))
  // Nothing is left of a run that fails.
  try folder.write("no picture", "source/p.png")
  let broken = told { _ = try crops.write(to: folder.path + "/new") }
  #expect(broken.contains("source/p.png: error: is not a picture"), "\(broken)")
  #expect(!FileManager.default.fileExists(atPath: folder.path + "/new"))
  let report = try crops.write(to: folder.path + "/new", skipBad: true)
  #expect(report.crops == 0 && report.leftOut.map(\.what) == ["pictures that cannot be read"])
  let none = try one(folder, [object(0, 1, 1, 9, 9, .difficult)], name: "q.png").set
  #expect(
    told { _ = try ObjectCrops(none) }.hasSuffix(
      "holds no objects to cut out; left out: 1 difficult objects"))
  let clash = try one(folder, [object(0, 1, 1, 9, 9)], name: "q.png", classes: ["a/b", "a_b"]).set
  #expect(told { _ = try ObjectCrops(clash) }.contains("a/b and a_b would share the folder a_b"))
  var idx = set
  idx.format = .idx
  #expect(told { _ = try ObjectCrops(idx) }.contains("has no boxes to cut out"))
}

@Test func embeddedSetsGoByTheirNames() throws {
  for set in EmbeddedData.allCases {
    #expect(EmbeddedData.named(set.rawValue) == set)
    let folder = try EmbeddedData.path(set.rawValue)
    for file in ["LICENSE", "README.md"] {
      #expect(FileManager.default.fileExists(atPath: folder + "/" + file), "\(set) \(file)")
    }
  }
  #expect(EmbeddedData.named("other") == nil)
  #expect(try EmbeddedData.path("other") == "other")
}

@Test func theEmbeddedCardsAreWhatTheirPageSays() throws {
  let set = try LabelSet.playingCards()
  #expect(set.problems.isEmpty && set.check().isEmpty)
  #expect(set.classNames == ["ace", "jack", "king", "nine", "queen", "ten"])
  func counts(_ split: String) -> [Int] {
    var counts = [Int](repeating: 0, count: 6)
    for picture in set.split(split).pictures { counts[picture.label ?? 0] += 1 }
    return counts
  }
  #expect(counts("train") == [41, 45, 50, 47, 38, 41])
  #expect(counts("test") == [26, 24, 23, 26, 26, 18])
  #expect(
    set.pictures.allSatisfy { ($0.size?.width ?? 0) <= 96 && $0.size?.width == $0.size?.height })
}
