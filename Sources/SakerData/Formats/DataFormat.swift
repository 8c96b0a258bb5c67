/// The file formats of labels.
public enum DataFormat: String, CaseIterable, Codable, Sendable {
  /// `Annotations/*.xml`, `JPEGImages`, `ImageSets/Main`.
  case voc
  /// Pictures with Pascal VOC's XML beside them, as labelImg saves by default.
  case labelImgVOC = "labelimg-voc"
  /// `SegmentationClass/*.png`, `SegmentationObject/*.png`, `JPEGImages`, `ImageSets/Segmentation`.
  case vocSegmentation = "voc-segmentation"
  /// `instances.json` with images, annotations, categories.
  case coco
  /// `images/` and `labels/*.txt` with a data YAML, as Ultralytics' tools read it.
  case yolo
  /// Pictures with YOLO's text and `classes.txt` beside them, as labelImg writes it.
  case labelImgYOLO = "labelimg-yolo"
  /// One JSON list, boxes by their centres in pixels.
  case createML = "createml"
  /// A table with a row an object: the notes' banana data (`img_name,label,xmin,...`), TensorFlow's
  /// (`filename,width,height,class,xmin,...`), predictions (with `score`).
  case csv
  /// The banana data's own tables: `bananas_train/label.csv` with numbers for classes,
  /// `bananas_train/images`.
  case banana
  /// A folder of pictures a class.
  case folders
  /// MNIST's files of pictures and labels, also gzipped.
  case idx
  /// `NAME.lines.txt` beside each picture, and lists of pictures.
  case culane
  /// A JSON object a line: `lanes`, `h_samples`, `raw_file`.
  case tusimple

  /// What a data set can hold besides images and class names.
  public enum Feature: String, CaseIterable, Codable, Sendable {
    case boxes, difficult, truncated, occluded, crowd, polygons, masks, lines
    case keyPoints = "key points"
    case scores, areas
    case objectIDs = "annotation ids"
    case pictureIDs = "picture ids"
    case classIDs = "class ids"
    case supercategories
    case pictureLabels = "classes of pictures"
    case splits
    case objectAttributes = "attributes of objects"
    case pictureAttributes = "attributes of pictures"
    case licenses = "info and licences"
  }

  /// What the format can hold.
  public var features: Set<Feature> {
    switch self {
    case .voc:
      [
        .boxes, .difficult, .truncated, .occluded, .splits, .objectAttributes, .pictureAttributes,
      ]
    case .labelImgVOC:
      [.boxes, .difficult, .truncated, .occluded, .splits, .objectAttributes, .pictureAttributes]
    case .vocSegmentation: [.boxes, .masks, .splits]
    case .coco:
      [
        .boxes, .crowd, .polygons, .masks, .keyPoints, .scores, .areas, .objectIDs, .pictureIDs,
        .classIDs, .supercategories, .splits, .licenses,
      ]
    case .yolo: [.boxes, .polygons, .splits, .scores]
    case .labelImgYOLO: [.boxes, .splits, .scores]
    case .createML: [.boxes, .splits]
    case .csv: [.boxes, .scores, .splits]
    case .banana: [.boxes, .splits]
    case .folders: [.pictureLabels, .splits]
    case .idx: [.pictureLabels, .splits]
    case .culane: [.lines, .splits]
    case .tusimple: [.lines, .splits]
    }
  }

  /// Whether objects are boxes that a detector can learn from.
  public var isDetection: Bool { features.contains(.boxes) }

  /// Whether boxes are Pascal VOC's: corners count pixels from 1, both inside.
  var isVOC: Bool { self == .voc || self == .labelImgVOC }

  /// In words, for people.
  public var title: String {
    switch self {
    case .voc: "Pascal VOC"
    case .labelImgVOC: "Pascal VOC's XML beside pictures (labelImg)"
    case .vocSegmentation: "Pascal VOC segmentation"
    case .coco: "COCO JSON"
    case .yolo: "YOLO text with a data YAML"
    case .labelImgYOLO: "YOLO text beside pictures (labelImg)"
    case .createML: "CreateML JSON"
    case .csv: "CSV table"
    case .banana: "CSV table of the banana data"
    case .folders: "a folder a class"
    case .idx: "IDX (MNIST)"
    case .culane: "CULane lines"
    case .tusimple: "TuSimple JSON lines"
    }
  }
}

