import ArgumentParser
import Foundation
import Saker

struct DataStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Count classes, boxes and sizes.")

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "A folder for labels.jpg and labels_correlogram.jpg: classes, shapes, positions.")
  var out: String?
  @OptionGroup var source: LabelOptions

  func run() throws {
    let set = try source.read()
    let stats = DataStatistics(set)
    if let out {
      try RunFolder.make(out)
      let shapes = LabelShapes(stats)
      try shapes.overview.write(to: out + "/labels.jpg")
      try shapes.correlogram.write(to: out + "/labels_correlogram.jpg")
    }
    if json { return try printJSON(stats) }
    source.tell(set.problems)
    print(
      "\(stats.pictures) pictures, \(stats.backgrounds) without objects, \(stats.objects) objects")
    let width = max(5, stats.classes.map(\.name.count).max() ?? 0)
    func row(_ cells: [String]) {
      print(
        cells[0].padding(toLength: width, withPad: " ", startingAt: 0)
          + cells.dropFirst().map { $0.leftPadded(10) }.joined())
    }
    print("")
    row(["class", "objects", "share", "pictures"])
    let total = max(1, stats.classes.reduce(0) { $0 + max($1.objects, 0) })
    for entry in stats.classes {
      let share = String(format: "%.1f %%", 100 * Double(entry.objects) / Double(total))
      row([entry.name, "\(entry.objects)", share, "\(entry.pictures)"])
    }
    if stats.objects > 0 {
      print("")
      row(["", "least", "10 %", "median", "mean", "90 %", "most"])
      let rows: [(String, DataStatistics.Spread, String)] = [
        ("objects a picture", stats.objectsPerPicture, "%.1f"),
        ("box width", stats.boxWidth, "%.3f"), ("box height", stats.boxHeight, "%.3f"),
        ("width / height", stats.aspectRatio, "%.2f"), ("side in pixels", stats.boxSide, "%.1f"),
      ]
      for (name, spread, format) in rows {
        let values = [
          spread.least, spread.p10, spread.median, spread.mean, spread.p90, spread.most,
        ]
        print(
          name.padding(toLength: width, withPad: " ", startingAt: 0).count < name.count
            ? name : name.padding(toLength: width, withPad: " ", startingAt: 0), terminator: "")
        print(values.map { String(format: format, $0).leftPadded(10) }.joined())
      }
      print("")
      print(
        "small (below 32² pixels) \(stats.small), medium \(stats.medium), large (from 96²) "
          + "\(stats.large)")
    }
    for (name, count) in stats.marks.sorted(by: { $0.key < $1.key }) { print("\(name): \(count)") }
    let sizes = stats.sizes.prefix(5).map { "\($0.width)x\($0.height) (\($0.pictures))" }
    print("picture sizes: \(sizes.joined(separator: ", "))")
  }
}

