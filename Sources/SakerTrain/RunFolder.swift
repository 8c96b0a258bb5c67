import Foundation

/// A folder that a training run writes: weights, a table of results, curves.
public struct RunFolder: Sendable {
  public let path: String

  public var last: String { path + "/weights/last.safetensors" }
  public var best: String { path + "/weights/best.safetensors" }
  public var results: String { path + "/results.csv" }
  public var curves: String { path + "/results.png" }
  public var settings: String { path + "/settings.json" }

  public init(_ path: String) { self.path = path }

  /// Makes the folder, and finds out before hours of work whether it can be written to.
  ///
  /// - Throws: `TrainingError` that names the folder.
  public func prepare() throws {
    do {
      try FileManager.default.createDirectory(
        atPath: path + "/weights", withIntermediateDirectories: true)
      let probe = path + "/weights/.probe"
      try Data([0]).write(to: URL(fileURLWithPath: probe))
      try FileManager.default.removeItem(atPath: probe)
    } catch {
      throw TrainingError("\(path): cannot be written to: \(error.reason)")
    }
  }

  /// Makes a folder, and those above it.
  public static func make(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw TrainingError("\(path): cannot be made: \(error.reason)")
    }
  }

  /// `runs/train`, or with the first number that is free: `runs/train2`.
  public static func free(_ path: String) -> RunFolder {
    var number = 1
    var candidate = path
    while FileManager.default.fileExists(atPath: candidate + "/weights") {
      number += 1
      candidate = path + "\(number)"
    }
    return RunFolder(candidate)
  }

  /// Writes `text` under a temporary name and renames it, so that a crash leaves the old file or the new one.
  public func write(_ text: String, to file: String) throws {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw TrainingError("\(file): cannot be written: \(error.reason)")
    }
  }
}

/// What keeps a training run from going on: one line that names the cause.
public struct TrainingError: Error, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

extension Error {
  /// What the system says, in its own words.
  var reason: String {
    let error = self as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError {
      return inner.localizedDescription
    }
    return error.localizedDescription
  }
}

/// One line of `results.csv`: an epoch's losses and measures.
public struct EpochResult: Codable, Hashable, Sendable {
  /// From 1.
  public var epoch: Int
  /// Since the run started, over all its sessions, in seconds.
  public var seconds: Double
  public var trainClassLoss: Double
  public var trainBoxLoss: Double
  public var learningRate: Double
  /// Pictures a second, training alone.
  public var imagesPerSecond: Double
  /// On the validation split, when there is one: mean average precision at IoU 0.5, and precision and recall at the
  /// confidence of the best F1.
  public var meanAveragePrecision: Double?
  public var precision: Double?
  public var recall: Double?

  static let header =
    "epoch,time,train/class_loss,train/box_loss,metrics/precision,metrics/recall,metrics/mAP50,lr,images_per_second"

  var row: String {
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    return [
      "\(epoch)", text(seconds), text(trainClassLoss), text(trainBoxLoss), text(precision),
      text(recall), text(meanAveragePrecision), text(learningRate), text(imagesPerSecond),
    ].joined(separator: ",")
  }

  static func table(_ results: [EpochResult]) -> String {
    ([header] + results.map(\.row)).joined(separator: "\n") + "\n"
  }
}
