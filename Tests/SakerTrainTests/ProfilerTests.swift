import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerTrain

struct ProfilerTests {
  @Test func theReportTellsWhereTheTimeGoes() throws {
    let profiler = Profiler()
    let conv = Conv2d(3, 8, kernel: 3, padding: 1)
    for _ in 0..<3 { square(conv(random([2, 3, 32, 32], seed: 1))).sum().backward() }
    let report = profiler.finish()
    let rows = report.rows.filter { $0.operation.lowercased().contains("conv") }
    #expect(Set(rows.map(\.phase)).count == 2)
    for phase in Set(rows.map(\.phase)) {
      #expect(
        rows.contains { $0.phase == phase && $0.calls >= 3 && $0.milliseconds > 0 && $0.share > 0 })
    }
    #expect((0...1).contains(report.frameworkShare) && report.milliseconds > 0)
    #expect(report.rows.map(\.milliseconds) == report.rows.map(\.milliseconds).sorted(by: >))
    let text = report.description
    #expect(text.split(separator: "\n").count == report.rows.count + 2)
    #expect(text.contains("outside kernels"))
    // What is excluded may not turn the time around.
    let empty = Profiler().finish(excluding: 1e6)
    #expect((0...1).contains(empty.frameworkShare) && empty.milliseconds > 0)
  }

  @Test(
    arguments: [
      (0, "0:00"), (65, "1:05"), (59.6, "1:00"), (3599.6, "1:00:00"), (7389, "2:03:09"),
      (359_999, "99:59:59"),
      (359_999.6, "--:--"), (-1, "--:--"), (.nan, "--:--"), (.infinity, "--:--"),
    ] as [(Double, String)])
  func clocksRead(_ seconds: Double, _ text: String) {
    #expect(ProgressLine.clock(seconds) == text)
  }

  @Test func memoryIsKnown() {
    #expect(ProcessMemory.resident > 1 << 20 && ProcessMemory.peak >= ProcessMemory.resident / 2)
  }
}
