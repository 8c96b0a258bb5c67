/// What a detector found, read from files beside the truths of a labelled set: a CSV table with scores, COCO's results, a
/// text file a picture, or the Pascal VOC devkit's file a class.
public struct DetectionFiles: Sendable {
  /// What the numbers of a line in a picture's text file are.
  public enum LineForm: String, CaseIterable, Codable, Sendable {
    /// `class score left top right bottom`, pixels.
    case corners
    /// `class score left top width height`, pixels.
    case size
    /// `class score x y width height` of the centre, as shares of the picture.
    case center
    /// `class x y width height score` of the centre, as shares of the picture: YOLO's `--save-txt --save-conf`.
    case yolo
  }

  /// Of each of the truths' pictures, in their order.
  public private(set) var objects: [[LabeledObject]]
  /// The truths' classes, then those that were only found.
  public private(set) var classes: [LabelClass]
  /// Detections in pictures that the truths don't have; they are left out.
  public private(set) var strays = 0

  private var labels: ClassTable
  private var places: [String: Int] = [:]
  private let truths: LabelSet

  /// - Parameters:
  ///   - path: a `.csv` table, a `.json` list of COCO's results, or a folder of text files.
  ///   - form: of lines in text files; told from truths and numbers if left out.
  /// - Throws: `DatasetError` or `COCOReadingError` with file and line of everything that is wrong.
  public init(_ path: String, of truths: LabelSet, form: LineForm? = nil) throws {
    let path = PathName.trimmed(path)
    self.truths = truths
    objects = Array(repeating: [], count: truths.pictures.count)
    classes = truths.classes
    labels = ClassTable(truths.classNames)
    for (index, picture) in truths.pictures.enumerated() {
      // Whole names win over names without their ending.
      places[picture.file] = index
      places[PathName.last(picture.file)] = places[PathName.last(picture.file)] ?? index
      places[picture.name] = places[picture.name] ?? index
    }
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    if FileBytes.isFolder(path) {
      try readFolder(path, form)
    } else {
      switch PathName.ending(path) {
      case "csv": try readTable(path)
      case "json": try readResults(path)
      default:
        throw LabelFolder.failure(
          path, "expected a .csv table, COCO's results in .json, or a folder of text files")
      }
    }
    // A class that was only found has a name and nothing else.
    classes += labels.names.dropFirst(classes.count).map { LabelClass($0) }
  }

  /// A label for a name, or for a number where no class is called so.
  private mutating func label(_ text: String) -> Int? {
    guard let number = Int(text), !labels.names.contains(text) else { return labels[text] }
    return truths.classes.indices.contains(number) ? number : nil
  }

  // MARK: Files

  private mutating func readTable(_ path: String) throws {
    var reading = LabelReading(pictures: .unread)
    reading.classes = truths.classNames
    let table = try LabelSet(path: path, format: .csv, reading)
    let errors = table.problems.filter { $0.severity == .error }
    guard errors.isEmpty else { throw DatasetError.problems(errors) }
    for picture in table.pictures {
      for var object in picture.objects {
        guard let score = object.score else {
          throw LabelFolder.failure(path, line: Int(object.line), "has no score")
        }
        guard score.isFinite else {
          throw LabelFolder.failure(path, line: Int(object.line), "the score is \(score)")
        }
        guard table.classes.indices.contains(object.label) else {
          throw LabelFolder.failure(
            path, line: Int(object.line), "label \(object.label) is of no class")
        }
        object.label = labels[table.classes[object.label].name]
        add(object, to: places[picture.file] ?? places[picture.name])
      }
    }
  }

  private mutating func readResults(_ path: String) throws {
    let results = try COCODetection.read(file: path, segmentations: false)
    var (pictures, categories): ([Int: Int], [Int: Int]) = ([:], [:])
    for (index, picture) in truths.pictures.enumerated() {
      if let id = picture.id { pictures[id] = index }
    }
    for (index, known) in truths.classes.enumerated() {
      if let id = known.id { categories[id] = index }
    }
    guard !pictures.isEmpty, !categories.isEmpty else {
      throw LabelFolder.failure(
        path, "names pictures and classes by number, and the ground truth has no such numbers")
    }
    for (number, result) in results.enumerated() {
      guard let box = result.box else {
        throw LabelFolder.failure(path, "detection \(number + 1) has no 'bbox'")
      }
      let label = categories[result.categoryID] ?? labels["category \(result.categoryID)"]
      add(
        LabeledObject(label: label, box: LabelBox(box), score: result.score),
        to: pictures[result.imageID])
    }
  }

  private mutating func add(_ object: LabeledObject, to place: Int?) {
    guard let place else {
      strays += 1
      return
    }
    objects[place].append(object)
  }

  // MARK: Text

