import Foundation

/// How much of what is drawn at random is tested.
public enum Thoroughness {
  /// 1 for all random cases; 5 for each fifth, as `Scripts/test-isa.sh` has it for the lesser
  /// instruction sets, by the environment variable SAKER_TEST_STEP.
  public static let step = max(
    1, ProcessInfo.processInfo.environment["SAKER_TEST_STEP"].flatMap { Int($0) } ?? 1)
}
