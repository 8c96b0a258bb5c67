import Foundation
import Testing

/// `saker benchmark --mode memory`.
@Suite struct MemoryBenchmarkTests {
  /// A thousand training steps of each layer leave no byte behind, in tensors, and next to
  /// none in the process.
  @Test func trainingLeavesNothingBehind() throws {
    let told = try Saker.succeed(["benchmark", "--mode", "memory", "--json"]).object()
    #expect(told["steps"] as? Int == 1000)
    let rows = try #require(told["rows"] as? [[String: Any]])
    #expect(rows.count >= 80)
    for row in rows {
      let early = try #require(row["bytes_early"] as? Int)
      #expect(row["bytes_late"] as? Int == early, "\(row["layer"] ?? "")")
    }
    let early = try #require(told["resident_early"] as? Int)
    #expect(try #require(told["resident_late"] as? Int) - early < 64 << 20)
  }
}
