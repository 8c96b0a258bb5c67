import Foundation

/// A line that shows how far long work is, how fast it goes and how long it will take; rewritten in
/// place on a terminal, left out where nobody looks (a file, a pipe). Goes to standard error, so
/// that results on standard output stay clean.
public final class ProgressLine {
  /// Whether the output is a terminal.
  public let isLive: Bool
  private let total: Int
  private let first: Int
  private let unit: String
  private let label: String
  private let start = Date()
  private var lastShown = Date.distantPast
  private var width = 0

  /// - Parameters:
  ///   - label: what is done, in front of the bar.
  ///   - total: how many units there are.
  ///   - first: how many units were done before; they don't count for the rate.
  ///   - unit: what is counted, for the rate: `img`.
  ///   - isQuiet: shows nothing, as for `--json`.
  public init(
    _ label: String, total: Int, from first: Int = 0, unit: String = "img", isQuiet: Bool = false
  ) {
    self.label = label
    self.total = max(total, 1)
    self.first = first
    self.unit = unit
    isLive = !isQuiet && isatty(STDERR_FILENO) == 1
  }

  /// Shows that `done` units are done, at most ten times a second.
  public func update(_ done: Int, _ detail: @autoclosure () -> String = "") {
    guard isLive else { return }
    let now = Date()
    guard now.timeIntervalSince(lastShown) >= 0.1 || done == total else { return }
    lastShown = now
    let seconds = now.timeIntervalSince(start)
    let rate = seconds > 0 ? Double(done - first) / seconds : 0
    let left = rate > 0 ? ProgressLine.clock(Double(total - done) / rate) : "--:--"
    let cells = 20
    let filled = cells * min(done, total) / total
    let bar =
      String(repeating: "━", count: filled) + String(repeating: "╌", count: cells - filled)
    show(
      "\(label) \(bar) \(done)/\(total) \(String(format: "%.1f", rate)) \(unit)/s, "
        + "\(left) left  \(detail())")
  }

  /// Takes the line away.
  public func finish() {
    guard isLive else { return }
    show("")
    write("\r")
  }

  /// Rewrites the line, cut to the terminal's width: a longer one would begin a new line each time.
  private func show(_ line: String) {
    let text = String(line.prefix(ProgressLine.columns - 1))
    let padding = max(0, width - text.count)
    width = text.count
    write("\r" + text + String(repeating: " ", count: padding))
  }

  private static var columns: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1
      ? Int(size.ws_col) : 80
  }

  /// A terminal that is gone costs nobody a run.
  private func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// `1:05` or `2:03:09`; `--:--` for what is no time, or a hundred hours and more.
  public static func clock(_ seconds: Double) -> String {
    guard (0..<359_999.5).contains(seconds) else { return "--:--" }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? String(format: "%d:%02d", whole / 60, whole % 60)
      : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
  }
}
