import Foundation
import Saker

/// The mode `optimizer` of `saker benchmark`: steps of optimizers on the parameters of ResNet-50,
/// beside what the memory gives.
struct OptimizerBenchmark {
  let seconds: Double

  struct Row: Encodable, CustomStringConvertible {
    var optimizer: String
    var stepMs, leastMs: Double
    /// Bytes that a step must read and write, by the median of the steps' times, 10⁹ a second.
    var gigabytesPerSecond: Double
    /// Of the memory's rate, in this run.
    var shareOfMemory: Double
    var steps: Int

    var description: String {
      String(
        format: "%@ step %.2f ms (least %.2f), %.1f GB/s, %.2f of memory",
        optimizer.padding(toLength: 14, withPad: " ", startingAt: 0), stepMs, leastMs,
        gigabytesPerSecond, shareOfMemory)
    }
  }

  struct Report: Encodable {
    var mode = "optimizer"
    var parameters, tensors, threads: Int
    /// What a loop that does nothing else moves: two arrays read and one written, and one
    /// read and written.
    var memoryGigabytesPerSecond: Double
    var rows: [Row] = []
  }

  /// Every weight and bias of ResNet-50 with 1000 classes: 161 tensors, 25,557,032 numbers.
  static let resNet50: [Shape] = {
    var shapes: [Shape] = [[64, 3, 7, 7], [64], [64]]
    var inputs = 64
    for (depth, width) in [(3, 64), (4, 128), (6, 256), (3, 512)] {
      for block in 0..<depth {
        let convolutions = [
          (width, inputs, 1), (width, width, 3), (4 * width, width, 1),
          (4 * width, inputs, 1),
        ].prefix(block == 0 ? 4 : 3)
        for (outputs, inputs, kernel) in convolutions {
          shapes += [[outputs, inputs, kernel, kernel], [outputs], [outputs]]
        }
        inputs = 4 * width
      }
    }
    return shapes + [[1000, 2048], [1000]]
  }()

  /// How many arrays as large as the parameters a step reads and writes.
  private struct Entry {
    let name: String
    let rule: any UpdateRule
    let arrays: Int
  }
  private static let entries = [
    // Parameter, gradient and velocity; parameter and velocity.
    Entry(name: "sgd_momentum", rule: SGD(momentum: 0.9, decay: 1e-4), arrays: 3 + 2),
    Entry(name: "adam", rule: Adam(), arrays: 4 + 3),
    Entry(name: "adamw", rule: AdamW(), arrays: 4 + 3),
  ]

  func run(json: Bool) throws {
    let count = Self.resNet50.reduce(0) { $0 + $1.elements }
    var report = Report(
      parameters: count, tensors: Self.resNet50.count, threads: Parallel.threads,
      memoryGigabytesPerSecond: memoryRate(count))
    if !json {
      print(
        String(
          format: "%d numbers in %d tensors, %d threads; memory %.1f GB/s", count,
          report.tensors, report.threads, report.memoryGigabytesPerSecond))
    }
    for entry in Self.entries {
      let times = steps(entry.rule)
      let median = times[times.count / 2]
      let rate = Double(entry.arrays * 4 * count) / median / 1e9
      let row = Row(
        optimizer: entry.name, stepMs: median * 1e3, leastMs: times[0] * 1e3,
        gigabytesPerSecond: rate, shareOfMemory: rate / report.memoryGigabytesPerSecond,
        steps: times.count)
      report.rows.append(row)
      if !json { print(row) }
    }
    if json { try printJSON(report) }
  }

  /// Times of single steps, in order of size.
  private func steps(_ rule: some UpdateRule) -> [Double] {
    var random = Random(seed: 1)
    let named = Self.resNet50.enumerated().map { index, shape in
      let parameter = Parameter(.normal(shape, deviation: 0.1, using: &random))
      parameter.gradient = .normal(shape, deviation: 0.01, using: &random)
      return NamedParameter(name: "\(index)", parameter: parameter)
    }
    let optimizer = Optimizer(rule, [ParameterGroup(named)], rate: 1e-6)
    return measured { optimizer.step() }
  }

  private func measured(_ body: () -> Void) -> [Double] {
    body()
    body()
    var times: [Double] = []
    let start = DispatchTime.now().uptimeNanoseconds
    var now = start
    while times.count < 5 || Double(now - start) < seconds * 1e9 {
      let before = DispatchTime.now().uptimeNanoseconds
      body()
      now = DispatchTime.now().uptimeNanoseconds
      times.append(Double(now - before) / 1e9)
    }
    return times.sorted()
  }

  /// The best rate of plain loops over arrays as large as the parameters, 10⁹ bytes a second. Bytes
  /// read and written count, as for the steps; the medians of two loops, the faster one.
  private func memoryRate(_ count: Int) -> Double {
    func elements(_ value: Double) -> Buffer { Buffer(.full([count], value)) }
    let (a, b, c) = (elements(1), elements(1e-8), elements(0))
    func rate(_ arrays: Int, _ body: () -> Void) -> Double {
      let times = measured(body)
      return Double(arrays * 4 * count) / times[times.count / 2] / 1e9
    }
    // a += b, in place: what a step does to each of its arrays.
    let inPlace = rate(3) { a.accumulate(b) }
    let copying = rate(2) { c.copy(from: b) }
    return max(inPlace, copying)
  }
}

extension Buffer {
  private func combine(
    _ other: Buffer,
    _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void
  ) {
    withoutActuallyEscaping(body) { body in
      other.value.withElements(of: Float.self) { source in
        update { place in
          guard let from = source.baseAddress, let to = place.baseAddress else { return }
          Parallel.run(place.count) {
            body(to + $0.lowerBound, from + $0.lowerBound, $0.count)
          }
        }
      }
    }
  }

  fileprivate func accumulate(_ other: Buffer) {
    combine(other) { to, from, count in for i in 0..<count { to[i] += from[i] } }
  }

  fileprivate func copy(from other: Buffer) {
    combine(other) { to, from, count in to.update(from: from, count: count) }
  }
}
