import ArgumentParser
import Foundation
import Saker

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Regenerate a run's curves and report.html from its folder.")

  @OptionGroup var common: CommonOptions

  @Argument(help: "A run's folder.")
  var folder: String

  private struct Result: Encodable {
    var report: String
  }

  func run() throws {
    let run = RunFolder(folder)
    guard FileManager.default.fileExists(atPath: folder) else {
      throw TrainingError("\(folder): does not exist: expected a run's folder")
    }
    if FileManager.default.fileExists(atPath: run.results) {
      try LearningCurves(file: run.results).write(to: run.curves)
    }
    try RunPictures(folder: run).writeReport()
    if common.json {
      try printJSON(Result(report: run.report))
    } else {
      print(run.report)
    }
  }
}
