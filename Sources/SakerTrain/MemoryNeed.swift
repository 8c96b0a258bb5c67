import Foundation
import SakerData
import SakerTensor
import SakerVision

/// Finds out before the work whether a batch fits into the machine: the system ends a program that takes too much without a
/// word.
public enum MemoryNeed {
  public enum Work: Sendable { case training, inference }

  /// A lower bound of what a batch takes, in bytes. Training keeps what each convolution or linear layer puts out and, as
  /// much again, what is made of it; inference, the largest output and what it is made from.
  public static func bytes(
    _ model: any Detector, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) -> Double {
    let outputs = ModelSummary(model).rows.filter { $0.multiplyAdds > 0 }
      .map { $0.outputShape.reduce(1) { $0 * Double($1) } }
    let kept = work == .training ? outputs.reduce(0, +) : outputs.max() ?? 0
    let size = precision == .bfloat16 ? 2.0 : 4.0
    let input = Double(model.card.preprocessing.count) * 4
    return Double(batch) * (2 * kept * size + input)
  }

  /// - Throws: `TrainingError` if the batch takes more memory than the machine has.
  public static func check(
    _ model: any Detector, batch: Int, _ work: Work, _ precision: TrainingSettings.Precision
  ) throws {
    let preprocessing = model.card.preprocessing
    // Asking costs a forward pass: not where any machine has enough.
    guard batch * preprocessing.height * preprocessing.width > 1 << 23 else { return }
    let need = bytes(model, batch: batch, work, precision)
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard need > memory else { return }
    throw TrainingError(
      String(
        format:
          "batch: %d pictures of %dx%d take at least %.0f GiB, this machine has %.0f: expected a smaller batch or size",
        batch, preprocessing.width, preprocessing.height, (need / 0x1p30).rounded(.up),
        memory / 0x1p30))
  }
}
