import CKernels
import Synchronization

/// The first operation that made a NaN of numbers.
public struct Anomaly: Error, Hashable, Sendable, CustomStringConvertible {
  /// One run of an operation.
  public struct Place: Hashable, Sendable {
    public let operation: String
    public let phase: OperationEvent.Phase
    public let inputShapes: [Shape]
    public let outputShape: Shape
  }

  /// Where the NaN came from.
  public let place: Place
  public let count: Int
  public let elements: Int
  /// The first operation before that made an infinity of finite numbers, which may be the cause.
  public let infinity: Place?

  public var description: String {
    "\(place) made \(count) of \(elements) elements NaN"
      + (infinity.map { "; before, \($0) made an infinity" } ?? "")
  }
}

extension Anomaly.Place: CustomStringConvertible {
  public var description: String {
    let inputs = inputShapes.map(\.description).joined(separator: ", ")
    return "\(phase.rawValue) of \(operation) (\(inputs)) to \(outputShape)"
  }
}

/// Runs `body` while every operation of this thread is watched, forward and backward; slow, for
/// finding out where a NaN begins.
/// - Returns: what `body` returns, and the first anomaly, or `nil` if there was none.
public func detectingAnomalies<R>(_ body: () throws -> R) rethrows -> (result: R, anomaly: Anomaly?)
{
  let detector = AnomalyDetector()
  Observers.add(detector)
  defer { Observers.remove(detector) }
  let result = try body()
  return (result, detector.first)
}

private final class AnomalyDetector: Observer {
  private struct State {
    var infinity: Anomaly.Place?
    var first: Anomaly?
  }

  private let state = Mutex(State())
  private let thread = saker_thread()

  var first: Anomaly? { state.withLock { $0.first } }

  func didRun(_ event: OperationEvent) {
    guard saker_thread() == thread, first == nil else { return }
    let place = Anomaly.Place(
      operation: event.operation.name, phase: event.phase, inputShapes: event.inputShapes,
      outputShape: event.outputShape)
    let nan = event.outputs.reduce(0) { $0 + AnomalyDetector.count($1, .nan) }
    if nan > 0, !event.inputs.contains(where: { AnomalyDetector.count($0, .nan) > 0 }) {
      let elements = event.outputs.reduce(0) { $0 + $1.count }
      state.withLock {
        $0.first = Anomaly(place: place, count: nan, elements: elements, infinity: $0.infinity)
      }
    } else if state.withLock({ $0.infinity == nil }),
      event.outputs.contains(where: { AnomalyDetector.count($0, .infinite) > 0 }),
      !event.inputs.contains(where: { AnomalyDetector.count($0, .infinite) > 0 })
    {
      state.withLock { $0.infinity = place }
    }
  }

  private enum Kind { case nan, infinite }

  private static func count(_ tensor: Tensor, _ kind: Kind) -> Int {
    guard tensor.dtype.isFloating else { return 0 }
    return tensor.detached().converted(to: .float32).withElements(of: Float.self) { elements in
      var count = 0
      for element in elements {
        if kind == .nan ? element.isNaN : element.isInfinite { count += 1 }
      }
      return count
    }
  }
}
