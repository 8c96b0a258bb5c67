import Foundation
import Testing

@Suite struct MemoryBenchmarkTests {
  private struct Report: Decodable {
    struct Row: Decodable {
      var layer: String
      var bytesEarly, bytesLate: Int
    }
    var steps: Int
    var rows: [Row]
    var residentEarly, residentLate: Int
  }

  /// A thousand training steps of each layer leave no byte behind, in tensors, and next to none in the process.
  @Test func trainingLeavesNothingBehind() throws {
    let report = try Saker.run("benchmark", "--mode", "memory", "--json").json(as: Report.self)
    #expect(report.steps == 1000 && report.rows.count >= 80)
    for row in report.rows {
      #expect(row.bytesEarly == row.bytesLate, "\(row.layer)")
    }
    #expect(report.residentLate - report.residentEarly < 64 << 20)
  }
}
