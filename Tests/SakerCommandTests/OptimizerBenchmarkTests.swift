import Foundation
import Testing

/// `saker benchmark --mode optimizer`.
@Suite struct OptimizerBenchmarkTests {
  @Test func stepsOfResNet50AreMeasured() throws {
    let told = try Saker.succeed([
      "benchmark", "--mode", "optimizer", "--seconds", "0.01", "--json",
    ]).object()
    #expect(told["tensors"] as? Int == 161 && told["parameters"] as? Int == 25_557_032)
    let rows = try #require(told["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["optimizer"] as? String } == ["sgd_momentum", "adam", "adamw"])
    for row in rows {
      let (step, rate) = (
        row["step_ms"] as? Double ?? 0, row["gigabytes_per_second"] as? Double ?? 0
      )
      let arrays = row["optimizer"] as? String == "sgd_momentum" ? 5.0 : 7
      #expect(abs(step * rate * 1e6 / (arrays * 4 * 25_557_032) - 1) < 1e-6)
    }
  }
}
