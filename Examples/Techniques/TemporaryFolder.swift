import Foundation

/// A path that does not exist yet; what was made there goes away with the value.
final class TemporaryFolder {
  let path = NSTemporaryDirectory() + "saker-example-\(UUID().uuidString)"

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
