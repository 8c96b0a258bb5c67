import ArgumentParser
import Foundation
import Saker

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show versions, processor and libraries, and check that they compute correctly.",
    discussion: """
      With --convolutions it shows instead which kernel computes each 3x3 convolution of well-known networks, and why; \
      with --measure, too, it times them all (some minutes) and keeps the times in a file of the user's cache folder, by \
      which later runs on this machine choose.
      """)

  @OptionGroup var common: CommonOptions

  @Flag(help: "Show the table of 3x3 convolutions and their kernels.")
  var convolutions = false
  @Flag(help: "Measure that table on this machine and keep it.")
  var measure = false
  @Option(help: "Batch sizes in the table of convolutions, a list; 1,8,32 by default.")
  var batch: Numbers?
  @OptionGroup var suite: ConvolutionOptions

  func validate() throws {
    guard convolutions || (!measure && batch == nil && suite.isEmpty) else {
      throw ValidationError(
        "measure, batch, network, pass and rounds: expected together with --convolutions")
    }
    let batches = batch?.values ?? []
    guard batches.allSatisfy((1...4096).contains) else {
      throw ValidationError(
        "batch: expected 1...4096, got \(batches.map(String.init).joined(separator: ","))")
    }
    try suite.validate()
  }

  struct Check: Encodable {
    var name: String
    var passed: Bool
    var detail: String
  }

  struct Report: Encodable {
    var saker: String
    var commit: String
    var system: String
    var processor: String
    var cores: Int
    var threads: Int
    var memoryBytes: UInt64
    var kernels: String
    var instructionSet: String
    /// Of our own kernels: the set that runs, and all that this processor has.
    var ownInstructions: String
    var availableInstructions: [String]
    var bfloat16: Bool
    var checks: [Check]
  }

  func run() throws {
    common.apply()
    if convolutions {
      let table = ConvolutionTable(try suite.cases(batches: batch?.values ?? [1, 8, 32]))
      return try table.run(suite.effort, measuring: measure, json: common.json)
    }
    let process = ProcessInfo.processInfo
    let report = Report(
      saker: Version.number, commit: Version.commit, system: DoctorCommand.system,
      processor: Processor.name, cores: process.activeProcessorCount,
      threads: Parallel.threads, memoryBytes: process.physicalMemory,
      kernels: KernelLibrary.version, instructionSet: KernelLibrary.instructionSet,
      ownInstructions: Instructions.chosen, availableInstructions: Instructions.available,
      bfloat16: KernelLibrary.hasBFloat16,
      checks: [
        SelfTest.convolution(), SelfTest.gradient(), SelfTest.bfloat16(), SelfTest.memory(),
        SelfTest.data(), SelfTest.drawing(),
      ])
    if common.json {
      try printJSON(report)
    } else {
      print("saker \(report.saker), commit \(report.commit), on \(report.system)")
      print(
        "processor  \(report.processor), \(report.cores) cores, \(report.threads) compute threads")
      print("memory     \(report.memoryBytes >> 30) GiB")
      print(
        "kernels    \(report.kernels), \(report.instructionSet)\(report.bfloat16 ? ", bfloat16 in hardware" : ", bfloat16 through float32")"
      )
      print(
        "           our own: \(report.ownInstructions) of \(report.availableInstructions.joined(separator: ", "))"
      )
      for check in report.checks {
        print("\(check.passed ? "ok  " : "FAIL") \(check.name): \(check.detail)")
      }
    }
    if report.checks.contains(where: { !$0.passed }) { throw ExitCode.failure }
  }

  private static var system: String {
    let text = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
    return line.map { $0.dropFirst(12).trimmingCharacters(in: ["\""]) }
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }
}

/// Small computations with known answers, and how fast they were.
private enum SelfTest {
  typealias Check = DoctorCommand.Check

  private static func seconds(_ body: () -> Void) -> Double {
    body()
    return (0..<5).map { _ in
      let start = Date()
      body()
      return Date().timeIntervalSince(start)
    }.min()!
  }

