import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerData

/// A small set of each format as files in memory; its first file is what gets mutated.
private struct Sample: Sendable, CustomTestStringConvertible {
  var name: String
  var files: [(name: String, bytes: [UInt8])]
  var target: Int
  var testDescription: String { name }
}

private func samples() throws -> [Sample] {
  let folder = try TemporaryFolder()
  let set = try sampleLabels(folder)
  var found: [Sample] = []
  func gather(_ path: String, _ name: String, _ isTarget: (String) -> Bool) throws {
    var files: [(name: String, bytes: [UInt8])] = []
    let manager = FileManager.default
    for file in try manager.subpathsOfDirectory(atPath: path).sorted() {
      var isFolder: ObjCBool = false
      guard manager.fileExists(atPath: path + "/" + file, isDirectory: &isFolder),
        !isFolder.boolValue
      else { continue }
      files.append((file, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + file)))))
    }
    for (i, file) in files.enumerated() where isTarget(file.name) {
      found.append(Sample(name: "\(name) \(file.name)", files: files, target: i))
      break
    }
  }
  let targets: [(DataFormat, (String) -> Bool)] = [
    (.voc, { $0.hasSuffix("p0.xml") }), (.voc, { $0.hasSuffix("train.txt") }),
    (.coco, { $0.hasSuffix("train.json") }), (.yolo, { $0.hasSuffix("p0.txt") }),
    (.yolo, { $0.hasSuffix(".yaml") }), (.createML, { $0.hasSuffix(".json") }),
    (.csv, { $0.hasSuffix(".csv") }), (.labelImgYOLO, { $0.hasSuffix("classes.txt") }),
    (.yolo, { $0.hasSuffix("p0.png") }),
  ]
  for (i, (format, isTarget)) in targets.enumerated() {
    let path = "\(folder.path)/\(i)"
    try set.write(to: path, as: format)
    try gather(path, format.rawValue, isTarget)
  }
  var rich = set
  for i in rich.pictures.indices {
    rich.pictures[i].label = i % 2
    rich.pictures[i].rows = [5, 10, 15, 20]
    for k in rich.pictures[i].objects.indices {
      rich.pictures[i].objects[k].shape = .polygons([[1, 1, 9, 2, 5, 8], [2, 2, 3, 3, 2, 3]])
    }
    let size = rich.pictures[i].size!
    let mask = RunLengthMask(polygon: [1, 1, 9, 2, 5, 8], height: size.height, width: size.width)!
    rich.pictures[i].objects.append(
      LabeledObject(label: 0, box: LabelBox(mask.box), flags: [.crowd], shape: .mask(mask)))
  }
  var lanes = rich
  for i in lanes.pictures.indices {
    lanes.pictures[i].objects = [
      LabeledObject(
        label: 0, box: LabelBox(left: 0, top: 0, width: 1, height: 1),
        shape: .line([3, 5, 4, 10, 5.5, 15]))
    ]
  }
  var small = rich
  let path = small.pictures[0].path
  for i in small.pictures.indices { small.pictures[i].path = path }
  let others: [(DataFormat, LabelSet, (String) -> Bool)] = [
    (.coco, rich, { $0.hasSuffix("train.json") }), (.yolo, rich, { $0.hasSuffix("p0.txt") }),
    (.vocSegmentation, rich, { $0.hasPrefix("SegmentationClass") }),
    (.culane, lanes, { $0.hasSuffix("p0.lines.txt") }),
    (.culane, lanes, { $0.hasSuffix("list/train.txt") }),
    (.tusimple, lanes, { $0.hasSuffix(".json") }),
    (.idx, small, { $0.contains("images-idx") }), (.idx, small, { $0.contains("labels-idx") }),
  ]
  for (i, (format, set, isTarget)) in others.enumerated() {
    let path = "\(folder.path)/more\(i)"
    try set.write(to: path, as: format)
    try gather(path, format.rawValue, isTarget)
  }
  return found
}

