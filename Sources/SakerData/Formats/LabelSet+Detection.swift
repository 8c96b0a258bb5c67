extension DetectionDataset {
  /// Labels of any format with boxes, for a detector to learn from: boxes become single precision
  /// and are clipped to their picture. Crowds and empty boxes are left out, with a warning.
  ///
  /// - Throws: `DatasetError` with everything found when `policy` is `.strict` and there are
  ///   errors, when no picture has labels, or when nothing is left.
  public init(_ labels: LabelSet, policy: Policy = .strict) throws {
    var problems = labels.problems
    problems += labels.check().filter { $0.severity == .error }
    let bad = Set(problems.lazy.filter { $0.severity == .error }.map(\.file))
    if policy == .strict && !bad.isEmpty { throw DatasetError.problems(problems) }
    if let lack = labels.lackOfLabels { throw DatasetError.problems([lack]) }
    var (items, dropped, crowds): ([Item], Int, Int) = ([], 0, 0)
    let wrong = labels.pictures.map { picture in
      picture.path.isEmpty || picture.size == nil || bad.contains(picture.path)
        || (!picture.source.isEmpty && bad.contains(picture.source)
          && !DetectionDataset.isShared(labels.format))
    }
    for (index, picture) in labels.pictures.enumerated() where !wrong[index] {
      guard let size = picture.size else { continue }
      var item = Item(name: picture.name, picture: picture.path, size: size, annotations: [])
      item.annotations.reserveCapacity(picture.objects.count)
      var isBad = false
      var outlines: [ObjectOutline?] = []
      for object in picture.objects {
        if case .line = object.shape { continue }
        if object.flags.contains(.crowd) {
          crowds += 1
          continue
        }
        guard labels.classes.indices.contains(object.label), object.box.isFinite,
          !labels.isInverted(object)
        else {
          isBad = true
          continue
        }
        let box = object.box.box.clipped(width: Float(size.width), height: Float(size.height))
        guard box.width > 0 && box.height > 0 && !labels.hasNoArea(object) else {
          dropped += 1
          problems.append(
            DataProblem(
              .warning, file: picture.source.isEmpty ? picture.path : picture.source,
              line: object.line > 0 ? Int(object.line) : nil,
              "box of \(labels.classes[object.label].name) has no area, left out: "
                + labels.shown(object.box, picture.size == nil)))
          continue
        }
        item.annotations.append(
          Annotation(
            box: box, label: object.label, difficult: object.flags.contains(.difficult)))
        outlines.append(ObjectOutline(object))
      }
      if outlines.contains(where: { $0 != nil }) { item.outlines = outlines }
      if !isBad { items.append(item) }
    }
    if crowds > 0, let file = labels.pictures.first?.source {
      problems.append(
        DataProblem(
          .warning, file: file,
          "\(crowds) crowd\(crowds == 1 ? "" : "s") left out: a group is no object to learn from"))
    }
    guard !items.isEmpty else {
      if !problems.contains(where: { $0.severity == .error }) {
        problems.append(
          DataProblem(
            .error, file: labels.pictures.first?.source ?? "the data",
            "holds no annotated pictures"))
      }
      throw DatasetError.problems(problems)
    }
    // Files that are no picture's: lists, annotations that could not be read.
    let owned = Set(labels.pictures.flatMap { [$0.path, $0.source] })
    let others = labels.problems.count { $0.severity == .error && !owned.contains($0.file) }
    // Pictures of classes beyond those that were known are among the bad ones.
    let names = labels.classNames.prefix(labels.listedClasses ?? labels.classes.count)
    self.init(
      classes: Array(names), items: items, problems: problems,
      skipped: labels.pictures.count - items.count + others, droppedBoxes: dropped)
  }

  /// Whether one file describes many pictures, so that an error in it does not make all of them
  /// bad.
  private static func isShared(_ format: DataFormat?) -> Bool {
    switch format {
    case .coco, .createML, .csv, .tusimple: true
    default: false
    }
  }

  /// Reads detection data in any format that is known.
  ///
  /// - Parameters:
  ///   - path: a folder, or the file that holds or lists everything.
  ///   - split: one split of the data; `nil` reads everything.
  ///   - classes: their names in the order of labels; without it, the order of the files.
  /// - Throws: `DatasetError` when it cannot be read, holds no boxes, or is wrong and
  ///   `policy` is `.strict`.
  public init(
    data path: String, split: String? = nil, classes: [String]? = nil, policy: Policy = .strict
  ) throws {
    let path = PathName.trimmed(path)
    let format: DataFormat
    do {
      format = try DataFormat.detect(path)
    } catch {
      // What is no format at all is told in the words of the most usual one.
      guard FileBytes.isFolder(path) || !FileBytes.exists(path) else { throw error }
      self = try DetectionDataset(folder: path, split: split, classes: classes, policy: policy)
      return
    }
    guard format.isDetection else {
      throw LabelFolder.failure(path, "is \(format.title), which has no boxes to learn from")
    }
    var reading = LabelReading(split: split)
    reading.classes = format == .yolo || format == .labelImgYOLO ? nil : classes
    let labels = try LabelSet(path: path, format: format, reading)
    if let classes, !format.isVOC, labels.classNames != classes {
      self = try DetectionDataset(labels.renamed(to: classes, path), policy: policy)
    } else {
      self = try DetectionDataset(labels, policy: policy)
    }
  }

  /// Reads a folder in Pascal VOC's layout (`Annotations`, `JPEGImages`, `ImageSets/Main`), or a
  /// flat folder of pictures with labelImg's XML beside them. VOC's inclusive corners, counted from
  /// 1, become boxes between pixels. A picture without objects is a background. Empty boxes are
  /// left out with a warning.
  ///
  /// - Parameters:
  ///   - split: a list in `ImageSets/Main` or, in a flat folder, a folder of that name; `nil` reads
  ///     everything.
  ///   - classes: their names in the order of labels. Without it, the file `classes.txt`, else all
  ///     names found, sorted.
  /// - Throws: `DatasetError.problems` with everything found when `policy` is `.strict` and there
  ///   are errors, or when nothing is left.
  public init(
    folder: String, split: String? = nil, classes: [String]? = nil, policy: Policy = .strict,
    verification: Verification = .header
  ) throws {
    let folder = PathName.trimmed(folder)
    var reading = LabelReading(split: split, pictures: verification == .full ? .full : .header)
    reading.classes = classes
    let labels = try LabelSet(path: folder, format: VOCLayout(folder).format, reading)
    try self.init(labels, policy: policy)
  }

  /// Names of the splits that a folder of Pascal VOC's offers: lists in `ImageSets/Main`, or
  /// folders that hold annotations; sorted.
  public static func splits(ofFolder folder: String) -> [String] { VOCLayout(folder).splits }

  /// Names of the splits that data in any format offer, sorted.
  public static func splits(ofData path: String) -> [String] {
    (try? DataFormat.splits(path)) ?? splits(ofFolder: path)
  }
}

extension LabelSet {
  /// The same labels with the classes in another order; a class that is used and not among
  /// them is an error.
  func renamed(to names: [String], _ path: String) throws -> LabelSet {
    let places = Dictionary(zip(names, names.indices)) { first, _ in first }
    let map = classes.map { places[$0.name] }
    let used = countsByClass
    for (i, target) in map.enumerated() where target == nil && used[i] > 0 {
      throw LabelFolder.failure(
        path,
        "unknown class \(ByteText.shown(classes[i].name)); expected one of "
          + names.prefix(20).joined(separator: ", "))
    }
    var set = self
    for i in set.pictures.indices {
      for k in set.pictures[i].objects.indices {
        let label = set.pictures[i].objects[k].label
        if map.indices.contains(label) { set.pictures[i].objects[k].label = map[label] ?? label }
      }
    }
    let known = Dictionary(classes.map { ($0.name, $0) }) { first, _ in first }
    set.classes = names.map { known[$0] ?? LabelClass($0) }
    return set
  }
}
