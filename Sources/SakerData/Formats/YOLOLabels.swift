/// `kpt_shape` of a data YAML: how many key points an object has, and the numbers of each.
struct YOLOKeyPoints: Hashable, Sendable {
  var count: Int
  /// 2: x, y. 3: x, y, visibility.
  var numbers: Int

  /// What stands behind the class: the box and the points.
  var rowLength: Int { 4 + count * numbers }
}

/// The rows of YOLO's label files: `class cx cy w h`, `class x1 y1 x2 y2 x3 y3 ...`, or, of poses,
/// `class cx cy w h` and key points; in fractions of the picture.
enum YOLOLabels {
  struct Parsed: Sendable {
    /// Rows that are longer than a box have all their numbers as one outline until `decide` has
    /// seen the whole set.
    var objects: [LabeledObject] = []
    var problems: [DataProblem] = []
    var hasLongRows = false
  }

  /// `nil` if there is no such file: the picture is a background.
  static func parse(file: String, _ reader: inout FileReader) -> Parsed? {
    do throws(FileBytes.Failure) {
      return try reader.withBytes(of: file) { parse($0, file) }
    } catch {
      if error.reason == FileBytes.Failure.missing { return nil }
      return Parsed(problems: [DataProblem(.error, file: file, error.reason)])
    }
  }

  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ file: String) -> Parsed {
    var parsed = Parsed()
    var values: [Double] = []
    values.reserveCapacity(6)
    // A line takes 30 bytes or so; a wrong guess costs a copy.
    parsed.objects.reserveCapacity(min(bytes.count / 24, 1024))
    func report(_ line: Int, _ message: String) {
      if parsed.problems.count < 1000 {
        parsed.problems.append(DataProblem(.error, file: file, line: line, message))
      }
    }
    ByteText.forEachLine(bytes) { line, text in
      guard !text.isEmpty else { return }
      values.removeAll(keepingCapacity: true)
      var bad = false
      ByteText.forEachWord(text) { word in
        guard !bad else { return }
        guard let value = ByteText.double(word) else {
          report(line, "\(ByteText.shown(word)) is no number")
          bad = true
          return
        }
        values.append(value)
      }
      guard !bad else { return }
      let label = values[0]
      guard label >= 0, label < 1e6, label == label.rounded() else {
        report(line, "the class is a whole number from 0, got \(label)")
        return
      }
      var object = LabeledObject(
        label: Int(label), box: LabelBox(left: 0, top: 0, width: 0, height: 0),
        line: Int32(clamping: line))
      switch values.count {
      case 5, 6:
        object.box = box(values[1...])
        if values.count == 6 { object.score = values[5] }
      case 7...:
        object.shape = .polygons([Array(values[1...])])
        if values.count % 2 == 1 { object.box = LabelBox(around: values[1...]) }
        parsed.hasLongRows = true
      default:
        report(line, "expected \(expected), got \(values.count) numbers")
        return
      }
      parsed.objects.append(object)
    }
    return parsed
  }

  private static let expected = "class and 4 numbers, or 3 and more points"

  private static func box(_ values: ArraySlice<Double>) -> LabelBox {
    let at = values.startIndex
    let (width, height) = (values[at + 2], values[at + 3])
    return LabelBox(
      left: values[at] - width / 2, top: values[at + 1] - height / 2, width: width, height: height)
  }

  // MARK: Outlines or key points

  /// Gives the long rows of a whole set their meaning.
  ///
  /// - Parameters:
  ///   - shape: `kpt_shape`, where a YAML states it; else it is guessed from all rows.
  ///   - root: stands for the set in messages.
  static func decide(
    _ pictures: inout [LabeledPicture], _ shape: YOLOKeyPoints?, root: String
  ) -> [DataProblem] {
    var problems: [DataProblem] = []
    var guess = shape
    if shape == nil {
      guess = guessed(pictures)
      if let guess {
        problems.append(
          DataProblem(
            .warning, file: root,
            "rows of \(guess.rowLength + 1) numbers are taken for a box and \(guess.count) key points of "
              + "\(guess.numbers) numbers, by their values; a data YAML with kpt_shape: "
              + "[\(guess.count), \(guess.numbers)] says so for certain",
            isGuess: true))
      }
    }
    for i in pictures.indices {
      var bad: Set<Int> = []
      for k in pictures[i].objects.indices {
        guard case .polygons(let parts) = pictures[i].objects[k].shape, let row = parts.first else {
          continue
        }
        if let problem = give(row, &pictures[i].objects[k], guess, isStated: shape != nil) {
          bad.insert(k)
          if bad.count < 1000 {
            problems.append(
              DataProblem(
                .error, file: pictures[i].source, line: Int(pictures[i].objects[k].line), problem))
          }
        }
      }
      if !bad.isEmpty {
        let objects = pictures[i].objects
        pictures[i].objects = objects.indices.filter { !bad.contains($0) }.map { objects[$0] }
      }
    }
    return problems
  }

  /// - Returns: what is wrong with the row.
  private static func give(
    _ row: [Double], _ object: inout LabeledObject, _ shape: YOLOKeyPoints?, isStated: Bool
  ) -> String? {
    // Predictions have a score behind the points.
    if let shape, [shape.rowLength, shape.rowLength + 1].contains(row.count) {
      object.shape = .box
      object.box = box(row[...])
      if row.count > shape.rowLength { object.score = row[shape.rowLength] }
      for at in stride(from: 4, to: shape.rowLength, by: shape.numbers) {
        var point = LabeledObject.KeyPoint(x: row[at], y: row[at + 1])
        if shape.numbers == 3 {
          guard [0, 1, 2].contains(row[at + 2]) else {
            return "the visibility of a key point is 0, 1 or 2, got \(row[at + 2])"
          }
          point.visibility = Int(row[at + 2])
        } else if point.x == 0, point.y == 0 {
          // Without a number for it, 0, 0 stands for a point that is not marked.
          point.visibility = 0
        }
        object.keyPoints.append(point)
      }
      return nil
    }
    if let shape, isStated {
      return
        "expected class, box and \(shape.count) key points of \(shape.numbers) (\(shape.rowLength + 1) numbers, "
        + "by kpt_shape), got \(row.count + 1)"
    }
    return row.count % 2 == 0 ? nil : "expected \(expected), got \(row.count + 1) numbers"
  }

  /// Key points if the long rows of a set cannot well be outlines: all of one length, and either
  /// every third number behind the box is a visibility, or the points fill the box, whose centre
  /// would be no corner of them.
  private static func guessed(_ pictures: [LabeledPicture]) -> YOLOKeyPoints? {
    var length: Int?
    var (rows, flagged, filling) = (0, 0, 0)
    for picture in pictures {
      for object in picture.objects {
        guard case .polygons(let parts) = object.shape, let row = parts.first else { continue }
        if let length, length != row.count { return nil }
        length = row.count
        rows += 1
        if hasVisibilities(row) { flagged += 1 }
        if fillsItsBox(row) { filling += 1 }
      }
    }
    guard let length, length > 4, rows > 0 else { return nil }
    if flagged == rows { return YOLOKeyPoints(count: (length - 4) / 3, numbers: 3) }
    // Nine in ten, as a point may well be marked outside its box.
    return filling * 10 >= rows * 9 ? YOLOKeyPoints(count: (length - 4) / 2, numbers: 2) : nil
  }

  private static func hasVisibilities(_ row: [Double]) -> Bool {
    guard (row.count - 4) % 3 == 0 else { return false }
    return stride(from: 6, to: row.count, by: 3).allSatisfy { [0, 1, 2].contains(row[$0]) }
      && fillsItsBox(row, numbers: 3)
  }

  /// Whether the points behind the first four numbers lie in the box that these would be and span
  /// at least 0.4 of it, around its middle. The first point of an outline lies on its border
  /// instead.
  private static func fillsItsBox(_ row: [Double], numbers: Int = 2) -> Bool {
    guard (row.count - 4) % numbers == 0 else { return false }
    let points = stride(from: 4, to: row.count, by: numbers).filter { at in
      numbers == 3 ? row[at + 2] > 0 : row[at] != 0 || row[at + 1] != 0
    }
    // Of an object all of whose points are hidden, the box alone tells.
    guard points.count > 1 else { return numbers == 3 && row[2] > 0 && row[3] > 0 }
    let around = LabelBox(around: points.flatMap { [row[$0], row[$0 + 1]] })
    let (width, height) = (row[2], row[3])
    guard width > 0, height > 0 else { return false }
    func fits(_ center: Double, _ size: Double, _ low: Double, _ high: Double) -> Bool {
      let slack = 0.05 * size
      return low >= center - size / 2 - slack && high <= center + size / 2 + slack
        && high - low >= 0.4 * size && abs((low + high) / 2 - center) <= 0.3 * (high - low)
    }
    if numbers == 3 {
      // Visibilities are told by themselves; the box needs only to be near.
      return around.left < row[0] + width && around.right > row[0] - width
        && around.top < row[1] + height && around.bottom > row[1] - height
    }
    return fits(row[0], width, around.left, around.right)
      && fits(row[1], height, around.top, around.bottom)
  }
}
