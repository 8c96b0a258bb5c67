import ArgumentParser
import Foundation
import Saker

/// The mode `weights` of `saker benchmark`: a file of weights into a classifier that is there,
/// beside reading the file's bytes.
struct WeightsBenchmark {
  let model: String
  let file: String
  let seconds: Double

  struct Report: Encodable {
    var mode = "weights"
    var model, format: String
    var bytes: Int
    /// From the path to the loaded network.
    var loadMs: Double
    /// The same, and each number of it read once.
    var touchedMs: Double
    /// The file's bytes read into memory, and nothing else.
    var readMs: Double
    var loads: Int
  }

  func run(json: Bool) throws {
    guard let entry = ClassifierCatalog.named(model) else {
      throw ValidationError("model: expected a classifier with --mode weights, got \(model)")
    }
    let network = withoutStarts { entry.build(1000) }
    let names = Set(network.state.map(\.name))
    var (loads, touches, reads): ([Double], [Double], [Double]) = ([], [], [])
    var (format, bytes) = (WeightsFile.Format.safetensors, 0)
    let start = Date()
    while loads.count < 3 || Date().timeIntervalSince(start) < seconds {
      let before = Date()
      let weights = try WeightsFile(contentsOf: file)
      try network.load(state: weights.state(fitting: names), file: file)
      let loaded = Date()
      for parameter in network.parameters { _ = parameter.value.detached().sum() }
      touches.append(Date().timeIntervalSince(before))
      loads.append(loaded.timeIntervalSince(before))
      format = weights.format
      let reading = Date()
      bytes = try Data(contentsOf: URL(fileURLWithPath: file)).count
      reads.append(Date().timeIntervalSince(reading))
    }
    func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] * 1e3 }
    let report = Report(
      model: model, format: format.rawValue, bytes: bytes, loadMs: median(loads),
      touchedMs: median(touches), readMs: median(reads), loads: loads.count)
    if json { return try printJSON(report) }
    print(
      String(
        format: "%@ %@, %.1f MB: loaded in %.1f ms, all numbers read after %.1f; its bytes, %.1f",
        model, report.format, Double(bytes) / 1e6, report.loadMs, report.touchedMs,
        report.readMs))
  }
}
