import CKernels
import Synchronization

/// One run of an operation, as an observer sees it.
public struct OperationEvent: Sendable {
  public enum Phase: String, Sendable { case forward, backward }
  public let operation: any TensorOperation
  public let phase: Phase
  /// Shapes of the inputs in the forward pass, of the gradient in the backward pass.
  public let inputShapes: [Shape]
  public let outputShape: Shape
  public let nanoseconds: Int64
  /// What the shapes are of.
  public let inputs: [Tensor]
  /// The result going forward, the inputs' gradients going backward.
  public let outputs: [Tensor]
}

/// Sees every operation that runs, on whatever thread it runs. Operations inside operations are not
/// reported separately.
public protocol Observer: AnyObject, Sendable {
  func didRun(_ event: OperationEvent)
}

/// The observers of all operations.
public enum Observers {
  private static let all = Mutex<[any Observer]>([])

  /// Whether to take the time of the operation that starts now.
  static var watching: Bool { saker_observers() > 0 && saker_get_depth() == 0 }

  public static func add(_ observer: any Observer) {
    all.withLock { $0.append(observer) }
    saker_add_observers(1)
  }

  public static func remove(_ observer: any Observer) {
    all.withLock { observers in
      let before = observers.count
      observers.removeAll { $0 === observer }
      saker_add_observers(Int32(observers.count - before))
    }
  }

  static func report(
    _ operation: any TensorOperation, _ phase: OperationEvent.Phase, _ inputs: [Tensor],
    _ output: Tensor, _ outputs: [Tensor], since start: Int64
  ) {
    let observers = all.withLock { $0 }
    guard !observers.isEmpty else { return }
    let event = OperationEvent(
      operation: operation, phase: phase, inputShapes: inputs.map(\.shape),
      outputShape: output.shape, nanoseconds: saker_now() - start, inputs: inputs,
      outputs: outputs)
    // What observers compute belongs to no graph.
    Capture.$recorder.withValue(nil) { for observer in observers { observer.didRun(event) } }
  }
}

/// The time that was spent inside kernels (oneDNN, our own loops) while observers watched.
public enum KernelTime {
  /// Since the program started.
  public static var nanoseconds: Int64 { saker_kernel_time() }

  /// Runs a kernel, counting its time, once, if anybody watches.
  public static func measure<R>(_ body: () throws -> R) rethrows -> R {
    guard saker_observers() > 0, saker_enter_kernel() != 0 else { return try body() }
    let start = saker_now()
    defer {
      saker_leave_kernel()
      saker_add_kernel_time(saker_now() - start)
    }
    return try body()
  }
}
