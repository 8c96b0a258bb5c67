/// What a writer wrote, to be compared with what a reader makes of it.
struct WrittenLabels {
  struct Picture: Hashable, Comparable {
    var split: String
    var name: String
    /// Labels of its objects, or of the picture, sorted; `nil` where objects may hide each other.
    var labels: [Int]?

    static func < (a: Picture, b: Picture) -> Bool {
      (a.split, a.name, a.labels?.description ?? "") < (
        b.split, b.name, b.labels?.description ?? ""
      )
    }
  }

  private(set) var pictures: [Picture] = []

  mutating func add(_ split: String?, _ name: String, _ labels: [Int]?) {
    pictures.append(
      Picture(
        split: split.map { "split " + $0 } ?? "no split", name: name, labels: labels?.sorted()))
  }

  /// What is read back otherwise, in words; `nil` if everything comes back.
  ///
  /// - Parameter classes: the names in their order; `nil` where the format has none.
  func difference(_ set: LabelSet, classes: [String]?) -> String? {
    if let error = set.problems.first(where: { $0.severity == .error }) {
      return error.message
    }
    if let classes, set.classNames != classes {
      let places = zip(classes, set.classNames).enumerated()
      guard let (label, (wanted, got)) = places.first(where: { $0.element.0 != $0.element.1 })
      else { return "\(classes.count) classes would be \(set.classNames.count)" }
      return "class \(label), \(ByteText.shown(wanted)), would be \(ByteText.shown(got))"
    }
    var read = WrittenLabels()
    let hasNames = set.archive == nil
    let hidesObjects = set.format == .vocSegmentation
    for picture in set.pictures {
      let labels = picture.label.map { [$0] } ?? picture.objects.map(\.label)
      read.add(picture.split, hasNames ? picture.name : "", hidesObjects ? nil : labels)
    }
    let wanted = pictures.map { picture in
      var picture = picture
      if !hasNames { picture.name = "" }
      return picture
    }
    for split in Swift.Set(wanted.map(\.split) + read.pictures.map(\.split)).sorted() {
      let (a, b) = (wanted.count { $0.split == split }, read.pictures.count { $0.split == split })
      if a != b { return "\(ByteText.shown(split)): \(a) pictures would be \(b)" }
    }
    guard let (a, b) = zip(wanted.sorted(), read.pictures.sorted()).first(where: { $0 != $1 })
    else { return nil }
    return a.name == b.name
      ? "the objects of \(ByteText.shown(a.name)) would be others"
      : "\(ByteText.shown(a.name)) would be \(ByteText.shown(b.name))"
  }
}
