import Foundation
import Saker

/// What the mode `convolution` of `saker benchmark` found out.
struct ConvolutionReport: Encodable, CustomStringConvertible {
  /// One of our kernels on one case.
  struct Ours: Encodable {
    var tile: Int
    var seconds, leastSeconds, gflops: Double
    /// How many times faster than direct.
    var ratio: Double
    /// Root of the mean squared difference from direct over direct's.
    var rmsError: Double
    /// The same from double precision, at some places.
    var exactError: Double
  }

  struct Row: Encodable, CustomStringConvertible {
    var networks: [String]
    var pass: String
    var batch, inputs, outputs, side: Int
    var directSeconds, directLeastSeconds, directGflops, directExactError: Double
    var ours: [Ours]
    /// What `--convolution auto` takes, and how many times faster than direct that was.
    var chosen: String
    var chosenRatio: Double
    /// Whether the processor did nothing else meanwhile.
    var clean: Bool

    init(_ item: ConvolutionSuite.Case, _ results: [ConvolutionMeasurement.Result]) {
      let work = item.work
      networks = item.networks
      pass = work.pass.rawValue
      batch = work.pictures
      inputs = work.inputs
      outputs = work.outputs
      side = work.height
      func gflops(_ seconds: Double) -> Double { work.operations / seconds / 1e9 }
      directSeconds = results[0].seconds
      directLeastSeconds = results[0].leastSeconds
      directExactError = results[0].exactError
      directGflops = gflops(directSeconds)
      ours = results.compactMap { result in
        guard case .winograd(let tile) = result.method else { return nil }
        return Ours(
          tile: tile, seconds: result.seconds, leastSeconds: result.leastSeconds,
          gflops: gflops(result.seconds),
          ratio: result.ratio, rmsError: result.error,
          exactError: result.exactError)
      }
      clean = results.allSatisfy(\.isClean)
      let method = ConvolutionChooser.method(for: work)
      chosen = method.description
      chosenRatio = results.first { $0.method == method }?.ratio ?? 1
    }

    var description: String {
      func column(_ text: String, _ width: Int) -> String {
        text.padding(toLength: width, withPad: " ", startingAt: 0)
      }
      let best = ours.max { $0.ratio < $1.ratio }
      let figures =
        best.map {
          String(format: "%7.0f %6.2f %8.1e", $0.gflops, $0.ratio, $0.rmsError)
        } ?? "      –      –        –"
      return String(format: "%5d  ", batch) + column(pass, 10) + column("\(inputs)→\(outputs)", 10)
        + String(format: " %4d %7.0f ", side, directGflops) + figures
        + String(format: " %6.2f%@ ", chosenRatio, clean ? " " : "!") + column(chosen, 11) + " "
        + networks.joined(separator: " ")
    }
  }

  /// Over all cases of a pass and batch.
  struct Summary: Encodable {
    var pass: String
    var batch: String
    var cases: Int
    /// Geometric means over direct.
    var chosenMean, ourBestMean: Double
    var chosenLeast: Double
    /// Of ours from direct; of ours, and of direct, from double precision.
    var largestError, largestExactError, largestDirectExactError: Double
  }

  var instructionSet = KernelLibrary.instructionSet
  /// What the cost model takes them for.
  var ourSet = InstructionSet.ours.rawValue
  var oneDnnSet = InstructionSet.oneDNN.rawValue
  var kernels = KernelLibrary.version
  var threads = Parallel.threads
  var rows: [Row] = []
  var summaries: [Summary] = []

  static let heading =
    "batch  pass      channels   side  direct  ours ×direct    error   auto  by          networks (GFLOP/s; !: the machine did something else, too)"

  mutating func summarize() {
    for pass in ConvolutionPass.allCases.map(\.rawValue) {
      let all = rows.filter { $0.pass == pass }
      let batches = Set(all.map(\.batch)).sorted()
      for batch in batches { add(pass, "\(batch)", all.filter { $0.batch == batch }) }
      if batches.count > 1 { add(pass, "all", all) }
    }
  }

  private mutating func add(_ pass: String, _ batch: String, _ rows: [Row]) {
    func mean(_ values: [Double]) -> Double {
      exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
    }
    summaries.append(
      Summary(
        pass: pass, batch: batch, cases: rows.count, chosenMean: mean(rows.map(\.chosenRatio)),
        ourBestMean: mean(rows.map { $0.ours.map(\.ratio).max() ?? 1 }),
        chosenLeast: rows.map(\.chosenRatio).min() ?? 1,
        largestError: rows.flatMap { $0.ours.map(\.rmsError) }.max() ?? 0,
        largestExactError: rows.flatMap { $0.ours.map(\.exactError) }.max() ?? 0,
        largestDirectExactError: rows.map(\.directExactError).max() ?? 0))
  }

  var description: String {
    let lines = summaries.map { summary in
      String(
        format: "%@, batch %@, %d cases: auto %.2f × direct (geometric mean), least %.2f; ",
        summary.pass, summary.batch, summary.cases, summary.chosenMean, summary.chosenLeast)
        + String(
          format: "ours everywhere %.2f; rms error at most %.1e (from double %.1e, direct %.1e)",
          summary.ourBestMean, summary.largestError, summary.largestExactError,
          summary.largestDirectExactError)
    }
    return lines.joined(separator: "\n")
      + "\n\(kernels), \(instructionSet); ours \(ourSet); \(threads) threads"
  }
}