/// How labels are read.
public struct LabelReading: Sendable {
  /// How closely pictures are looked at.
  public enum Pictures: String, Codable, Sendable {
    /// Not at all: nothing is known but what labels state.
    case unread
    /// Looked for where they should be, but not opened.
    case listed
    /// Format, size and end of the file; decoded only where that leaves a doubt.
    case header
    /// Every picture is decoded.
    case full
  }

  /// One split of the data, by any name that means it (`SplitName`); `nil` reads all of them.
  public var split: String?
  public var pictures = Pictures.header
  /// Where pictures lie, if not where the format has them.
  public var pictureFolder: String?
  /// Names of the classes in the order of labels, for formats that number them; others must
  /// not go beyond them.
  public var classes: [String]?

  public init(split: String? = nil, pictures: Pictures = .header) {
    self.split = split
    self.pictures = pictures
  }
}

extension LabelSet {
  /// Reads labels in any format.
  ///
  /// - Parameters:
  ///   - path: a folder, or the file that holds or lists everything (JSON, YAML, CSV, IDX, a list).
  ///   - format: told from what is there if left out.
  /// - Throws: `DatasetError` when nothing can be read. Files that are bad among good ones are
  ///   told in `problems`.
  public init(path: String, format: DataFormat? = nil, _ reading: LabelReading = LabelReading())
    throws
  {
    let path = PathName.trimmed(path)
    let format = try format ?? DataFormat.detect(path)
    var reading = reading
    reading.split = reading.split.map(SplitName.canonical)
    switch format {
    case .voc, .labelImgVOC: self = try PascalVOC.read(path, reading)
    case .vocSegmentation: self = try SegmentationFolder.read(path, reading)
    case .coco: self = try COCOFormat.read(path, reading)
    case .yolo: self = try YOLOFormat.read(path, reading)
    case .labelImgYOLO: self = try YOLOFormat.readFlat(path, reading)
    case .createML: self = try CreateML.read(path, reading)
    case .csv, .banana: self = try CSVLabels.read(path, reading)
    case .folders: self = try ClassFolders.read(path, reading)
    case .idx: self = try IDXFormat.read(path, reading)
    case .culane: self = try CULane.read(path, reading)
    case .tusimple: self = try TuSimple.read(path, reading)
    }
    self.format = format
    self.place = path
    self.reading = reading
    try LabelSet.finish(&self, path, reading)
  }

  /// How often each feature is used.
  public var features: [DataFormat.Feature: Int] {
    var counts: [DataFormat.Feature: Int] = [:]
    func count(_ feature: DataFormat.Feature, _ used: Bool) {
      if used { counts[feature, default: 0] += 1 }
    }
    count(.licenses, info != nil || licenses != nil)
    for entry in classes {
      count(.classIDs, entry.id != nil)
      count(.supercategories, entry.supercategory != nil)
    }
    for picture in pictures {
      count(.pictureIDs, picture.id != nil)
      count(.pictureLabels, picture.label != nil)
      count(.splits, picture.split != nil)
      count(.pictureAttributes, !picture.attributes.isEmpty)
      for object in picture.objects {
        switch object.shape {
        case .box: count(.boxes, true)
        case .polygons:
          count(.boxes, true)
          count(.polygons, true)
        case .mask:
          count(.boxes, true)
          count(.masks, true)
        case .line: count(.lines, true)
        }
        if !object.flags.isEmpty {
          count(.difficult, object.flags.contains(.difficult))
          count(.truncated, object.flags.contains(.truncated))
          count(.occluded, object.flags.contains(.occluded))
          count(.crowd, object.flags.contains(.crowd))
        }
        count(.keyPoints, !object.keyPoints.isEmpty)
        count(.scores, object.score != nil)
        count(.areas, object.area != nil)
        count(.objectIDs, object.id != nil)
        count(.objectAttributes, !object.attributes.isEmpty)
      }
    }
    return counts
  }
}
