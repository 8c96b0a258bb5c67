/// Why a picture could not be read or written.
public struct PictureError: Error, Hashable, CustomStringConvertible, Sendable {
  /// The file's path as it was given, or a name for bytes in memory.
  public let file: String
  public let reason: String

  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  public var description: String { "\(ByteText.path(file)): \(ByteText.message(reason))" }
}
