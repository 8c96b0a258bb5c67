import Foundation
import Testing

/// Tests that learn, tried with other seeds than their own: `SAKER_TEST_SEED=1` to 19, by
/// `Scripts/learning-margins.sh` (docs/testing.md, "Tests that learn"). Then they also print how
/// near to its limit each came.
public enum Trial {
  private static let number = ProcessInfo.processInfo.environment["SAKER_TEST_SEED"].flatMap {
    UInt64($0)
  }

  /// A test's own seed, or the one that this trial has in its place.
  public static func seed(_ own: UInt64) -> UInt64 { own + 1000 * (number ?? 0) }

  /// Expects a number to be below its limit.
  public static func expect<T: BinaryFloatingPoint>(
    _ value: T, below limit: T, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    if let number { print("trial \(number): \(name): \(value) of \(limit)") }
    #expect(value < limit, "\(name)", sourceLocation: sourceLocation)
  }
}
