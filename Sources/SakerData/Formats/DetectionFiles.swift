/// What a detector found, read from files beside the truths of a labelled set: a CSV table with
/// scores, COCO's results, a text file a picture, or the Pascal VOC devkit's file a class.
public struct DetectionFiles: Sendable {
  /// Of each of the truths' pictures, in their order.
  public private(set) var objects: [[LabeledObject]]
  /// The truths' classes, then those that were only found.
  public private(set) var classes: [LabelClass]
  /// Detections in pictures that the truths don't have; they are left out.
  public private(set) var strays = 0
  /// What was told from the numbers.
  public private(set) var guesses: [Guess] = []

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

  // MARK: Files

  private mutating func readTable(_ path: String) throws {
    var reading = LabelReading(pictures: .unread)
    reading.classes = truths.classNames
    let table = try LabelSet(path: path, format: .csv, reading)
    let errors = table.problems.filter { $0.severity == .error }
    guard errors.isEmpty else { throw DatasetError.problems(errors) }
    if let shares = table.problems.first(where: { $0.message.hasPrefix("all corners are 0...1") }) {
      guesses.append(
        Guess(what: "boxes", taken: "shares", reason: "\(shares.file): \(shares.message)"))
    }
    for picture in table.pictures {
      let place = places[picture.file] ?? places[picture.name]
      for var object in picture.objects {
        if table.hasFractions(picture), let place {
          guard let size = sizes(of: [place])[place] else {
            throw LabelFolder.failure(
              path, line: Int(object.line), "has shares of a picture whose size is not known")
          }
          object = object.scaled(x: Double(size.width), y: Double(size.height))
        }
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
        guard object.box.width >= 0, object.box.height >= 0 else {
          throw LabelFolder.failure(
            path, line: Int(object.line),
            "the box is inverted: \(LabelSet().shown(object.box, false))")
        }
        object.label = labels[table.classes[object.label].name]
        add(object, to: place)
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
    var found: [DetectionLine] = []
    for file in files {
      let stem = PathName.stem(file)
      let whole = path + "/" + file
      guard let lines = folder.lines(whole) else { continue }
      if places[stem] == nil, let name = devkitClass(stem) {
        readDevkit(lines, whole, labels[name], &folder)
        continue
      }
      for (line, text) in lines {
        do throws(TextBox.Problem) {
          let (name, numbers) = try TextBox.words(text, count: 5)
          found.append(
            DetectionLine(
              file: whole, line: line, place: places[stem], name: name, numbers: numbers))
        } catch {
          folder.report(whole, line: line, error.reason)
        }
      }
    }
    guard folder.problems.isEmpty else { throw DatasetError.problems(folder.problems) }
    try add(found, path, form)
  }

  /// Lines become objects once all of them have told what they are.
  private mutating func add(_ lines: [DetectionLine], _ path: String, _ form: LineForm?) throws {
    guard !lines.isEmpty else { return }
    let sizes = sizes(of: Set(lines.compactMap(\.place)))
    let classOf = try classes(of: lines)
    var chosen = form
    if chosen == nil {
      let (told, guess) = try LineFormGuess(lines, truths, sizes: sizes).form(path)
      chosen = told
      guesses.append(guess)
    }
    guard let form = chosen else { return }
    var folder = LabelFolder(path)
    for line in lines {
      guard let place = line.place else {
        strays += 1
        continue
      }
      guard let box = line.box(form, sizes[place]) else {
        folder.report(
          line.file, line: line.line, "has shares of a picture whose size is not known")
        continue
      }
      guard box.width >= 0, box.height >= 0 else {
        folder.report(
          line.file, line: line.line,
          "as \(form.rawValue) the box is inverted: \(LabelSet().shown(box, false))")
        continue
      }
      objects[place].append(
        LabeledObject(
          label: classOf[line.name]!, box: box, score: line.score(form),
          line: Int32(clamping: line.line)))
    }
    guard folder.problems.isEmpty else { throw DatasetError.problems(folder.problems) }
  }

  /// The label of each word that stands for a class: names, or numbers from 0 where no class is
  /// called so; not both.
  private mutating func classes(of lines: [DetectionLine]) throws -> [String: Int] {
    let known = Set(truths.classNames)
    let numbered = lines.first { Int($0.name) != nil && !known.contains($0.name) }
    guard let numbered else {
      return lines.reduce(into: [:]) { found, line in
        if found[line.name] == nil { found[line.name] = labels[line.name] }
      }
    }
    if let named = lines.first(where: { Int($0.name) == nil }) {
      throw LabelFolder.failure(
        numbered.file, line: numbered.line,
        "has the class \(ByteText.shown(numbered.name)), a number, but \(named.file):\(named.line) "
          + "has \(ByteText.shown(named.name)), a name; expected one or the other")
    }
    var (found, problems): ([String: Int], [DataProblem]) = ([:], [])
    for line in lines where found[line.name] == nil {
      guard let number = Int(line.name), truths.classes.indices.contains(number) else {
        problems.append(
          DataProblem(
            .error, file: line.file, line: line.line,
            "class \(ByteText.shown(line.name)) is of no class; numbers count from 0 to "
              + "\(truths.classes.count - 1)"))
        continue
      }
      found[line.name] = number
    }
    guard problems.isEmpty else { throw DatasetError.problems(problems) }
    let shown = truths.classNames.prefix(3).enumerated()
      .map { "\($0) is \(ByteText.shown($1))" }.joined(separator: ", ")
    guesses.append(
      Guess(
        what: "classes", taken: "numbers",
        reason: "classes are taken as numbers from 0 in the ground truth's order: \(shown)"
          + (truths.classes.count > 3 ? ", ..." : "")))
    return found
  }

  /// Sizes of the truths' pictures, as the truths state them, else as the pictures' files have
  /// them.
  private func sizes(of places: Set<Int>) -> [Int: PictureSize] {
    places.reduce(into: [:]) { sizes, place in
      let picture = truths.pictures[place]
      sizes[place] =
        picture.size
        ?? (picture.path.isEmpty ? nil : (try? Picture.header(ofFile: picture.path))?.size)
    }
  }

  /// The class of a devkit's file: `comp4_det_val_cat.txt`, or just `cat.txt`.
  private func devkitClass(_ stem: String) -> String? {
    truths.classNames.first { stem == $0 || stem.contains("_det_") && stem.hasSuffix("_" + $0) }
  }

  /// `picture score left top right bottom`, corners inclusive and counted from 1, as in
  /// VOC's annotations.
  private mutating func readDevkit(
    _ lines: [(line: Int, text: String)], _ file: String, _ label: Int, _ folder: inout LabelFolder
  ) {
    for (line, text) in lines {
      do throws(TextBox.Problem) {
        let (name, numbers) = try TextBox.words(text, count: 5)
        let box = LabelBox(
          left: numbers[1] - 1, top: numbers[2] - 1, right: numbers[3], bottom: numbers[4])
        guard box.width >= 0, box.height >= 0 else {
          throw TextBox.Problem("the box is inverted: \(LabelSet().shown(box, false))")
        }
        add(
          LabeledObject(label: label, box: box, score: numbers[0], line: Int32(clamping: line)),
          to: places[name])
      } catch {
        folder.report(file, line: line, error.reason)
      }
    }
  }
}

extension LabelSet {
  /// Truths as text, a file a picture with lines `class left top right bottom [difficult]`; other
  /// forms as `DetectionFiles` has them, without the score.
  ///
  /// - Throws: `DatasetError` with file and line of everything that is wrong; shares of a picture's
  ///   size cannot be read, as no size is known.
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
          var object = try TextBox.truth(text, form)
          (object.object.label, object.object.line) = (table[object.name], Int32(clamping: line))
          picture.objects.append(object.object)
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
private enum TextBox {
  struct Problem: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// A name, which may have spaces, and the numbers behind it; the name is a class, or in the
  /// devkit's files a picture.
  static func words(_ text: String, count: Int) throws(Problem) -> (
    name: String, numbers: [Double]
  ) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count > count else {
      throw Problem("expected a name and \(count) numbers, got \(ByteText.shown(text))")
    }
    var numbers: [Double] = []
    for word in words.suffix(count) {
      guard let number = DecimalNumber.parse(word) else {
        throw Problem("\(ByteText.shown(String(word))) is no number")
      }
      numbers.append(number)
    }
    return (words.dropLast(count).joined(separator: " "), numbers)
  }

  /// A truth: as a detection without the score, maybe with the word `difficult` behind.
  static func truth(_ text: String, _ form: DetectionFiles.LineForm) throws(Problem) -> (
    name: String, object: LabeledObject
  ) {
    let isDifficult = text.hasSuffix("difficult")
    let plain = isDifficult ? String(text.dropLast("difficult".count)) : text
    let (name, n) = try words(plain, count: 4)
    guard let box = form.box((n[0], n[1], n[2], n[3]), nil) else {
      throw Problem("has shares of a picture whose size is not known")
    }
    guard box.width >= 0, box.height >= 0 else {
      throw Problem("the box is inverted: \(LabelSet().shown(box, false))")
    }
    return (name, LabeledObject(label: 0, box: box, flags: isDifficult ? .difficult : []))
  }
}