  private mutating func readFolder(_ path: String, _ form: LineForm?) throws {
    var folder = LabelFolder(path)
    let files = LabelFolder.names(path).filter {
      PathName.ending($0) == "txt" && $0 != "classes.txt"
    }
    guard !files.isEmpty else { throw LabelFolder.failure(path, "holds no text files (*.txt)") }
    for file in files {
      let stem = PathName.stem(file)
      guard let lines = folder.lines(path + "/" + file) else { continue }
      if places[stem] == nil, let name = devkitClass(stem) {
        readDevkit(lines, path + "/" + file, labels[name], &folder)
      } else {
        let place = places[stem]
        let picture = place.map { truths.pictures[$0] }
        for (line, text) in lines {
          do throws(TextBox.Problem) {
            let row = try TextBox(text, hasScore: true, form ?? guess(text), picture?.size)
            guard let label = label(row.name) else {
              throw TextBox.Problem("class \(ByteText.shown(row.name)) is of no class")
            }
            var object = row.object
            (object.label, object.line) = (label, Int32(clamping: line))
            add(object, to: place)
          } catch {
            folder.report(path + "/" + file, line: line, error.reason)
          }
        }
      }
    }
    guard folder.problems.isEmpty else { throw DatasetError.problems(folder.problems) }
  }

  /// YOLO's lines by their numbers; everything else is corners.
  private func guess(_ text: String) -> LineForm {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 6, Int(words[0]) != nil,
      words.dropFirst().allSatisfy({ Double($0).map { (0...1).contains($0) } ?? false })
    else { return .corners }
    return .yolo
  }

  /// The class of a devkit's file: `comp4_det_val_cat.txt`, or just `cat.txt`.
  private func devkitClass(_ stem: String) -> String? {
    truths.classNames.first { stem == $0 || stem.contains("_det_") && stem.hasSuffix("_" + $0) }
  }

  /// `picture score left top right bottom`, corners inclusive and counted from 1, as in VOC's annotations.
  private mutating func readDevkit(
    _ lines: [(line: Int, text: String)], _ file: String, _ label: Int, _ folder: inout LabelFolder
  ) {
    for (line, text) in lines {
      do {
        let row = try TextBox(text, hasScore: true, .corners, nil)
        var object = row.object
        (object.label, object.line) = (label, Int32(clamping: line))
        object.box = LabelBox(
          left: object.box.left - 1, top: object.box.top - 1, right: object.box.right,
          bottom: object.box.bottom)
        add(object, to: places[row.name])
      } catch {
        folder.report(file, line: line, error.reason)
      }
    }
  }
}

extension LabelSet {
  /// Truths as text, a file a picture with lines `class left top right bottom [difficult]`; other forms as
  /// `DetectionFiles` has them, without the score.
  ///
  /// - Throws: `DatasetError` with file and line of everything that is wrong; shares of a picture's size cannot be read, as
  ///   no size is known.
  public init(
    textBoxes path: String, classes: [String]? = nil, form: DetectionFiles.LineForm = .corners
  ) throws {
    let path = PathName.trimmed(path)
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    var table = ClassTable(classes)
    self.init()
    let files = LabelFolder.names(path).filter {
      PathName.ending($0) == "txt" && $0 != "classes.txt"
    }
    guard !files.isEmpty else { throw LabelFolder.failure(path, "holds no text files (*.txt)") }
    for file in files {
      var picture = LabeledPicture(
        file: PathName.stem(file), path: "", source: path + "/" + file)
      for (line, text) in folder.lines(path + "/" + file) ?? [] {
        do {
          let row = try TextBox(text, hasScore: false, form, nil)
          var object = row.object
          (object.label, object.line) = (table[row.name], Int32(clamping: line))
          picture.objects.append(object)
        } catch {
          folder.report(picture.source, line: line, error.reason)
        }
      }
      pictures.append(picture)
    }
    guard folder.problems.isEmpty else { throw DatasetError.problems(folder.problems) }
    self.classes = table.names.map { LabelClass($0) }
  }
}

/// One line of a text file with boxes.
private struct TextBox {
  struct Problem: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// A class, or in the devkit's files a picture.
  var name: String
  var object: LabeledObject

  init(
    _ text: String, hasScore: Bool, _ form: DetectionFiles.LineForm, _ size: PictureSize?
  ) throws(Problem) {
    var words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    let isDifficult = !hasScore && words.last == "difficult"
    if isDifficult { words.removeLast() }
    let count = hasScore ? 5 : 4
    guard words.count > count else {
      throw Problem("expected a name and \(count) numbers, got \(ByteText.shown(text))")
    }
    // Names may have spaces.
    name = words.dropLast(count).joined(separator: " ")
    var numbers: [Double] = []
    for word in words.suffix(count) {
      guard let number = Double(word), number.isFinite else {
        throw Problem("\(ByteText.shown(word)) is no number")
      }
      numbers.append(number)
    }
    var score: Double?
    if hasScore { score = form == .yolo ? numbers.removeLast() : numbers.removeFirst() }
    let (a, b, c, d) = (numbers[0], numbers[1], numbers[2], numbers[3])
    let box: LabelBox
    switch form {
    case .corners: box = LabelBox(left: a, top: b, right: c, bottom: d)
    case .size: box = LabelBox(left: a, top: b, width: c, height: d)
    case .center, .yolo:
      guard let size else {
        throw Problem("has shares of a picture whose size is not known")
      }
      let (w, h) = (Double(size.width), Double(size.height))
      box = LabelBox(left: (a - c / 2) * w, top: (b - d / 2) * h, width: c * w, height: d * h)
    }
    object = LabeledObject(label: 0, box: box, score: score)
    if isDifficult { object.flags.insert(.difficult) }
  }
}
