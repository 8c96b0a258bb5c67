import Foundation
import SakerData

/// Why a file of lanes was refused, in one line that names it.
public struct LaneFileError: Error, Hashable, CustomStringConvertible, Sendable {
  public let description: String
  init(_ description: String) { self.description = ByteText.message(description) }
}

extension CULaneEvaluation {
  /// The lanes of a file `NAME.lines.txt`: a line each, `x y x y ...` in pixels. A file that isn't
  /// there has no lanes: the benchmark writes none for pictures without.
  public static func lanes(file: String) throws(LaneFileError) -> [[LanePoint]] {
    guard FileManager.default.fileExists(atPath: file) else { return [] }
    guard let data = FileManager.default.contents(atPath: file), data.count <= 64 << 20,
      let text = String(data: data, encoding: .utf8)
    else { throw LaneFileError("\(file): can't be read as text of at most 64 MiB") }
    var lanes: [[LanePoint]] = []
    for (index, row) in text.split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline
    ).enumerated() {
      var numbers: [Float] = []
      for word in row.split(whereSeparator: \.isWhitespace) {
        guard let number = DecimalNumber.parse(word).map({ Float($0) }), number.isFinite else {
          throw LaneFileError("\(file):\(index + 1): '\(word.prefix(40))' is not a number")
        }
        numbers.append(number)
      }
      if numbers.isEmpty { continue }
      // Every lane is a picture in memory; roads have a handful.
      guard lanes.count < 64, numbers.count <= 4000 else {
        throw LaneFileError("\(file):\(index + 1): over 64 lanes, or 2000 points in one")
      }
      guard numbers.count % 2 == 0 else {
        throw LaneFileError("\(file):\(index + 1): has an x without a y")
      }
      lanes.append(
        stride(from: 0, to: numbers.count, by: 2).map {
          LanePoint(x: numbers[$0], y: numbers[$0 + 1])
        })
    }
    return lanes
  }

  /// Counts two folders of such files: all pictures of the truth's, or those that a list names (one
  /// a line, `driver/video/00000.jpg`, with or without a slash in front).
  public mutating func add(
    truths: String, predictions: String, list: String? = nil
  ) throws(LaneFileError) {
    let ending = ".lines.txt"
    var names: [String] = []
    if let list {
      guard let data = FileManager.default.contents(atPath: list),
        let text = String(data: data, encoding: .utf8)
      else { throw LaneFileError("\(list): can't be read") }
      for row in text.split(whereSeparator: \.isNewline) {
        guard let name = row.split(whereSeparator: \.isWhitespace).first else { continue }
        let path = name.drop { $0 == "/" }
        guard !path.split(separator: "/").contains("..") else {
          throw LaneFileError("\(list): '\(name)' leaves the folder")
        }
        let stem = path.lastIndex(of: ".").map { path[..<$0] } ?? path
        names.append(stem + ending)
      }
    } else {
      guard let all = FileManager.default.enumerator(atPath: truths) else {
        throw LaneFileError("\(truths): is not a folder")
      }
      names = all.compactMap { $0 as? String }.filter { $0.hasSuffix(ending) }.sorted()
    }
    guard !names.isEmpty else {
      throw LaneFileError("\(list ?? truths): has no pictures with lanes (\(ending))")
    }
    var pictures: [(predicted: [[LanePoint]], truths: [[LanePoint]])] = []
    for name in names {
      let truth = truths + "/" + name
      guard FileManager.default.fileExists(atPath: truth) else {
        throw LaneFileError("\(truth): does not exist")
      }
      pictures.append(
        (try Self.lanes(file: predictions + "/" + name), try Self.lanes(file: truth)))
    }
    add(pictures)
  }

  /// Fields as `snake_case`, sorted.
  public var json: String {
    struct Report: Encodable {
      var truePositives, falsePositives, falseNegatives: Int
      var precision, recall, f1: Double
    }
    return metricsJSON(
      Report(
        truePositives: counts.truePositives, falsePositives: counts.falsePositives,
        falseNegatives: counts.falseNegatives, precision: precision, recall: recall, f1: f1))
  }
}

extension TuSimpleEvaluation {
  /// One line of a TuSimple file.
  private struct Record {
    var file = ""
    var lanes: [[Double]] = []
    var rows: [Double] = []
    var milliseconds = 0.0
  }

  /// Counts a file of predictions against one of truths: JSON, one picture a line, with `raw_file`,
  /// `lanes`, `h_samples` (truths) and `run_time` (predictions, in ms; 0 if it isn't there). As in
  /// the benchmark's program, pictures come from the truths; one without a prediction is missed.
  public mutating func add(truths: String, predictions: String) throws(LaneFileError) {
    let found = try Self.records(predictions)
    let there = try Self.records(truths)
    guard !there.isEmpty else { throw LaneFileError("\(truths): has no pictures") }
    var byFile: [String: Record] = [:]
    for record in found { byFile[record.file] = record }
    for truth in there {
      guard truth.lanes.allSatisfy({ $0.count == truth.rows.count }) else {
        throw LaneFileError("\(truths): a lane of \(truth.file) doesn't have \(truth.rows.count) x")
      }
      guard let record = byFile[truth.file] else {
        addMissing()
        continue
      }
      add(
        predicted: record.lanes, truths: truth.lanes, rows: truth.rows,
        milliseconds: record.milliseconds)
    }
  }

  private static func records(_ file: String) throws(LaneFileError) -> [Record] {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw LaneFileError("\(file): can't be read")
    }
    var records: [Record] = []
    for (index, row) in data.split(separator: 0x0A).enumerated() {
      let result: Result<Record, JSONError> = Array(row).withUnsafeBufferPointer { bytes in
        do throws(JSONError) {
          return .success(try record(JSONCursor(bytes, file: file)))
        } catch {
          return .failure(error)
        }
      }
      switch result {
      case .success(let record): records.append(record)
      case .failure(let error):
        throw LaneFileError("\(file): picture \(index + 1): \(error.reason) (byte \(error.byte))")
      }
    }
    return records
  }

  private static func record(_ start: JSONCursor) throws(JSONError) -> Record {
    var cursor = start
    var record = Record()
    func numbers(_ cursor: inout JSONCursor) throws(JSONError) -> [Double] {
      var values: [Double] = []
      try cursor.enterArray()
      while try cursor.nextElement() { values.append(try cursor.double()) }
      return values
    }
    try cursor.enterObject()
    while let key = try cursor.nextKey() {
      if key == "raw_file" {
        record.file = try cursor.string()
      } else if key == "lanes" {
        try cursor.enterArray()
        while try cursor.nextElement() { record.lanes.append(try numbers(&cursor)) }
      } else if key == "h_samples" {
        record.rows = try numbers(&cursor)
      } else if key == "run_time" {
        record.milliseconds = try cursor.double()
      } else {
        try cursor.skip()
      }
    }
    try cursor.end()
    guard !record.file.isEmpty else { throw cursor.error("has no 'raw_file'", at: 0) }
    return record
  }

  /// `accuracy`, `false_positives` and `false_negatives`.
  public var json: String { metricsJSON(mean) }
}
