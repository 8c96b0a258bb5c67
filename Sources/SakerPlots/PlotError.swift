import SakerData

/// What kept a picture or chart from being drawn, read or written.
public struct PlotError: Error, Hashable, CustomStringConvertible {
  /// The file it is about; `nil` if it is about something in memory.
  public var file: String?
  public var problem: String

  public init(file: String? = nil, _ problem: String) {
    self.file = file
    self.problem = ByteText.message(problem)
  }

  public var description: String { file.map { "\($0): \(problem)" } ?? problem }
}