/// One of the ways in which files get damaged, and in which somebody who means harm writes them.
private func mutate(_ bytes: [UInt8], _ random: inout Random) -> [UInt8] {
  var result = bytes
  let words = [
    "-1", "99999999999999999999", "1e308", "nan", "null", "[]", "{}", "\"\"", "../..",
    "/etc/passwd",
    "\u{0}", "<!ENTITY x \"y\">", "&x;", "<", ">", "\"", "'", ",,,", "\n\n", "\u{FEFF}", "é", "-",
    ":", "*a", "&a",
  ]
  for _ in 0...random.index(below: 3) {
    guard !result.isEmpty else { break }
    let place = random.index(below: result.count)
    switch random.index(below: 8) {
    case 0: result[place] ^= UInt8(1 << random.index(below: 8))
    case 1: result[place] = UInt8(truncatingIfNeeded: random.next())
    case 2: result = Array(result[..<place])
    case 3:
      let end = min(result.count, place + random.index(below: 40))
      result.removeSubrange(place..<end)
    case 4:
      let end = min(result.count, place + random.index(below: 60))
      result.insert(contentsOf: result[place..<end], at: random.index(below: result.count))
    case 5: result.insert(contentsOf: words[random.index(below: words.count)].utf8, at: place)
    case 6:
      // A number becomes another.
      if let digit = result[place...].firstIndex(where: { (0x30...0x39).contains($0) }) {
        result.replaceSubrange(
          digit...digit, with: words[random.index(below: 5)].utf8)
      }
    default:
      let open: [UInt8] = [0x5B, 0x7B, 0x3C, 0x20, 0x2D]
      result.insert(
        contentsOf: [UInt8](
          repeating: open[random.index(below: open.count)], count: random.index(below: 300)),
        at: place)
    }
  }
  return result
}

/// The most memory the process needed since `restart`, as Linux counts it.
private struct PeakMemory {
  private var before = 0
  /// Whether the system lets the count start anew.
  private(set) var isKnown = false

  mutating func restart() {
    isKnown = (try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))) != nil
    before = PeakMemory.status("VmRSS:")
  }

  /// Bytes above what was in use then.
  var growth: Int { PeakMemory.status("VmHWM:") - before }

  private static func status(_ key: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0)
      << 10
  }
}

/// Of each file.
private let mutations = 130 * LongChecks.factor

/// 17 files, 130 mutations each: reading, checking and using them ends, by itself, with an error
/// that names a file, or with a set that is sound.
@Test func damagedFilesNeverStopTheProgram() throws {
  let all = try samples()
  #expect(all.count == 17, "\(all.map(\.name))")
  let folder = try TemporaryFolder()
  var (runs, refused, slowest) = (0, 0, (seconds: 0.0, name: ""))
  var memory = PeakMemory()
  var largest = (bytes: 0, name: "")
  for sample in all {
    var random = Random(seed: 42, sample.target)
    let root = "\(folder.path)/\(runs)"
    for file in sample.files { try folder.write(file.bytes, "\(runs)/\(file.name)") }
    let base = runs
    for _ in 0..<mutations {
      let damaged = mutate(sample.files[sample.target].bytes, &random)
      try folder.write(damaged, "\(base)/\(sample.files[sample.target].name)")
      memory.restart()
      let start = threadSeconds()
      do {
        var set = try LabelSet(path: root, LabelReading(pictures: .full))
        let found = set.problems + set.check()
        if found.contains(where: { $0.severity == .error }) { refused += 1 }
        for problem in found {
          #expect(problem.file.contains(root), "\(sample.name): \(problem)")
          #expect(!problem.description.contains("\n"), "\(sample.name): \(problem)")
        }
        _ = DataStatistics(set)
        if set.format?.isDetection == true { _ = try? DetectionDataset(set, policy: .skipBad) }
        set.removeBad()
        _ = set.splitting([("train", 1), ("val", 1)], seed: 0)
        let out = folder.path + "/out"
        for format in [DataFormat.coco, .yolo] {
          _ = try? set.write(to: out, as: format, pictures: .none)
          try? FileManager.default.removeItem(atPath: out)
        }
      } catch let error as DatasetError {
        refused += 1
        #expect(error.problems.allSatisfy { !$0.message.isEmpty })
        #expect(error.description.contains(root), "\(sample.name): \(error)")
      }
      let seconds = threadSeconds() - start
      if seconds > slowest.seconds { slowest = (seconds, "\(sample.name), change \(runs - base)") }
      if memory.isKnown, memory.growth > largest.bytes {
        largest = (memory.growth, "\(sample.name), change \(runs - base)")
      }
      runs += 1
    }
  }
  #expect(runs == 17 * mutations && refused > runs / 3, "\(refused) of \(runs)")
  #expect(slowest.seconds < 2, "\(slowest)")
  #expect(largest.bytes < 500 << 20, "\(largest)")
}

