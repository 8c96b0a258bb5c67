/// TuSimple's lanes: a JSON object a line, with the x of each lane at the rows `h_samples`; -2
/// where there is none.
enum TuSimple {
  static let className = "lane"

  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    var set = LabelSet(classes: [LabelClass(reading.classes?.first ?? className)])
    var folder = LabelFolder(path)
    for (file, split) in try JSONFiles.find(path, reading, .tusimple, &folder) {
      guard let bytes = folder.read(file) else { continue }
      let base = reading.pictureFolder ?? PathName.folder(file)
      bytes.withUnsafeBufferPointer { buffer in
        ByteText.forEachLine(buffer) { line, text in
          guard !text.isEmpty else { return }
          do throws(JSONError) {
            var picture = try record(text, file)
            picture.split = split
            picture.source = file
            picture.line = Int32(clamping: line)
            for i in picture.objects.indices { picture.objects[i].line = Int32(clamping: line) }
            folder.locate(&picture, in: base, reading)
            set.pictures.append(picture)
          } catch {
            folder.report(file, line: line, "\(error.reason) (byte \(error.byte) of the line)")
          }
        }
      }
    }
    if set.pictures.isEmpty, !folder.problems.isEmpty {
      throw DatasetError.problems(folder.problems)
    }
    set.problems = folder.problems
    return set
  }

  private static func record(_ text: UnsafeBufferPointer<UInt8>, _ file: String) throws(JSONError)
    -> LabeledPicture
  {
    var cursor = JSONCursor(text, file: file)
    var (lanes, rows, name): ([[Double]], [Double], String?) = ([], [], nil)
    try cursor.enterObject()
    while let key = try cursor.nextKey() {
      if key == "lanes" {
        try cursor.enterArray()
        while try cursor.nextElement() { lanes.append(try numbers(&cursor)) }
      } else if key == "h_samples" {
        rows = try numbers(&cursor)
      } else if key == "raw_file" {
        name = try cursor.string()
      } else {
        try cursor.skip()
      }
    }
    try cursor.end()
    guard let name else { throw cursor.error("has no \"raw_file\"") }
    var picture = LabeledPicture(file: name, path: "", rows: rows)
    for lane in lanes {
      guard lane.count == rows.count else {
        throw cursor.error("a lane has \(lane.count) numbers, h_samples \(rows.count)")
      }
      var points: [Double] = []
      for (x, y) in zip(lane, rows) where x >= 0 { points += [x, y] }
      picture.objects.append(
        LabeledObject(label: 0, box: LabelBox(around: points), shape: .line(points)))
    }
    return picture
  }

  private static func numbers(_ cursor: inout JSONCursor) throws(JSONError) -> [Double] {
    var numbers: [Double] = []
    try cursor.enterArray()
    while try cursor.nextElement() { numbers.append(try cursor.double()) }
    return numbers
  }
}
