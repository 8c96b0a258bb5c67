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

/// The mode `convolution` of `saker benchmark`.
struct ConvolutionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whose 3x3 convolutions the mode convolution measures: some of vgg16, resnet18, resnet50, darknet53, cspdarknet53, tiny-ssd, separated by commas; all if left out.",
      valueName: "names"))
  var network: String?
  @Option(
    name: .customLong("pass"),
    help: ArgumentHelp(
      "What it measures of them: some of inference, forward, data, weights, separated by commas; all if left out.",
      valueName: "names"))
  var passes: String?
  @Option(help: "How many turns each takes at least, in the mode convolution.")
  var rounds = 3

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
    guard (1...1000).contains(rounds) else {
      throw ValidationError("rounds: expected 1...1000, got \(rounds)")
    }
  }

  func run(batches: [Int], json: Bool) throws {
    let names = try chosenNetworks().map(\.name)
    let passes = try chosenPasses()
    let cases = ConvolutionSuite.cases(networks: names, batches: batches, passes: passes)
    var report = ConvolutionReport()
    let effort = ConvolutionMeasurement.Effort(rounds: rounds)
    if !json { print(ConvolutionReport.heading) }
    for (work, networks) in cases {
      let methods = ConvolutionMeasurement.methods(for: work)
      let results = ConvolutionMeasurement(work).run(methods, effort)
      let row = ConvolutionReport.Row(work, networks, results)
      report.rows.append(row)
      if !json { print(row) }
    }
    report.summarize()
    if json { try printJSON(report) } else { print(report) }
  }
}
