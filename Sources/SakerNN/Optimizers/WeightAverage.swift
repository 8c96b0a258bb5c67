import CKernels
import Foundation
import SakerTensor

/// An exponential moving average of a model's weights and running statistics, which often evaluates
/// better than the weights themselves. Polyak & Juditsky 1992.
///
/// The average forgets faster while it is young: with decay d and warm-up τ, update t keeps
/// `d (1 − e^(−t/τ))` of it.
public final class WeightAverage {
  public let decay, warmUp: Double
  /// How often it was updated.
  public private(set) var updates = 0
  private let entries: [(name: String, item: Walk.Item)]
  private let averages: [Buffer]
  private var isSwapped = false

  /// Starts as a copy of the model.
  /// - Parameter warmUp: τ in updates; 0 for none.
  public init(of model: some Module, decay: Double = 0.9999, warmUp: Double = 2000) {
    self.decay = decay
    self.warmUp = warmUp
    entries = Walk(model).entries
    averages = entries.map { Buffer($0.item.value.contiguous()) }
  }

  /// Takes note of the model after a step. Numbers that are not floating, such as
  /// counts, are copied.
  public func update() {
    check(
      !isSwapped, op: "WeightAverage.update", expected: "the model's own weights",
      got: "the average")
    updates += 1
    let kept = warmUp > 0 ? decay * (1 - exp(-Double(updates) / warmUp)) : decay
    for (entry, average) in zip(entries, averages) {
      let value = entry.item.value
      guard value.dtype == .float32 else {
        average.value = value
        continue
      }
      value.withElements(of: Float.self) { new in
        average.update { old in
          guard let old = old.baseAddress, let new = new.baseAddress else { return }
          Parallel.run(value.count, grain: 16384) { part in
            let first = part.lowerBound
            saker_mix_f32(old + first, new + first, part.count, Float(1 - kept))
          }
        }
      }
    }
  }

  /// Runs `body` while the model has the averaged weights.
  public func applied<R>(_ body: () throws -> R) rethrows -> R {
    swap()
    defer { swap() }
    return try body()
  }

  /// Exchanges the model's weights with the averaged ones; once more exchanges them back.
  public func swap() {
    isSwapped.toggle()
    for (entry, average) in zip(entries, averages) {
      let own = entry.item.value
      entry.item.set(average.value)
      average.value = own
    }
  }

  /// The averages under the model's names, and the number of updates.
  public var state: [NamedTensor] {
    zip(entries, averages).map { NamedTensor($0.name, $1.value) }
      + [NamedTensor(Self.updatesName, Tensor([Int64(updates)], []))]
  }

  private static let updatesName = "updates"

  /// Goes on from a stored state, bit for bit.
  /// - Throws: `CheckpointError` with everything that does not fit; then nothing has changed.
  public func restore(_ state: [NamedTensor], file: String = "average state") throws {
    let tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
    var problems: [String] = []
    for (entry, average) in zip(entries, averages) {
      guard let tensor = tensors[entry.name] else {
        problems.append("\(entry.name): missing")
        continue
      }
      let own = average.value
      if tensor.shape != own.shape || tensor.dtype != own.dtype {
        problems.append(
          "\(entry.name): expected \(own.dtype) \(own.shape), got \(tensor.dtype) \(tensor.shape)")
      }
    }
    let known = Set(entries.map(\.name) + [Self.updatesName])
    problems += tensors.keys.filter { !known.contains($0) }.sorted().map { "\($0): unexpected" }
    let count = tensors[Self.updatesName]
    if count?.count != 1 { problems.append("\(Self.updatesName): expected one count") }
    guard problems.isEmpty, let count else {
      throw CheckpointError(file: file, "does not fit the model", problems)
    }
    updates = Int(count.scalars(as: Int64.self)[0])
    for (entry, average) in zip(entries, averages) { average.value = tensors[entry.name]! }
  }
}
