import ArgumentParser
import Foundation
import Saker

/// The mode `operations` of `saker benchmark`: single operations from 16 numbers to 64 MB. Alone it
/// prints a table; serving, it measures what is asked for on its input, line by line, so that
/// another program can take turns with it.
struct OperationBenchmark {
  let seconds: Double

  struct Row: Codable, CustomStringConvertible {
    var name: String
    /// Of a single call: the median of blocks of calls.
    var microseconds: Double

    var description: String {
      name.padding(toLength: 36, withPad: " ", startingAt: 0)
        + String(format: "%12.2f µs", microseconds)
    }
  }

  private struct Report: Encodable {
    var mode = "operations"
    var threads: Int
    var rows: [Row]
  }

  func run(json: Bool) throws {
    var rows: [Row] = []
    for entry in OperationCase.all {
      rows.append(measured(entry.name, entry.prepare()))
      if !json { print(rows[rows.count - 1]) }
    }
    if json { try printJSON(Report(threads: Parallel.threads, rows: rows)) }
  }

  /// Reads the name of a case from each line of the input and answers with a line of JSON; an empty
  /// line asks for the names. The case asked for last keeps its arguments.
  func serve() throws {
    let cases = Dictionary(uniqueKeysWithValues: OperationCase.all.map { ($0.name, $0) })
    var last: (name: String, call: () -> Void)?
    while let line = readLine() {
      if line.isEmpty {
        try answer(OperationCase.all.map(\.name))
        continue
      }
      guard let entry = cases[line] else {
        throw ValidationError("operations: expected the name of a case, got \"\(line)\"")
      }
      if last?.name != line { last = (line, entry.prepare()) }
      if let last { try answer(measured(line, last.call)) }
    }
  }

  private func answer(_ value: some Encodable) throws {
    let line = try JSONEncoder().encode(value)
    try FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
  }

  private func measured(_ name: String, _ call: () -> Void) -> Row {
    func time(_ calls: Int) -> Double {
      let start = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<calls { call() }
      return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }
    // Blocks of about a millisecond: reading the clock must not count.
    _ = time(2)
    let calls = max(1, min(10_000, Int(1e-3 / max(time(1), 1e-8))))
    var times: [Double] = []
    var total = 0.0
    while total < seconds || times.count < 3 {
      let taken = time(calls)
      total += taken
      times.append(taken / Double(calls))
    }
    return Row(name: name, microseconds: times.sorted()[times.count / 2] * 1e6)
  }
}
