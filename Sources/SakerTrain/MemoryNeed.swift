import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// Finds out before the work whether a batch fits into the machine: the system ends a program that
/// takes too much without a word.
public enum MemoryNeed {
  public enum Work: Sendable { case training, inference }

  /// A lower bound of what a batch takes, in bytes. Training keeps what each convolution or
  /// linear layer puts out and, as much again, what is made of it; inference, the largest output
  /// and what it is made from.
  ///
  /// - Parameter summary: of the network on one picture.
  public static func bytes(
    _ summary: ModelSummary, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) -> Double {
    let outputs = summary.rows.filter { $0.multiplyAdds > 0 }
      .map { $0.outputShape.reduce(1) { $0 * Double($1) } }
    let kept = work == .training ? outputs.reduce(0, +) : outputs.max() ?? 0
    let size = precision == .bfloat16 ? 2.0 : 4.0
    let input = summary.inputShape.reduce(4) { $0 * Double($1) }
    return Double(batch) * (2 * kept * size + input)
  }

  /// As above, of a detector.
  public static func bytes(
    _ model: any Detector, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) -> Double {
    bytes(ModelSummary(model), batch: batch, work, precision)
  }

  /// - Throws: `TrainingError` if the batch takes more memory than the machine has.
  public static func check(
    _ model: any Detector, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) throws {
    let size = model.card.preprocessing
    try check(
      [3, size.height, size.width], batch: batch, work, precision, ModelSummary(model))
  }

  static func check(
    _ task: some TrainingTask, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) throws {
    let input = Tensor.zeros(Shape([1] + task.inputShape))
    try check(
      task.inputShape, batch: batch, work, precision,
      ModelSummary(task.network, name: "", input: input, run: task.forward))
  }

  static func check(
    _ shape: [Int], batch: Int, _ work: Work, _ precision: TrainingSettings.Precision,
    _ summary: @autoclosure () -> ModelSummary
  ) throws {
    let (height, width) = (shape[1], shape[2])
    // Asking costs a forward pass: not where any machine has enough.
    guard batch * height * width > 1 << 23 else { return }
    let need = bytes(summary(), batch: batch, work, precision)
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard need > memory else { return }
    throw TrainingError(
      String(
        format:
          "batch: %d pictures of %dx%d take at least %.0f GiB, this machine has %.0f: expected a smaller batch or size",
        batch, width, height, (need / 0x1p30).rounded(.up), memory / 0x1p30))
  }
}
