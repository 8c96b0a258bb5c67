import Foundation
import SakerData
import SakerNN
import SakerTensor
import Synchronization
import Testing

/// A folder that goes away with the value; in memory where there is such a place,
/// because checkpoints are flushed. Its name has a space and letters beyond ASCII, as
/// people's folders have.
final class Sandbox: Sendable {
  let path: String

  init() throws {
    let base =
      FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    path = base + "saker tést \(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static let kept = Mutex<[String]>([])

  /// For those that a global holds: nobody releases them.
  func removeAtExit() {
    Sandbox.kept.withLock { paths in
      if paths.isEmpty {
        atexit {
          for path in Sandbox.kept.withLock({ $0 }) {
            try? FileManager.default.removeItem(atPath: path)
          }
        }
      }
      paths.append(path)
    }
  }

  func path(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String { try write(Array(text.utf8), name) }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// Names in a folder, sorted.
  func list(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
  }

  // MARK: Data

  /// A Pascal VOC folder `voc`: a and b to train on, c to validate, 64x48 pixels.
  @discardableResult
  func voc() throws -> String {
    for (name, color) in [
      ("a", RGB(200, 40, 40)), ("b", RGB(40, 200, 40)), ("c", RGB(40, 40, 200)),
    ] {
      try write(
        Picture(width: 64, height: 48, filledWith: color).encoded(as: .png()),
        "voc/JPEGImages/\(name).png")
      try annotate(name)
    }
    try write("a\nb\n", "voc/ImageSets/Main/train.txt")
    try write("c\n", "voc/ImageSets/Main/val.txt")
    return path("voc")
  }

  static let size = "<size><width>64</width><height>48</height><depth>3</depth></size>"

  /// Writes an annotation of the VOC folder; objects are class names and their
  /// `xmin ymin xmax ymax`.
  func annotate(
    _ name: String, file: String? = nil, size: String = Sandbox.size,
    _ objects: [(name: String, box: String)] = [("cell", "5 5 30 30"), ("cell", "33 11 60 44")]
  ) throws {
    let corners = ["xmin", "ymin", "xmax", "ymax"]
    let texts = objects.map { object in
      let box = zip(corners, object.box.split(separator: " ")).map { "<\($0)>\($1)</\($0)>" }
      return "<object>\n<name>\(object.name)</name>\n<bndbox>\(box.joined())</bndbox>\n</object>"
    }
    try write(
      "<annotation>\n<filename>\(file ?? name + ".png")</filename>\n\(size)\n\(texts.joined(separator: "\n"))\n</annotation>\n",
      "voc/Annotations/\(name).xml")
  }

  /// A PNG that claims another size in its header, all checksums right.
  static func png(claiming width: UInt32, _ height: UInt32) throws -> [UInt8] {
    var bytes = try Picture(width: 64, height: 48).encoded(as: .png())
    for (at, value) in [(16, width), (20, height)] {
      for i in 0..<4 { bytes[at + i] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * i)) }
    }
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes[12..<29] {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    sum ^= 0xFFFF_FFFF
    for i in 0..<4 { bytes[29 + i] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * i)) }
    return bytes
  }
}

/// One small training run that tests share: six pictures of the embedded set, 64x64, two epochs.
struct TrainedRun: Sendable {
  let sandbox: Sandbox
  var data: String { sandbox.path("blood") }
  var folder: String { sandbox.path("run") }
  var last: String { folder + "/weights/last.safetensors" }
  var best: String { folder + "/weights/best.safetensors" }
  /// What training printed.
  let result: Saker.Result

  private static let shared = Swift.Result { try TrainedRun() }
  static func get() throws -> TrainedRun { try shared.get() }

  private init() throws {
    sandbox = try Sandbox()
    sandbox.removeAtExit()
    let source = try DetectionDataset.bloodCellFolder()
    let dataset = try DetectionDataset.bloodCells(split: "train")
    let names = dataset.items.prefix(6).map(\.name)
    let manager = FileManager.default
    for (folder, ending) in [("Annotations", "xml"), ("JPEGImages", "jpg")] {
      try manager.createDirectory(
        atPath: sandbox.path("blood/\(folder)"), withIntermediateDirectories: true)
      for name in names {
        try manager.copyItem(
          atPath: "\(source)/\(folder)/\(name).\(ending)",
          toPath: sandbox.path("blood/\(folder)/\(name).\(ending)"))
      }
    }
    for (split, part) in [("train", names[..<4]), ("val", names[4...]), ("test", names[4...])] {
      try sandbox.write(
        part.joined(separator: "\n") + "\n", "blood/ImageSets/Main/\(split).txt")
    }
    result = try Saker.succeed(TrainedRun.training(sandbox.path("blood"), sandbox.path("run")))
  }

  static func training(_ data: String, _ out: String, _ more: [String] = []) -> [String] {
    [
      "train", "--data", data, "--out", out, "--size", "64", "--epochs", "2", "--batch", "2",
      "--workers", "1", "--json",
    ] + more
  }
}

/// The bits of all tensors in a file, by name.
func bits(_ file: String) throws -> [String: [UInt32]] {
  Dictionary(
    uniqueKeysWithValues: try Safetensors(contentsOf: file).tensors.map {
      ($0.name, $0.tensor.converted(to: .float32).floats.map(\.bitPattern))
    })
}

/// The columns of `results.csv` that do not tell times.
func losses(_ run: String) throws -> [[Substring]] {
  let text = try String(contentsOfFile: run + "/results.csv", encoding: .utf8)
  return text.split(separator: "\n").map { row in
    let cells = row.split(separator: ",", omittingEmptySubsequences: false)
    return [cells[0]] + cells[2..<cells.count - 1]
  }
}
