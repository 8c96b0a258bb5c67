/// Why a loader could not give the next batch. A picture that breaks is a `PictureError`.
public enum LoaderError: Error, Hashable, CustomStringConvertible, Sendable {
  /// No batch came within the time allowed; `file` is what was being worked on for the longest.
  case stalled(file: String, seconds: Double)
  /// Every picture of an epoch was left out because it could not be read; `last` is why.
  case nothingReadable(pictures: Int, last: String)

  public var description: String {
    switch self {
    case .stalled(let file, let seconds):
      "\(file): no batch for \(seconds) seconds while this picture was being read"
    case .nothingReadable(let pictures, let last):
      "none of \(pictures) pictures could be read; the last: \(last)"
    }
  }
}
