import Foundation

/// The committed files that tests read: `Tests/Fixtures`.
public enum Fixtures {
  public static let directory = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

  public static func url(_ name: String) -> URL { directory.appending(path: name) }

  /// The whole checkout, for tests that read sources.
  public static let package = directory.deletingLastPathComponent().deletingLastPathComponent()
}
