import Foundation
import Saker

/// The mode `local` of `saker benchmark`: a training step of one network as a whole and in
/// gradient-isolated modules.
enum LocalBenchmark {
  struct Row: Encodable {
    /// 1 is end-to-end training.
    var modules: Int
    /// The most that tensors took during a step.
    var peakBytes: Int
    var stepMs: Double
  }

  struct Report: Encodable {
    var mode = "local"
    var batch, size, layers: Int
    var rows: [Row]
  }

  private static let layers = 16
  private static let (width, classes) = (32, 10)

  /// Equal 3x3 convolutions, cut into `count` modules.
  private static func network(_ count: Int) -> LocallySupervised {
    let blocks = (0..<layers).map { index in
      Sequential(
        Conv2d(index == 0 ? 3 : width, width, kernel: 3, padding: 1, bias: false),
        BatchNorm2d(width), ReLU())
    }
    let each = layers / count
    return LocallySupervised(
      (0..<count).map { Sequential(Array(blocks[$0 * each..<($0 + 1) * each])) },
      heads: (1..<count).map { _ in LocalHead(channels: width, classes: classes) },
      classifier: Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(width, classes)),
      losses: (
        InfoProLoss(reconstruction: 1, label: 1), InfoProLoss(reconstruction: 0.5, label: 1)
      ))
  }

  static func run(batch: Int, size: Int, seconds: Double, json: Bool) throws {
    var random = Random(seed: 1)
    let images = Tensor.normal([batch, 3, size, size], using: &random).channelsLast()
    let pictures = sigmoid(images)
    let labels = Tensor((0..<batch).map { Int32($0 % classes) })
    let rows = [1, 2, 4, 8].map { count -> Row in
      let model = withSeed(1) { network(count) }
      let optimizer = Optimizer(SGD(momentum: 0.9), model, rate: 0.01)
      func step() {
        model.backward(images, pictures: pictures, labels: labels)
        optimizer.step()
        optimizer.zeroGradients()
      }
      step()
      MemoryPool.shared.resetPeak()
      let start = Date()
      var steps = 0
      while steps < 2 || Date().timeIntervalSince(start) < seconds / 4 {
        step()
        steps += 1
      }
      let milliseconds = Date().timeIntervalSince(start) * 1e3 / Double(steps)
      return Row(
        modules: count, peakBytes: MemoryPool.shared.use.peak, stepMs: milliseconds)
    }
    let report = Report(batch: batch, size: size, layers: layers, rows: rows)
    if json { return try printJSON(report) }
    for row in rows {
      let name = row.modules == 1 ? "end to end" : "\(row.modules) modules"
      print(
        String(
          format: "%@: peak %.1f MiB, step %.0f ms", name, Double(row.peakBytes) / 0x1p20,
          row.stepMs))
    }
  }
}
