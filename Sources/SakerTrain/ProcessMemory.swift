import Foundation

/// What the system says of this process's memory.
public enum ProcessMemory {
  /// Peak resident memory in bytes; 0 where the system does not report it.
  public static var peak: Int { value("VmHWM:") }
  /// Resident now, in bytes.
  public static var resident: Int { value("VmRSS:") }

  private static func value(_ key: String) -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
      let kilobytes = line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first
    else { return 0 }
    return (Int(kilobytes) ?? 0) << 10
  }
}
