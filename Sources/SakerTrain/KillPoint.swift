import Foundation

/// Places in what a run writes where a test ends it as SIGKILL would: with
/// `SAKER_KILL_AT=checkpoint:2` in the environment, the process ends in the second epoch before its
/// checkpoint is written.
package enum KillPoint: String, CaseIterable, Sendable {
  /// Before the epoch's events.
  case events
  /// After them, before the checkpoint.
  case checkpoint
  /// After the best weights, before the last.
  case last
  /// After the checkpoint, before the table.
  case table
  /// After the table.
  case told
  /// After all epochs, before the last pictures.
  case pictures
  /// After everything.
  case end

  private static let wanted: (point: KillPoint, epoch: Int)? = {
    let parts = ProcessInfo.processInfo.environment["SAKER_KILL_AT"]?.split(separator: ":")
    guard let parts, parts.count == 2, let point = KillPoint(rawValue: String(parts[0])),
      let epoch = Int(parts[1])
    else { return nil }
    return (point, epoch)
  }()

  /// - Parameter epoch: from 1.
  package func pass(_ epoch: Int) {
    guard let wanted = KillPoint.wanted, wanted.point == self, wanted.epoch == epoch else { return }
    kill(getpid(), SIGKILL)
  }
}
