import ArgumentParser
import Foundation
import Saker

/// What `saker doctor --convolutions` tells: each convolution's estimates, its kernel and, where it
/// was measured, times.
struct ConvolutionTable {
  let cases: [ConvolutionSuite.Case]

  init(_ cases: [ConvolutionSuite.Case]) { self.cases = cases }

  private struct Row: Encodable {
    var networks: [String]
    var pass: String
    var batch, inputs, outputs, side: Int
    /// Microseconds by the name of the method.
    var estimates: [String: Double]
    /// Where it was measured.
    var measured: [String: Double]?
    var chosen: String
  }

  private struct Report: Encodable {
    var processor, instructionSet, kernels, setting: String
    /// The file of corrections, if there is one for this machine.
    var corrections: String?
    var rows: [Row]
  }

  func run(
    _ effort: ConvolutionMeasurement.Effort, measuring: Bool, json: Bool
  ) throws {
    if measuring { try measure(effort, json: json) }
    let machine = ConvolutionCorrections.Machine.this
    let isCorrected = !ConvolutionChooser.corrections.isEmpty
    let report = Report(
      processor: machine.processor, instructionSet: machine.instructionSet,
      kernels: machine.kernels, setting: Convolutions.setting.rawValue,
      corrections: isCorrected ? ConvolutionCorrections.path : nil, rows: cases.map(row))
    if json { try printJSON(report) } else { write(report) }
  }

  /// Times all cases and keeps the times, for this process, too.
  private func measure(_ effort: ConvolutionMeasurement.Effort, json: Bool) throws {
    guard let file = ConvolutionCorrections.path else {
      throw ValidationError("measure: expected XDG_CACHE_HOME or HOME to name a folder")
    }
    let progress = ProgressLine("measure", total: cases.count, unit: "cases", isQuiet: json)
    var measured: [ConvolutionCorrections.Measured] = []
    for (index, item) in cases.enumerated() {
      let methods = ConvolutionMeasurement.methods(for: item.work)
      if methods.count > 1 {
        let results = ConvolutionMeasurement(item.work).run(methods, effort)
        // The least: a machine that is busy for a while must not decide for all runs to come.
        let seconds = results.map { ($0.method, $0.leastSeconds) }
        measured.append(.init(item.work, seconds: Dictionary(uniqueKeysWithValues: seconds)))
      }
      progress.update(index + 1)
    }
    progress.finish()
    ConvolutionChooser.corrections = try ConvolutionCorrections.write(measured, to: file)
  }

  private func row(_ item: ConvolutionSuite.Case) -> Row {
    let work = item.work
    let estimates = ConvolutionChooser.estimates(for: work)
    let measured = ConvolutionChooser.corrections.measured(work)
    func named(_ pairs: [(ConvolutionMethod, Double)]) -> [String: Double] {
      Dictionary(uniqueKeysWithValues: pairs.map { ($0.0.description, $0.1) })
    }
    return Row(
      networks: item.networks, pass: work.pass.rawValue, batch: work.pictures,
      inputs: work.inputs, outputs: work.outputs, side: work.height,
      estimates: named(estimates.map { ($0.method, $0.nanoseconds / 1e3) }),
      measured: measured.map { named($0.map { ($0.key, $0.value * 1e6) }) },
      chosen: ConvolutionChooser.method(for: work).description)
  }

  private func write(_ report: Report) {
    print("\(report.processor); ours: \(report.instructionSet); \(report.kernels)")
    print(
      report.corrections.map { "estimates in µs, those with * measured: \($0)" }
        ?? "estimates in µs; saker doctor --convolutions --measure corrects them for this machine")
    func column(_ text: String, _ width: Int) -> String {
      text.padding(toLength: width, withPad: " ", startingAt: 0)
    }
    print(
      "batch  pass      channels    side     direct winograd 4 winograd 2  chosen      networks")
    for row in report.rows {
      let times = ["direct", "winograd 4", "winograd 2"].map { name in
        guard let time = row.estimates[name] else { return "         –" }
        return String(format: time < 1000 ? "%9.1f" : "%9.0f", time)
          + (row.measured?[name] == nil ? " " : "*")
      }
      print(
        String(format: "%5d  ", row.batch) + column(row.pass, 10)
          + column("\(row.inputs)→\(row.outputs)", 10) + String(format: "%6d ", row.side)
          + times.joined(separator: " ") + "  " + column(row.chosen, 12)
          + row.networks.joined(separator: " "))
    }
  }
}