struct DataViewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "view", abstract: "Draw a contact sheet of images with their labels.")

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "The image file to write (.png, .jpg).")
  var out = "labels.png"
  @Option(help: "Number of images.")
  var count = 12
  @Option(help: "Only images with an object of this class.")
  var of: String?
  @Option(help: "Random seed for choosing images; without it they are spread evenly over the set.")
  var seed: UInt64?
  @Option(help: "Width of an image on the sheet, in pixels.")
  var width = 360
  @OptionGroup var source: LabelOptions

  func validate() throws {
    guard (1...400).contains(count) else {
      throw ValidationError("count: expected 1...400, got \(count)")
    }
    guard (40...2000).contains(width) else {
      throw ValidationError("width: expected 40...2000, got \(width)")
    }
    guard Picture.Encoding(path: out) != nil else {
      throw ValidationError("out: expected a name that ends in .png, .jpg or .jpeg, got '\(out)'")
    }
  }

  private struct Result: Encodable {
    var picture: String
    var pictures: [String]
  }

  func run() throws {
    let set = try source.read()
    var label: Int?
    if let of {
      guard let found = set.classNames.firstIndex(of: of) else {
        throw ValidationError(
          "of: expected one of \(ByteText.list(set.classNames)), got '\(of)'")
      }
      label = found
    }
    let candidates = set.pictures.indices.filter { i in
      (!set.pictures[i].path.isEmpty || set.archive != nil)
        && (label == nil || set.pictures[i].label == label
          || set.pictures[i].objects.contains { $0.label == label })
    }
    guard !candidates.isEmpty else {
      throw DatasetError.problems(
        set.problems.isEmpty
          ? [DataProblem(.error, file: try source.path, "has no such pictures")] : set.problems)
    }
    let chosen = choose(candidates)
    var tiles: [ContactSheet.Tile] = []
    for index in chosen {
      do {
        tiles.append(try tile(set, index))
      } catch {
        note("Error: \(error)")
      }
    }
    var sheet = ContactSheet(tiles)
    sheet.tileWidth = width
    sheet.title =
      "\((try source.path as NSString).lastPathComponent): \(set.pictures.count) pictures, \(set.objectCount) objects"
    try sheet.picture().write(to: out)
    if json {
      try printJSON(Result(picture: out, pictures: chosen.map { set.pictures[$0].file }))
    } else {
      print("\(out): \(tiles.count) of \(candidates.count) pictures")
    }
  }

  private func choose(_ candidates: [Int]) -> [Int] {
    guard candidates.count > count else { return candidates }
    guard let seed else {
      return (0..<count).map { candidates[$0 * candidates.count / count] }
    }
    return RandomSampler(count: candidates.count, seed: seed).indices(epoch: 0).prefix(count)
      .map { candidates[$0] }
  }

  private func tile(_ set: LabelSet, _ index: Int) throws -> ContactSheet.Tile {
    let labeled = set.pictures[index]
    let picture = try set.picture(at: index)
    let truths = labeled.objects.compactMap { object -> Annotation? in
      if case .line = object.shape { return nil }
      return Annotation(box: object.box.box, label: object.label)
    }
    var drawn = try picture.annotated(with: [], classNames: set.classNames, truths: truths)
    for object in labeled.objects {
      switch object.shape {
      case .line(let points): drawn.draw(points, closed: false, label: object.label)
      case .polygons(let parts):
        for part in parts { drawn.draw(part, closed: true, label: object.label) }
      case .box, .mask: break
      }
    }
    let name = labeled.label.map {
      " (\(set.classNames.indices.contains($0) ? set.classNames[$0] : "class \($0)"))"
    }
    return ContactSheet.Tile(drawn, caption: labeled.file + (name ?? ""))
  }
}

extension Picture {
  /// A line of three pixels through points x, y, x, y, ...
  fileprivate mutating func draw(_ points: [Double], closed: Bool, label: Int) {
    guard points.count >= 4, points.allSatisfy({ $0.magnitude < 1e6 }) else { return }
    let colors = [
      RGB(0, 114, 178), RGB(230, 159, 0), RGB(0, 158, 115), RGB(204, 121, 167), RGB(213, 94, 0),
      RGB(86, 180, 233),
    ]
    let color = colors[max(label, 0) % colors.count]
    let ends = closed ? points + points[..<2] : points
    for i in stride(from: 0, to: ends.count - 3, by: 2) {
      let (dx, dy) = (ends[i + 2] - ends[i], ends[i + 3] - ends[i + 1])
      let steps = max(1, Int(max(abs(dx), abs(dy))))
      for step in 0...steps {
        let share = Double(step) / Double(steps)
        let (x, y) = (Int(ends[i] + dx * share), Int(ends[i + 1] + dy * share))
        for (a, b) in [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
        where x + a >= 0 && x + a < width && y + b >= 0 && y + b < height {
          self[x + a, y + b] = color
        }
      }
    }
  }
}
