/// Why a loader could not give the next batch. A picture that breaks is a `PictureError`.
public enum LoaderError: Error, Hashable, CustomStringConvertible, Sendable {
  /// No batch came within the time allowed; `file` is what was being worked on for the longest.
  case stalled(file: String, seconds: Double)
  /// Every picture of an epoch was left out because it could not be read; `last` is why.
  case nothingReadable(pictures: Int, last: String)
  /// Options that exclude each other.
  case conflict(String)
  /// A sample could not be loaded.
  case failed(file: String, reason: String)

  public var description: String {
    switch self {
    case .stalled(let file, let seconds):
      "\(file): no batch for \(seconds) seconds while this picture was being read"
    case .nothingReadable(let pictures, let last):
      "none of \(pictures) pictures could be read; the last: \(last)"
    case .conflict(let what): what
    case .failed(let file, let reason):
      reason.hasPrefix(file) ? reason : "\(file): \(reason)"
    }
  }
}
