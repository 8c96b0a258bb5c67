import Foundation
import SakerTensor
import Testing

@testable import SakerData

@Suite("Messages never echo a file") struct LongTextTests {
  /// A long word: what is quoted whole is far above the limit.
  private static let token = String(repeating: "x", count: 1 << 17)

  /// Broken files of every format, with the token where messages quote.
  private static let files: [(name: String, text: String)] = [
    (
      "Annotations/a.xml",
      "<annotation><size><width>TOKEN</width></size><object><name>TOKEN</name></object></annotation>"
    ),
    ("b.xml", "<annotation><TOKEN></annotation>"), ("c.xml", "<TOKEN/>"),
    ("d/instances.json", #"{"images": [{"id": 1, "TOKEN": 1, "width": "TOKEN"}], "TOKEN": TOKEN}"#),
    (
      "e/instances.json",
      #"{"images": [{"id": "TOKEN", "file_name": "../TOKEN"}], "categories": [{"id": 1, "name": "TOKEN"}, {"id": 2, "name": "TOKEN"}], "annotations": [{"id": 1, "image_id": "TOKEN", "category_id": "TOKEN"}]}"#
    ),
    ("f/data.yaml", "train: ../TOKEN\nnames: [TOKEN]\n"),
    ("f2/data.yaml", "train: images\nnames: {TOKEN: TOKEN}\n"), ("f3/data.yaml", "a: [TOKEN"),
    ("g.json", #"[{"image": "../TOKEN", "annotations": [{"label": TOKEN}]}]"#),
    ("h.csv", "filename,class,xmin,ymin,xmax,ymax\na.jpg,TOKEN,TOKEN,1,2,3\n"),
    ("i.csv", "TOKEN,class,xmin,ymin,xmax,ymax\n"),
    ("j.csv", "filename,class\n../TOKEN,TOKEN\n../TOKEN,b\n"),
    ("k/list/train.txt", "../TOKEN\n"), ("k/a.lines.txt", "1 TOKEN\n"),
    ("l.json", #"{"lanes": [], "h_samples": [], "raw_file": "../TOKEN"}"# + "\n{TOKEN\n"),
    ("m/images/a.txt", "TOKEN 1 2 3 4\n"), ("n/classes.txt", "TOKEN\nTOKEN\n"),
  ]

  @Test("of a file with a long token, in every format")
  func readers() throws {
    let folder = try TemporaryFolder()
    for file in Self.files {
      try folder.write(file.text.replacing("TOKEN", with: Self.token), file.name)
    }
    try folder.write(Picture(width: 4, height: 4).encoded(as: .png()), "n/p.png")
    try folder.write("0 0.5 0.5 0.1 0.1 TOKEN", "n/p.txt")
    let paths = Self.files.map { folder.path + "/" + $0.name }
    for place in Set(paths + paths.map(PathName.folder)).sorted() {
      for format in [nil] + DataFormat.allCases.map(Optional.some) {
        let told: [String]
        do {
          let set = try LabelSet(path: place, format: format)
          told = (set.problems + set.check()).map(\.description)
        } catch {
          told = "\(error)".split(separator: "\n").map(String.init)
        }
        #expect(told.allSatisfy { $0.utf8.count < 4000 }, "\(place) as \(format?.rawValue ?? "-")")
      }
    }
  }

  @Test("of detections and scores")
  func results() throws {
    let folder = try TemporaryFolder()
    let truths = LabelSet(
      classes: [LabelClass("a")],
      pictures: [LabeledPicture(file: "a.jpg", path: "", size: PictureSize(width: 9, height: 9))])
    try folder.write("\(Self.token) 0.5 1 2 3 \(Self.token)\n", "d/a.txt")
    try folder.write("0 0.5 1 2 3 4\n\(Self.token) 0.5 1 2 3 4\n", "e/a.txt")
    try folder.write("picture,truth,\(Self.token),b\na,b,\(Self.token),1\n", "s.csv")
    try folder.write("picture,truth,a,b\na,\(Self.token),1,1\n", "t.csv")
    for body in [
      { _ = try DetectionFiles(folder.path + "/d", of: truths) },
      { _ = try DetectionFiles(folder.path + "/e", of: truths) },
      { _ = try DetectionFiles(folder.path + "/s.csv", of: truths) },
      { _ = try ClassScores(folder.path + "/s.csv") },
      { _ = try ClassScores(folder.path + "/t.csv") },
    ] as [() throws -> Void] {
      let error = #expect(throws: DatasetError.self) { try body() }
      #expect("\(try #require(error))".utf8.count < 4000)
    }
  }
}
