import ArgumentParser
import Foundation
import Saker

/// Whole numbers in a list: `1,8,32`.
struct Numbers: ExpressibleByArgument {
  var values: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.isEmpty, !parts.contains(nil) else { return nil }
    values = parts.compactMap { $0 }
  }
}

/// Which of well-known networks' convolutions `saker benchmark` and `saker doctor` measure.
struct ConvolutionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whose 3x3 convolutions are measured: some of vgg16, resnet18, resnet50, darknet53, cspdarknet53, tiny-ssd, separated by commas; all if left out.",
      valueName: "names"))
  var network: String?
  @Option(
    name: .customLong("pass"),
    help: ArgumentHelp(
      "What of them: some of inference, forward, data, weights, separated by commas; all if left out.",
      valueName: "names"))
  var passes: String?
  @Option(help: "Least number of rounds for each; 3 by default.")
  var rounds: Int?

  private static func some<T>(
    of all: [T], _ text: String?, _ option: String, name: (T) -> String
  ) throws -> [T] {
    guard let text else { return all }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let found = all.first(where: { name($0) == part }) else {
        throw ValidationError(
          "\(option): expected some of \(all.map(name).joined(separator: ", ")), got '\(part)'")
      }
      return found
    }
  }

  private func chosenNetworks() throws -> [ConvolutionSuite.Network] {
    try Self.some(of: ConvolutionSuite.networks, network, "network", name: \.name)
  }

  private func chosenPasses() throws -> [ConvolutionPass] {
    try Self.some(of: ConvolutionPass.allCases, passes, "pass", name: \.rawValue)
  }

  func validate() throws {
    _ = try (chosenNetworks(), chosenPasses())
    if let rounds, !(1...1000).contains(rounds) {
      throw ValidationError("rounds: expected 1...1000, got \(rounds)")
    }
  }

  /// Whether nothing was chosen.
  var isEmpty: Bool { network == nil && passes == nil && rounds == nil }

  var effort: ConvolutionMeasurement.Effort { .init(rounds: rounds ?? 3) }

  func cases(batches: [Int]) throws -> [ConvolutionSuite.Case] {
    ConvolutionSuite.cases(
      networks: try chosenNetworks().map(\.name), batches: batches, passes: try chosenPasses())
  }

  /// The mode `convolution` of `saker benchmark`.
  func run(batches: [Int], json: Bool) throws {
    var report = ConvolutionReport()
    if !json { print(ConvolutionReport.heading) }
    for item in try cases(batches: batches) {
      let methods = ConvolutionMeasurement.methods(for: item.work)
      let results = ConvolutionMeasurement(item.work).run(methods, effort)
      let row = ConvolutionReport.Row(item, results)
      report.rows.append(row)
      if !json { print(row) }
    }
    report.summarize()
    if json { try printJSON(report) } else { print(report) }
  }
}