  /// A convolution against the sum that defines it.
  static func convolution() -> Check {
    var random = Random(seed: 1)
    let x = Tensor.normal([8, 64, 56, 56], using: &random).channelsLast()
    let w = Tensor.normal([64, 64, 3, 3], using: &random)
    var y = x
    let time = withoutGradients { seconds { y = conv2d(x, w, padding: (1, 1, 1, 1)) } }
    let (values, weights, results) = (x.floats, w.floats, y.floats)
    var worst = 0.0
    for point in 0..<64 {
      let (n, k, i, j) = (point % 8, point, (point * 7) % 56, (point * 13) % 56)
      var sum = 0.0
      for c in 0..<64 {
        for a in 0..<3 {
          for b in 0..<3 {
            let (row, column) = (i + a - 1, j + b - 1)
            guard (0..<56).contains(row), (0..<56).contains(column) else { continue }
            sum +=
              Double(values[((n * 64 + c) * 56 + row) * 56 + column])
              * Double(weights[((k * 64 + c) * 3 + a) * 3 + b])
          }
        }
      }
      worst = max(worst, abs(sum - Double(results[((n * 64 + k) * 56 + i) * 56 + j])))
    }
    let rate = 2.0 * Double(y.count) * 64 * 9 / time / 1e9
    return Check(
      name: "convolution", passed: worst < 1e-3,
      detail: String(format: "%.0f GFLOP/s, largest error %.1e", rate, worst))
  }

  /// A gradient against a difference.
  static func gradient() -> Check {
    var random = Random(seed: 2)
    let x = Tensor.normal([2, 3, 8, 8], using: &random)
    let w = Tensor.normal([4, 3, 3, 3], using: &random)
    let d = Tensor.normal([4, 3, 3, 3], using: &random)
    func loss(_ w: Tensor) -> Tensor { square(tanh(conv2d(x, w, padding: (1, 1, 1, 1)))).sum() }
    let slope = (gradients(at: [w]) { loss($0[0]) }.gradients[0] * d).sum().item
    let step: Float = 1e-3
    let difference = (loss(w + d * step).item - loss(w - d * step).item) / (2 * step)
    let error = abs(slope - difference) / max(abs(slope), 1e-6)
    return Check(
      name: "gradient", passed: error < 1e-2,
      detail: String(format: "relative difference %.1e from a finite difference", error))
  }

  static func bfloat16() -> Check {
    var random = Random(seed: 3)
    let x = Tensor.normal([8, 64, 56, 56], using: &random).channelsLast()
    let w = Tensor.normal([64, 64, 3, 3], using: &random)
    let half = x.converted(to: .bfloat16)
    var y = x
    let time = withoutGradients { seconds { y = conv2d(half, w, padding: (1, 1, 1, 1)) } }
    let exact = conv2d(x, w, padding: (1, 1, 1, 1))
    let error = (square(y.converted(to: .float32) - exact).mean().item / square(exact).mean().item)
      .squareRoot()
    let rate = 2.0 * Double(y.count) * 64 * 9 / time / 1e9
    return Check(
      name: "bfloat16", passed: error < 1e-2,
      detail: String(format: "%.0f GFLOP/s, relative error %.1e", rate, error))
  }

  static func memory() -> Check {
    let x = Tensor.ones([1 << 25])
    var y = x
    let time = withoutGradients { seconds { y = x + x } }
    let rate = 3.0 * Double(x.bytes) / time / 1e9
    return Check(
      name: "memory", passed: y.narrow(0, 0..<1).item == 2,
      detail: String(format: "%.1f GB/s read and written", rate))
  }

  static func data() -> Check {
    do {
      let dataset = try DetectionDataset.bloodCells(split: "test")
      let picture = try Picture(file: dataset.items[0].picture)
      return Check(
        name: "data", passed: dataset.items.count == 72,
        detail:
          "\(dataset.items.count) embedded test pictures, first \(picture.width)x\(picture.height)")
    } catch {
      return Check(name: "data", passed: false, detail: "\(error)")
    }
  }

  static func drawing() -> Check {
    do {
      let blank = Picture(width: 64, height: 64)
      let box = Box(left: 8, top: 24, right: 56, bottom: 56)
      let drawn = try blank.annotated(
        with: [Detection(box: box, label: 0, score: 0.9)], classNames: ["cell"])
      return Check(
        name: "drawing", passed: drawn != blank, detail: "boxes and text by Cairo")
    } catch {
      return Check(name: "drawing", passed: false, detail: "\(error)")
    }
  }
}
