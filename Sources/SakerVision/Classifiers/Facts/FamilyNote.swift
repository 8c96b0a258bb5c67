/// What a page says of a family of classifiers: the paper, the idea, and a block to draw.
public struct FamilyNote: Sendable {
  /// As `ClassifierEntry.family` calls it.
  public let family: String
  public let title: String
  /// Authors, title, where and when.
  public let papers: [String]
  public let idea: String
  /// Where the networks here differ from the paper; empty where they don't.
  public let deviations: String
  public let block: Block

  /// What one block of the family computes: branches of layers side by side, and what becomes
  /// of their results.
  public struct Block: Sendable {
    public let name: String
    /// Each from top to bottom; an empty one passes the input on as it is.
    public let branches: [[String]]
    /// `+`, `join`, or nothing for a single branch.
    public let end: String

    init(_ name: String, _ branches: [[String]], _ end: String = "") {
      (self.name, self.branches, self.end) = (name, branches, end)
    }
  }

  init(
    _ family: String, _ title: String, _ papers: [String], _ idea: String,
    deviations: String = "", block: Block
  ) {
    (self.family, self.title, self.papers) = (family, title, papers)
    (self.idea, self.deviations, self.block) = (idea, deviations, block)
  }

  /// One for each family of the catalogue, in its order.
  public static let all: [FamilyNote] = plain + inceptions + residuals + darknets + mobiles + tokens
}
