import Foundation
import Testing

@testable import SakerData

/// Tables that give each picture a class, as contests and data sets have them.
@Suite("Tables of classes") struct ClassTableTests {
  private static func set(
    _ tables: [String: String], pictures: [String]
  ) throws -> (set: LabelSet, folder: TemporaryFolder) {
    let folder = try TemporaryFolder()
    try folder.write(pictures: pictures)
    for (name, text) in tables { try folder.write(text, name) }
    return (try LabelSet(path: folder.path), folder)
  }

  private func labels(_ set: LabelSet) -> [String] {
    set.pictures.map { "\($0.name) \($0.label.map { set.classNames[$0] } ?? "-")" }
  }

  @Test(
    "columns of many names",
    arguments: [
      "image_id,label\na.png,dog\nb.png,cat\n", "id,breed\na,dog\nb,cat\n",
      "id,label\r\na,dog\r\nb,cat\r\n", ",image,species\n0,a.png,dog\n1,b.png,cat\n",
      "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
        + "a.png;20;10;5;5;15;9;dog\nb.png;20;10;5;5;15;9;cat\n",
      "Width,Height,Roi.X1,ClassId,Path\n20,10,5,dog,a.png\n20,10,5,cat,b.png\n",
      "filename\tcategory\na.png\tdog\nb.png\tcat\n",
      "filename,dog,cat\na.png,1,0\nb.png,0,1\n", "image_id,dog,cat\na,1.0,0.0\nb,0.0,1.0\n",
    ])
  func columns(_ text: String) throws {
    let (set, folder) = try Self.set(
      ["train.csv": text], pictures: ["images/a.png", "images/b.png"])
    defer { withExtendedLifetime(folder) {} }
    #expect(set.format == .csv && !set.problems.contains(where: \.isError), "\(set.problems)")
    #expect(labels(set) == ["a dog", "b cat"] && set.classNames == ["dog", "cat"])
    #expect(set.splits == ["train"] && set.account()?.isWhole == true)
    // What the header doesn't say is guessed, and said.
    let isTold = text.contains("breed") || text.contains("species") || text.contains("dog,cat")
    #expect(set.problems.map(\.isGuess) == (isTold ? [true] : []), "\(set.problems)")
  }

  @Test(
    "pictures in a folder beside the table",
    arguments: [
      "train_images", "Train", "train/pictures", "stuff", "images/train", "data",
    ])
  func places(_ place: String) throws {
    let pictures = ["a", "b"].map { "\(place)/\($0).png" }
    // Pictures of the same names in the folder of another split are not meant.
    let (set, folder) = try Self.set(
      ["train.csv": "image_id,label\na.png,1\nb.png,0\n"],
      pictures: pictures + ["test_images/a.png"])
    defer { withExtendedLifetime(folder) {} }
    #expect(set.pictures.map(\.path) == pictures.map { folder.path + "/" + $0 })
    #expect(set.problems.filter(\.isError).isEmpty, "\(set.problems)")
    #expect(set.problems.contains(where: \.isGuess) == (place == "stuff"), "\(set.problems)")
    #expect(labels(set) == ["a 1", "b 0"] && set.classNames == ["0", "1"])
    let account = try #require(set.account())
    #expect(account.pictures.used == 2)
    #expect(account.pictures.leftOut.map { PathName.last($0.file) } == ["a.png"], "\(account)")
  }

  @Test("tables of two splits whose pictures share one folder, and a sample of results")
  func sharedFolder() throws {
    let head = "image_id,label\n"
    let (set, folder) = try Self.set(
      [
        "train.csv": head + "a,x\n", "val.csv": head + "b,y\n", "test.csv": "image_id\nc\n",
        "sample_submission.csv": "id,label\nc,x\n",
      ], pictures: ["a", "b", "c"].map { "train_images/\($0).png" })
    defer { withExtendedLifetime(folder) {} }
    #expect(set.pictures.map(\.split) == ["train", "val"] && labels(set) == ["a x", "b y"])
    #expect(set.problems.count { $0.message.contains("is no table of labels, left out") } == 2)
    #expect(set.problems.allSatisfy { !$0.isError }, "\(set.problems)")
    let account = try #require(set.account())
    #expect(account.labels.found == 4 && account.labels.used == 2, "\(account)")
    #expect(account.pictures.found == 3 && account.pictures.used == 2)
  }

