/// What counts as found.
public struct DetectionOptions: Hashable, Codable, Sendable {
  /// A class is a candidate where its probability is at least this. The default is low, as measures of precision over all
  /// confidences need it; to show pictures, take 0.3 to 0.5.
  public var confidence: Float
  /// A box stays beside a better one of its class if their IoU is at most this.
  public var iou: Float
  /// Whether boxes of different classes suppress each other.
  public var isClassAgnostic: Bool
  /// The most boxes of a class that enter the suppression, the best ones.
  public var candidates: Int
  /// The most detections of a picture.
  public var limit: Int

  public init(
    confidence: Float = 0.01, iou: Float = 0.45, isClassAgnostic: Bool = false,
    candidates: Int = 400, limit: Int = 200
  ) {
    self.confidence = confidence
    self.iou = iou
    self.isClassAgnostic = isClassAgnostic
    self.candidates = candidates
    self.limit = limit
  }
}
