/// What `load` lets pass, and what it does before it compares a state with a model. As it is made,
/// nothing: every name has to fit.
///
///     try model.load(state: state, .newHead(model.head))  // all but the head
///     try model.load(state: state, .whatFits)  // what fits, the rest stays as it was
public struct PartialLoading: Sendable {
  /// Patterns of the state's names (`*` is any text, `?` any character) that are left out before
  /// anything else: `optimizer.*`.
  public var ignoring: [String]
  /// In this order; the first that fits a name makes it another.
  public var renaming: [NameRule]
  /// Patterns of the model's names that keep their values whatever the state has: `fc.*`.
  public var keeping: [String]
  /// Whether names that the state lacks may stay as they are.
  public var allowsMissing = false
  /// Whether names that the model lacks are passed over.
  public var allowsUnexpected = false
  /// Whether tensors of another shape, or of whole numbers in place of floating ones, are passed
  /// over.
  public var allowsMisshapen = false
  /// Whether elements may be infinite or not a number.
  public var allowsNonFinite = false

  public init(
    ignoring: [String] = [], renaming: [NameRule] = [], keeping: [String] = []
  ) {
    self.ignoring = ignoring
    self.renaming = renaming
    self.keeping = keeping
  }

  /// Everything has to fit.
  public static let whole = PartialLoading()

  /// What fits is taken, the rest reported.
  public static let whatFits: PartialLoading = {
    var options = PartialLoading()
    (options.allowsMissing, options.allowsUnexpected, options.allowsMisshapen) = (true, true, true)
    return options
  }()

  /// All but some layers, which start anew: those that tell other classes apart. Whatever the state
  /// has under their names, of whichever shape, is passed over.
  /// - Parameter layers: names without `.weight` and `.bias`, as `Classifier.head` gives them.
  public static func newHead(_ layers: [String]) -> PartialLoading {
    PartialLoading(keeping: layers.map { $0 + ".*" })
  }
}

/// Makes a name of another: `model.*` to `*` takes a beginning away, `*` to `backbone.*` puts one
/// before, `*.gamma` to `*.weight` changes an end, `block*.conv*.w` to `blocks.*.*.weight` all
/// between. What the stars stand for stays, in its order.
public struct NameRule: Hashable, Sendable {
  /// With any number of stars, each of which stands for as little text as it can; without one it is
  /// a whole name.
  public let from: String
  /// With at most as many stars as `from`: the first stands for what `from`'s first does, and so
  /// on.
  public let to: String

  public init(from: String, to: String) {
    self.from = from
    self.to = to
  }

  /// `from=to`; `nil` if it is not that.
  public init?(_ text: String) {
    let sides = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else { return nil }
    let stars = sides.map { side in side.count { $0 == "*" } }
    guard stars[1] <= stars[0] else { return nil }
    self.init(from: sides[0], to: sides[1])
  }

  /// The new name, or `nil` if the rule is not for this one.
  public func callAsFunction(_ name: String) -> String? {
    guard let texts = texts(in: name) else { return nil }
    let parts = to.split(separator: "*", omittingEmptySubsequences: false)
    return zip(texts, parts.dropFirst()).reduce(String(parts[0])) { $0 + $1.0 + $1.1 }
  }

  /// What the stars of `from` stand for in a name.
  private func texts(in name: String) -> [Substring]? {
    let parts = from.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last, parts.count > 1 else {
      return name == from ? [] : nil
    }
    guard name.count >= first.count + last.count, name.hasPrefix(first), name.hasSuffix(last) else {
      return nil
    }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    var texts: [Substring] = []
    for part in parts.dropFirst().dropLast() {
      // Two stars in a row: the first stands for nothing.
      guard let place = part.isEmpty ? rest.startIndex..<rest.startIndex : rest.firstRange(of: part)
      else { return nil }
      texts.append(rest[..<place.lowerBound])
      rest = rest[place.upperBound...]
    }
    return texts + [rest]
  }
}

/// What became of a state's tensors and a model's.
public struct LoadReport: Hashable, Codable, Sendable {
  /// The model's names that took values.
  public var loaded: [String] = []
  /// Those that the options kept as they were.
  public var kept: [String] = []
  /// Those that the state lacks, but for `num_batches_tracked`, which old files do not have.
  public var missing: [String] = []
  /// The state's names that the model lacks.
  public var unexpected: [String] = []
  /// Those of another shape or type, with what was expected and got.
  public var misshapen: [String] = []
  /// Those with elements that are infinite or not a number, and how many.
  public var nonFinite: [String] = []
  /// How the state's names became the model's, if they had to.
  public var names: String?

  /// How many of the model's tensors there are, without counters of batches that the state lacks.
  public var total: Int { loaded.count + kept.count + missing.count + misshapen.count }

  /// `loaded 319 of 320 tensors; missing 1: fc.weight`
  public var summary: String {
    var parts = ["loaded \(loaded.count) of \(total) tensors"]
    if let names { parts[0] += " under the names of \(names)" }
    for (list, word) in [
      (kept, "kept"), (missing, "missing"), (unexpected, "not used"), (misshapen, "misshapen"),
      (nonFinite, "not finite"),
    ] where !list.isEmpty {
      let more = list.count > 3 ? " and \(list.count - 3) more" : ""
      parts.append("\(word) \(list.count): \(list.prefix(3).joined(separator: ", "))\(more)")
    }
    return parts.joined(separator: "; ")
  }
}
