import CKernels

/// Graceful interruption by Ctrl-C, SIGTERM or SIGHUP: the trainer checks between steps and stops
/// cleanly. A second one ends at once. SIGHUP stays ignored if it was, as `nohup` does.
public enum Interruption {
  /// From now on the signals are noted instead of ending the program.
  public static func watch() { saker_watch_interruption() }

  /// The signals end the program again.
  public static func ignore() { saker_forget_interruption() }

  /// Whether one came since `watch`.
  public static var isWanted: Bool { saker_is_interrupted() != 0 }
}
