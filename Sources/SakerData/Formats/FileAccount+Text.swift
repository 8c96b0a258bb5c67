extension FileAccount: Encodable {
  private enum Keys: String, CodingKey { case pictures, labels, splits, isComplete }
  private enum TallyKeys: String, CodingKey { case found, used, leftOut, names }

  private struct Group: Encodable {
    var reason: String
    var count: Int
    /// The first of them.
    var files: [String]
  }

  /// `found`, `used` and `left_out` of each, with the first ten files of every reason.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    func encode(_ tally: Tally, _ key: Keys, _ names: [String]?) throws {
      var nested = container.nestedContainer(keyedBy: TallyKeys.self, forKey: key)
      try nested.encode(tally.found, forKey: .found)
      try nested.encode(tally.used, forKey: .used)
      try nested.encodeIfPresent(names, forKey: .names)
      try nested.encode(
        tally.reasons.map {
          Group(reason: $0.reason, count: $0.files.count, files: Array($0.files.prefix(10)))
        },
        forKey: .leftOut)
    }
    try encode(pictures, .pictures, nil)
    try encode(labels, .labels, nil)
    try encode(splits, .splits, usedSplits)
    if !isComplete { try container.encode(false, forKey: .isComplete) }
  }
}

extension FileAccount: CustomStringConvertible {
  /// One line if everything is used; else a line for each sum, and one for each reason with an
  /// example.
  public var lines: [String] {
    let named = usedSplits.isEmpty ? "" : " (\(usedSplits.joined(separator: ", ")))"
    func count(_ number: Int, _ one: String) -> String {
      "\(number) \(one)\(number == 1 ? "" : "s")"
    }
    guard !isWhole else {
      var parts = [count(pictures.found, "picture")]
      if labels.found > 0 { parts.append(count(labels.found, "label file")) }
      if splits.found > 0 { parts.append(count(splits.found, "split") + named) }
      return ["files: \(parts.joined(separator: ", ")), all used"]
    }
    var lines: [String] = []
    func add(_ what: String, _ tally: Tally, _ names: String = "") {
      guard tally.found > 0 else { return }
      guard !tally.leftOut.isEmpty else {
        return lines.append("\(what): \(tally.found) found, all used\(names)")
      }
      lines.append(
        "\(what): \(tally.found) found = \(tally.used) used\(names) + \(tally.leftOut.count) left out"
      )
      for (reason, files) in tally.reasons {
        let example = ByteText.shown(files[0], most: 200)
        lines.append(
          "  \(files.count): \(reason) (\(files.count > 1 ? "as " : "")\(example))")
      }
    }
    add("pictures", pictures)
    add("label files", labels)
    add("splits", splits, named)
    if !isComplete { lines.append("files: too many to count; only the first were listed") }
    return lines
  }

  public var description: String { lines.joined(separator: "\n") }
}
