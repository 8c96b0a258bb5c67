/// A classifier's scores in a CSV table: a row a picture, a column a class, and maybe the true
/// class.
///
/// The header names the columns: `picture` (or `filename`, `file`, `image`, `path`), `truth` (or
/// `label`, `class`, `target`), every other one a class.
public struct ClassScores: Sendable {
  /// In the order of columns.
  public let classNames: [String]
  /// Names of the pictures; their numbers where there is no such column.
  public let pictures: [String]
  /// Labels of the true classes.
  public let truths: [Int]
  /// `[pictures][classes]`
  public let scores: [[Double]]

  private static let pictureColumns: Set = ["picture", "filename", "file", "image", "path"]
  private static let truthColumns: Set = ["truth", "label", "class", "target"]

  /// - Parameter truths: pictures sorted into classes, for a table without true classes.
  /// - Throws: `DatasetError` with file and line of everything that is wrong.
  public init(_ file: String, truths known: LabelSet? = nil) throws {
    var folder = LabelFolder(file)
    guard let lines = folder.lines(file) else { throw DatasetError.problems(folder.problems) }
    guard let head = lines.first else { throw LabelFolder.failure(file, "is empty") }
    let header = CSVLabels.split(head.text)
    let picture = header.firstIndex { Self.pictureColumns.contains($0.lowercased()) }
    let truth = header.firstIndex { Self.truthColumns.contains($0.lowercased()) }
    let columns = header.indices.filter { $0 != picture && $0 != truth }
    let names = columns.map { header[$0] }
    guard names.count > 1, Set(names).count == names.count else {
      throw LabelFolder.failure(
        file, line: head.line, "expected a column for each of two or more classes, each once")
    }
    guard truth != nil || picture != nil && known != nil else {
      throw LabelFolder.failure(
        file, line: head.line,
        "has no column 'truth': expected one, or pictures' names and a ground truth")
    }
    let labels = Dictionary(zip(names, names.indices)) { first, _ in first }
    let places = try known.map { try Self.places($0, labels, file) } ?? [:]
    var (pictures, truths, scores): ([String], [Int], [[Double]]) = ([], [], [])
    for (line, text) in lines.dropFirst() {
      let cells = CSVLabels.split(text)
      guard cells.count == header.count else {
        folder.report(file, line: line, "expected \(header.count) columns, got \(cells.count)")
        continue
      }
      let name = picture.map { cells[$0] } ?? "\(pictures.count + 1)"
      let label: Int?
      if let truth {
        let number = Int(cells[truth]).flatMap { names.indices.contains($0) ? $0 : nil }
        label = labels[cells[truth]] ?? number
      } else {
        label =
          places[name] ?? places[PathName.last(name)] ?? places[PathName.stem(PathName.last(name))]
      }
      let row = columns.map { DecimalNumber.parse(cells[$0]) }
      guard let label else {
        let problem = truth.map { "\(ByteText.shown(cells[$0])) is no class of the header" }
        folder.report(
          file, line: line,
          problem ?? "the ground truth has no picture \(ByteText.shown(name))")
        continue
      }
      if let bad = row.firstIndex(of: nil) {
        folder.report(
          file, line: line,
          "the score of \(ByteText.shown(names[bad])) is no number: "
            + ByteText.shown(cells[columns[bad]]))
        continue
      }
      pictures.append(name)
      truths.append(label)
      scores.append(row.compactMap { $0 })
    }
    guard folder.problems.isEmpty else { throw DatasetError.problems(folder.problems) }
    guard !pictures.isEmpty else { throw LabelFolder.failure(file, "has a header and no rows") }
    (classNames, self.pictures, self.truths, self.scores) = (names, pictures, truths, scores)
  }

  /// The label of each picture of a set, by the table's classes, under its whole name, its last
  /// part and its stem.
  private static func places(
    _ set: LabelSet, _ labels: [String: Int], _ file: String
  ) throws -> [String: Int] {
    var places: [String: Int] = [:]
    for picture in set.pictures {
      guard let own = picture.label else { continue }
      guard let label = labels[set.classes[own].name] else {
        throw LabelFolder.failure(file, "has no column for the class \(set.classes[own].name)")
      }
      for name in [picture.file, PathName.last(picture.file), picture.name] {
        places[name] = places[name] ?? label
      }
    }
    return places
  }
}