  @Test("pictures that are nowhere are one error, not one each")
  func nowhere() throws {
    let (set, _) = try Self.set(
      ["train.csv": "filename,label\na.png,x\nb.png,y\nc.png,y\n"], pictures: ["pics/z.png"])
    let errors = set.problems.filter(\.isError)
    #expect(errors.count == 1, "\(errors)")
    #expect(errors.first?.message.hasPrefix("none of its 3 pictures (a.png, ...) is in ") == true)
  }

  @Test(
    "columns that tell no class are named with those that would",
    arguments: [
      ("file_id,kind,size\na,x,3\n", "no column filename or img_name, none class or label"),
      ("filename,weight,age\na.png,3,4\n", "no column class or label"),
    ])
  func unknownColumns(_ text: String, _ message: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(pictures: ["images/a.png"])
    try folder.write(text, "train.csv")
    let told = failure { _ = try LabelSet(path: folder.path) }
    let found = text.prefix { $0 != "\n" }.replacing(",", with: ", ")
    #expect(told.contains(message + "; found: " + found + ";"), "\(told)")
    #expect(
      told.contains("a table of classes has filename (or image, image_id, path, id) and class"))
    #expect(told.contains("or a column of 0 and 1 for each class; a table of boxes also xmin"))
  }

  @Test(
    "columns of 0 and 1 hold one class a row",
    arguments: [
      ("a,1,0\nb,1,1\n", "train.csv:3: error: is of 2 classes (dog, cat), expected one"),
      ("a,1,0\nb,0,0\n", "train.csv:3: error: is of no class"),
      ("a,1,0\nb,2,0\n", "train.csv:3: error: the column dog holds 2, expected 0 or 1"),
    ])
  func oneHot(_ rows: String, _ message: String) throws {
    let (set, _) = try Self.set(
      ["train.csv": "image,dog,cat\n" + rows], pictures: ["images/a.png", "images/b.png"])
    let errors = set.problems.filter(\.isError).map(\.description)
    #expect(errors.count == 1 && errors[0].contains(message), "\(errors)")
  }

  @Test("two columns of one name are two classes of one name")
  func equalColumns() throws {
    let (set, _) = try Self.set(
      ["train.csv": "image,dog,dog\na,1,0\n"], pictures: ["images/a.png"])
    #expect(set.problems.contains { $0.isError && $0.message.contains("columns 2 and 3 are both") })
  }

  @Test(
    "numbers are names, in their order, unless a list names the classes",
    arguments: [
      (["10", "9", "2"], nil, ["2", "9", "10"]), (["2", "1", "1"], nil, ["1", "2"]),
      (["1.0", "0.0", "2.0"], nil, ["0.0", "1.0", "2.0"]), (["0", "2", "0"], nil, ["0", "2"]),
      (["2", "0", "0"], "cat\ndog\nant\n", ["cat", "dog", "ant"]),
      (["70", "30", "30"], "30\n50\n70\n", ["30", "50", "70"]),
      (["x", "1", "0"], nil, ["x", "1", "0"]),
    ] as [([String], String?, [String])])
  func numbers(_ cells: [String], _ list: String?, _ names: [String]) throws {
    for (head, rest) in [
      ("filename,class", ""), ("filename,class,xmin,ymin,xmax,ymax", ",1,2,9,8"),
    ] {
      let rows = zip(["a", "b", "c"], cells).map { "\($0).png,\($1)\(rest)\n" }.joined()
      let (set, _) = try Self.set(
        ["labels.csv": head + "\n" + rows].merging(list.map { ["classes.txt": $0] } ?? [:]) { $1 },
        pictures: ["a.png", "b.png", "c.png"])
      #expect(set.classNames == names && !set.problems.contains(where: \.isError))
      let found = set.pictures.map { $0.label ?? $0.objects[0].label }
      let isPlace = list?.hasPrefix("cat") == true
      #expect(found == cells.map { isPlace ? Int($0) : names.firstIndex(of: $0) })
    }
  }
}
