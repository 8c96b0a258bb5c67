/// What counts as found.
public struct DetectionOptions: Hashable, Codable, Sendable {
  /// A class is a candidate where its probability is at least this. The default is low, as measures
  /// of precision over all confidences need it; to show pictures, take 0.3 to 0.5.
  public var confidence: Float
  /// A box stays beside a better one of its class if their IoU is at most this.
  public var iou: Float
  /// Whether boxes of different classes suppress each other.
  public var isClassAgnostic: Bool
  /// The most boxes of a class that enter the suppression, the best ones.
  public var candidates: Int
  /// The most detections of a picture.
  public var limit: Int
  /// What becomes of a box that overlaps a better one.
  public var rule = SuppressionRule.hard

  public init(
    confidence: Float = 0.01, iou: Float = 0.45, isClassAgnostic: Bool = false,
    candidates: Int = 400, limit: Int = 200, rule: SuppressionRule = .hard
  ) {
    self.rule = rule
    self.confidence = confidence
    self.iou = iou
    self.isClassAgnostic = isClassAgnostic
    self.candidates = candidates
    self.limit = limit
  }
}

extension DetectionOptions {
  /// Options written before there were rules have the hard one.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      confidence: try values.decode(Float.self, forKey: .confidence),
      iou: try values.decode(Float.self, forKey: .iou),
      isClassAgnostic: try values.decode(Bool.self, forKey: .isClassAgnostic),
      candidates: try values.decode(Int.self, forKey: .candidates),
      limit: try values.decode(Int.self, forKey: .limit),
      rule: try values.decodeIfPresent(SuppressionRule.self, forKey: .rule) ?? .hard)
  }

  /// The suppression that these options ask for.
  public var suppression: Suppression {
    Suppression(
      iou: iou, isClassAgnostic: isClassAgnostic, candidates: candidates, limit: limit, rule: rule)
  }
}