/// Processor time of this thread: what other programs take counts for nothing.
private func threadSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The quick reader of annotation files either gives up or reads what the tree reads.
@Test func plainFilesAreReadAsTheTreeReadsThem() {
  let plain = """
    <?xml version="1.0"?>
    <annotation>
    \t<folder>x</folder><filename> a/b.jpg </filename>
    \t<source><database>Here</database><image>flickr</image></source>
    \t<size><width>64</width><height>48</height><depth>3</depth></size>
    \t<segmented>1</segmented>
    \t<object><name>cell</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
    \t\t<bndbox><xmin>5</xmin><ymin>6.5</ymin><xmax>30</xmax><ymax>3e1</ymax></bndbox>
    \t\t<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>
    \t<object><name>dot</name><difficult>1</difficult><occluded>1</occluded>
    \t\t<bndbox><ymax>9</ymax><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax></bndbox></object>
    </annotation>

    """
  func quick(_ bytes: [UInt8]) -> PascalVOC.Parsed? {
    var parsed = PascalVOC.Parsed(picture: LabeledPicture(file: "", path: "", source: "f"))
    return bytes.withUnsafeBufferPointer { buffer in
      var scanner = VOCScanner(buffer)
      return scanner.read(&parsed) ? parsed : nil
    }
  }
  var random = Random(seed: 5)
  var (taken, refused) = (0, 0)
  for round in 0..<6000 {
    let bytes = round == 0 ? Array(plain.utf8) : mutate(Array(plain.utf8), &random)
    let tree = PascalVOC.parse(bytes, "f")
    guard let parsed = quick(bytes) else {
      refused += 1
      #expect(round > 0)
      continue
    }
    taken += 1
    #expect(parsed.picture == tree.picture && parsed.names == tree.names, "round \(round)")
    #expect(parsed.filename == tree.filename && tree.isUsable, "round \(round)")
    #expect(tree.problems.isEmpty, "round \(round): \(tree.problems)")
  }
  #expect(taken > 300 && refused > 300, "\(taken) taken, \(refused) refused")
}

/// Long lists are read from both ends of their middle; what looks like the middle may be
/// text, or another list.
@Test func longListsOfAnnotationsAreReadWhole() throws {
  func entry(_ id: Int, _ more: String = "") -> String {
    "{\"id\": \(id), \"image_id\": \(id % 7), \"category_id\": 1, \"bbox\": [\(id), 2, 3, 4.5]\(more)}"
  }
  let images = "\"images\": [" + (0..<7).map { "{\"id\": \($0)}" }.joined(separator: ",") + "]"
  let categories = "\"categories\": [{\"id\": 1, \"name\": \"a\"}]"
  func read(_ text: String) throws -> COCODataset {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBufferPointer { try COCODataset(json: $0, file: "f") }
  }
  let trap = ", \"note\": \"\(String(repeating: "}, {\\\"id\\\": 3", count: 20))\""
  for more in ["", trap, ", \"segmentation\": [[1, 1, 9, 1, 9, 9]], \"keypoints\": [1, 2, 2]"] {
    let list = (0..<6000).map { entry($0, more) }.joined(separator: ",\n ")
    for text in [
      "{\(images), \(categories), \"annotations\": [\(list)]}",
      "{\"annotations\": [\(list)], \(images), \(categories)}",
      "{\"annotations\": [\(list)], \"other\": [\(list)], \"more\": [\(list)], \(images), \(categories)}",
    ] {
      let set = try read(text)
      #expect(set.annotations.map(\.id) == Array(0..<6000) && set.images.count == 7)
      #expect(set.annotations.allSatisfy { $0.box?.x == Double($0.id) && $0.imageID == $0.id % 7 })
      if more.contains("keypoints") {
        #expect(set.annotations.allSatisfy { $0.keypoints.count == 3 && $0.segmentation != nil })
      }
    }
    // What is wrong is told as from front to back.
    var rows = (0..<6000).map { entry($0, more) }
    rows[5000] = entry(17, more)
    let again = "{\(images), \(categories), \"annotations\": [\n\(rows.joined(separator: ",\n"))]}"
    let twice = #expect(throws: JSONError.self) { try read(again) }
    #expect(twice?.line == 5002 && twice?.reason == "the annotation id 17 is there twice")
    rows[5000] = "{\"id\": 5000, \"category_id\": 1}"
    let broken = "{\(images), \(categories), \"annotations\": [\n\(rows.joined(separator: ",\n"))]}"
    let missing = #expect(throws: JSONError.self) { try read(broken) }
    #expect(missing?.line == 5002 && missing?.reason == "the annotation 5000 has no 'image_id'")
  }
}
