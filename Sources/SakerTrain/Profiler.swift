import Foundation
import SakerTensor
import Synchronization

/// The time each kind of operation takes, forward and backward, and how much of the whole is not
/// spent in kernels.
public final class Profiler: Observer {
  public struct Row: Codable, Hashable, Sendable {
    public var operation: String
    public var phase: String
    public var calls: Int
    public var milliseconds: Double
    /// Share of the total time, 0...1.
    public var share: Double
  }

  public struct Report: Codable, Hashable, Sendable {
    public var milliseconds: Double
    /// Time outside kernels: the framework's own, 0...1 of the whole.
    public var frameworkShare: Double
    /// The longest first.
    public var rows: [Row]
  }

  private struct Sum { var calls = 0, nanoseconds: Int64 = 0 }
  private struct Key: Hashable { var operation: String, phase: OperationEvent.Phase }

  private let sums = Mutex<[Key: Sum]>([:])
  private let start = ContinuousClock.now
  private let kernels = KernelTime.nanoseconds

  /// Starts to watch; `finish` ends it.
  public init() { Observers.add(self) }

  public func didRun(_ event: OperationEvent) {
    sums.withLock { sums in
      let key = Key(operation: event.operation.name, phase: event.phase)
      sums[key, default: Sum()].calls += 1
      sums[key]!.nanoseconds += event.nanoseconds
    }
  }

  /// Ends the watch.
  ///
  /// - Parameter excluding: seconds in between that were not work, such as waiting for data.
  public func finish(excluding: Double = 0) -> Report {
    Observers.remove(self)
    let elapsed = start.duration(to: .now)
    let milliseconds =
      Double(elapsed.components.seconds) * 1e3 + Double(elapsed.components.attoseconds) * 1e-15
    let whole = max(milliseconds - excluding * 1e3, 1e-6)
    let inKernels = Double(KernelTime.nanoseconds - kernels) / 1e6
    let rows = sums.withLock { sums in
      sums.map { key, sum in
        let milliseconds = Double(sum.nanoseconds) / 1e6
        return Row(
          operation: key.operation, phase: key.phase.rawValue, calls: sum.calls,
          milliseconds: milliseconds, share: milliseconds / whole)
      }
    }
    return Report(
      milliseconds: whole, frameworkShare: min(max(0, 1 - inKernels / whole), 1),
      rows: rows.sorted { ($0.milliseconds, $1.operation) > ($1.milliseconds, $0.operation) })
  }
}

extension Profiler.Report: CustomStringConvertible {
  public var description: String {
    var lines = ["operation                phase      calls        ms   share"]
    for row in rows {
      let name = row.operation.padding(toLength: 24, withPad: " ", startingAt: 0)
      let phase = row.phase.padding(toLength: 8, withPad: " ", startingAt: 0)
      lines.append(
        "\(name) \(phase)"
          + String(format: "%8d %9.1f %6.1f%%", row.calls, row.milliseconds, 100 * row.share))
    }
    lines.append(
      String(
        format: "whole time %.1f ms, outside kernels %.2f%%", milliseconds, 100 * frameworkShare))
    return lines.joined(separator: "\n")
  }
}
