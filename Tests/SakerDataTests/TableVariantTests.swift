import Foundation
import SakerTensor
import Testing

@testable import SakerData

@Suite("COCO's JSON and tables as other tools write them") struct TableVariantTests {
  private static let picture = try? Picture(width: 64, height: 48).encoded(as: .png())

  private static func read(
    _ text: String, _ name: String, pictures: [String] = ["a.png"]
  ) throws -> (set: LabelSet, folder: TemporaryFolder) {
    let folder = try TemporaryFolder()
    for picture in pictures { try folder.write(#require(Self.picture), picture) }
    try folder.write(text, name)
    return (try LabelSet(path: folder.path), folder)
  }

  private static func coco(
    _ annotation: String,
    images: String = #"{"id": 1, "file_name": "a.png", "width": 64, "height": 48}"#
  ) -> String {
    """
    {"images": [\(images)], "categories": [{"id": 1, "name": "cat"}],
     "annotations": [\(annotation)]}
    """
  }

  private static func annotation(_ more: String) -> String {
    #"{"id": 1, "image_id": 1, "category_id": 1, "area": 400"# + (more.isEmpty ? "" : ", ") + more
      + "}"
  }

  private static let box = LabelBox(left: 10, top: 10, width: 20, height: 20)

  @Test(
    "ids of any kind, flat outlines, null boxes",
    arguments: [
      annotation(#""bbox": [10, 10, 20, 20]"#),
      #"{"id": "x", "image_id": "1", "category_id": "1", "bbox": [10, 10, 20, 20]}"#,
      #"{"id": 1, "image_id": 1.0, "category_id": 1, "bbox": [10, 10, 20, 20], "iscrowd": 0.0}"#,
      annotation(#""bbox": [10, 10, 20, 20], "segmentation": [10, 10, 30, 10, 30, 30, 10, 30]"#),
      annotation(#""bbox": null, "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]"#),
      annotation(#""bbox": [], "segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]"#),
      annotation(#""bbox": [10, 10, 20, 20], "segmentation": {}"#),
      annotation(#""bbox": [10, 10, 20, 20], "segmentation": null, "iscrowd": null"#),
    ])
  func kinds(_ annotation: String) throws {
    let set = try Self.read(Self.coco(annotation), "instances.json").set
    #expect(set.problems.isEmpty && set.check().isEmpty, "\(set.problems)")
    #expect(set.pictures[0].objects.map(\.box) == [Self.box])
    if annotation.contains("[10, 10, 30") {
      #expect(
        set.pictures[0].objects[0].shape == .polygons([[10, 10, 30, 10, 30, 30, 10, 30]]))
    }
  }

  @Test("text ids join pictures, classes and results, and are not written as numbers")
  func textIDs() throws {
    let images = ["a", "b"].map {
      #"{"id": "\#($0)-0", "file_name": "\#($0).png", "width": 64, "height": 48}"#
    }.joined(separator: ",")
    let text = Self.coco(
      #"{"id": "q", "image_id": "b-0", "category_id": 1, "bbox": [10, 10, 20, 20], "area": 1}"#,
      images: images)
    let (set, folder) = try Self.read(text, "instances.json", pictures: ["a.png", "b.png"])
    #expect(set.problems.isEmpty && set.pictures.map(\.objects.count) == [0, 1])
    try folder.write(
      #"[{"image_id": "b-0", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]"#, "r.json")
    let found = try DetectionFiles(folder.path + "/r.json", of: set)
    #expect(found.objects.map(\.count) == [0, 1] && found.strays == 0)
    try set.write(to: folder.path + "/out", as: .coco)
    #expect(try LabelSet(path: folder.path + "/out").pictures.map(\.id) == [1, 2])
  }

  @Test(
    "a degenerate outline goes and the box stays, with a warning",
    arguments: [
      ("[[]]", 0, "0 numbers"), ("[[10, 10, 30, 30]]", 0, "4 numbers"),
      ("[[10, 10, 30, 10, 30, 30, 5]]", 0, "7 numbers"),
      ("[[10, 10, 30, 10, 30, 30], [12, 12]]", 1, "2 numbers"),
      (#"{"size": [40, 60], "counts": [0, 2400]}"#, 0, "mask of 60x40"),
    ])
  func outlines(_ segmentation: String, _ parts: Int, _ message: String) throws {
    let text = Self.coco(
      Self.annotation(#""bbox": [10, 10, 20, 20], "segmentation": \#(segmentation)"#))
    var set = try Self.read(text, "instances.json").set
    #expect(set.problems.map(\.severity) == [.warning] && set.check().isEmpty)
    #expect(set.problems[0].message.contains(message))
    let left = set.removeBad()
    #expect(left.pictures == 0 && left.objects == 0)
    let object = try #require(set.pictures[0].objects.first)
    #expect(object.box == Self.box)
    let shape: LabeledObject.Shape = parts == 0 ? .box : .polygons([[10, 10, 30, 10, 30, 30]])
    #expect(object.shape == shape)
  }

  @Test(
    "what is wrong with an entry is named with its key, and the others are read",
    arguments: [
      (#"{"id": 2, "image_id": {}, "category_id": 1}"#, "'image_id': expected an integer"),
      (#"{"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2]}"#, "a bbox has 4 numbers"),
      (#"{"id": 2, "image_id": 1, "category_id": 1, "bbox": "x"}"#, "'bbox': expected an array"),
      (
        #"{"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": NaN}"#,
        "'area': expected a number, got NaN"
      ),
      (#"{"id": 1, "image_id": 1, "category_id": 1}"#, "annotation id 1 is there twice"),
      (#"{"id": 2, "image_id": 77, "category_id": 1, "bbox": [1, 2, 3, 4]}"#, "picture 77"),
      (#"{"id": 2, "image_id": 1, "category_id": 1}"#, "neither 'bbox' nor 'segmentation'"),
    ])
  func keys(_ entry: String, _ message: String) throws {
    let text = Self.coco(Self.annotation(#""bbox": [10, 10, 20, 20]"#) + ",\n" + entry)
    var set = try Self.read(text, "instances.json").set
    let errors = set.problems.filter(\.isError)
    #expect(errors.count == 1 && errors[0].message.contains(message), "\(errors)")
    set.removeBad()
    #expect(set.pictures[0].objects.first?.box == Self.box)
  }

  @Test(
    "pictures named with backslashes, or by where they once lay",
    arguments: ["images\\\\a.png", "..\\\\..\\\\upload\\\\4\\\\a.png", "/data/upload/4/a.png"])
  func places(_ name: String) throws {
    let text = Self.coco(
      Self.annotation(#""bbox": [10, 10, 20, 20]"#),
      images: #"{"id": 1, "file_name": "\#(name)", "width": 64, "height": 48}"#)
    let set = try Self.read(text, "result.json", pictures: ["images/a.png"]).set
    #expect(set.problems.filter(\.isError).isEmpty, "\(set.problems)")
    #expect(set.pictures[0].path.hasSuffix("/images/a.png"))
    #expect(set.problems.isEmpty == name.hasPrefix("images"))
  }

  // MARK: Tables

  @Test(
    "columns by any of their names, cells by any of their separators",
    arguments: [
      "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,64,48,cat,10,10,30,30\n",
      "filename;width;height;class;xmin;ymin;xmax;ymax\na.png;64;48;cat;10;10,0;30;30\n",
      "filename\tclass\txmin\tymin\txmax\tymax\na.png\tcat\t10\t10\t30\t30\n",
      "\u{FEFF}path,x1,y1,x2,y2,class_name\r\n.\\a.png,10,10,30,30,cat\r\n",
      "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
        + "a,x,cat,1,0.15625,0.46875,0.208333333333,0.625\n",
      "filename, class, x_min, y_min, x_max, y_max\na.png, cat, 10, 10, 30, 30\n",
    ])
  func columns(_ text: String) throws {
    let set = try Self.read(text, "labels.csv").set
    #expect(set.problems.filter(\.isError).isEmpty, "\(set.problems)")
    #expect(set.classNames == ["cat"])
    let box = try #require(set.pictures[0].objects.first).box
    for (side, wanted) in zip([box.left, box.top, box.right, box.bottom], [10, 10, 30, 30.0]) {
      #expect(abs(side - wanted) < 1e-6, "\(box)")
    }
    #expect(
      set.problems.contains { $0.message.hasPrefix("all corners are 0...1") }
        == text.contains("0.15625"))
  }

  @Test(
    "a column that is missing is named",
    arguments: [
      ("filename,class,xmin,ymin,width,height\n", "no column xmax or x2, none ymax or y2; found: "),
      ("filename,xmin,ymin,xmax,ymax\n", "no column class or label; found: filename, xmin"),
      (
        "a.png,10,10,30,30,cat\n",
        "no column filename or img_name, none class or label; found: a.png"
      ),
    ])
  func missing(_ header: String, _ message: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(header + "a.png,cat,1,2,3,4\n", "labels.csv")
    let error = #expect(throws: DatasetError.self) {
      try LabelSet(path: folder.path + "/labels.csv", format: .csv)
    }
    #expect("\(try #require(error))".contains(message), "\(String(describing: error))")
    let told = #expect(throws: DatasetError.self) { try LabelSet(path: folder.path) }
    #expect("\(try #require(told))".contains(message), "\(String(describing: told))")
  }

  @Test("tables of splits beside a table of none, and one that is no table of labels")
  func tables() throws {
    let folder = try TemporaryFolder()
    let head = "filename,class,xmin,ymin,xmax,ymax\n"
    for place in ["", "valid/", "fold1/"] {
      try folder.write(#require(Self.picture), place + "a.png")
      try folder.write(head + "a.png,cat,1,2,3,4\n", place + "_annotations.csv")
    }
    try folder.write("id,what\n1,2\n", "fold1/meta.csv")
    let set = try LabelSet(path: folder.path)
    #expect(set.pictures.map(\.split) == [nil, "fold1", "val"])
    #expect(set.problems.count == 1 && set.problems[0].file.hasSuffix("fold1/meta.csv"))
    #expect(set.problems[0].message.contains("is no table of labels, left out"))
  }
}
