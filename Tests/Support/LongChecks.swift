import Foundation

/// How much more the tests with random damage and random moments do than usually: `SAKER_LONG`, as
/// `.ci/full` sets it; 1 if left out.
public enum LongChecks {
  public static let factor = max(
    1, ProcessInfo.processInfo.environment["SAKER_LONG"].flatMap(Int.init) ?? 1)
}
