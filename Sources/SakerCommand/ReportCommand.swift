import ArgumentParser
import Foundation
import Saker

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a run's curves and its report.html again from what is in its folder.")

  @OptionGroup var common: CommonOptions

  @Argument(help: "A run's folder.")
  var run: String

  private struct Result: Encodable {
    var report: String
  }

  func run() throws {
    let folder = RunFolder(run)
    guard FileManager.default.fileExists(atPath: run) else {
      throw TrainingError("\(run): does not exist: expected a run's folder")
    }
    if FileManager.default.fileExists(atPath: folder.results) {
      try LearningCurves(file: folder.results).write(to: folder.curves)
    }
    try RunPictures(folder: folder).writeReport()
    if common.json {
      try printJSON(Result(report: folder.report))
    } else {
      print(folder.report)
    }
  }
}
