extension LabelSet {
  /// What checking may be asked to allow.
  public struct CheckRules: Sendable {
    /// How far outside its picture a box may reach before it counts, in pixels: some tools count
    /// from 0, some write the far corner exclusively.
    public var tolerance = 1.0

    public init() {}
  }

  /// What the labels state wrongly: boxes that are inverted, empty, outside their picture or no
  /// numbers; classes that are not among the known ones; objects and pictures that are there twice.
  /// `problems` from reading are not repeated.
  public func check(_ rules: CheckRules = CheckRules()) -> [DataProblem] {
    var found = [lackOfLabels ?? lackOfClasses].compactMap(\.self)
    var paths: [String: Int] = [:]
    paths.reserveCapacity(pictures.count)
    for (index, picture) in pictures.enumerated() {
      guard found.count < LabelFolder.mostProblems else { break }
      if archive == nil, !picture.path.isEmpty {
        if let other = paths[picture.path] {
          let by = pictures[other].source
          found.append(
            DataProblem(
              .error, file: picture.source.isEmpty ? picture.path : picture.source,
              line: picture.line > 0 ? Int(picture.line) : nil,
              by.isEmpty || by == picture.source
                ? "describes \(picture.path) twice" : "describes \(picture.path), as \(by) does"))
        }
        paths[picture.path] = index
      }
      if let label = picture.label, !classes.indices.contains(label) {
        found.append(
          DataProblem(
            .error, file: picture.source.isEmpty ? picture.path : picture.source,
            "class \(label) of \(picture.file) is not among the \(classes.count) classes"))
      }
      for object in picture.objects { check(object, picture, rules, &found) }
      checkTwins(picture, &found)
    }
    return found
  }

  /// Objects of one class with the same box.
  private func checkTwins(_ picture: LabeledPicture, _ found: inout [DataProblem]) {
    guard picture.objects.count > 1 else { return }
    struct Key: Hashable {
      var label: Int
      var box: LabelBox
    }
    var seen: Set<Key> = []
    for object in picture.objects {
      if case .line = object.shape { continue }
      // A prediction may well say one thing twice; a truth may not.
      if object.score == nil, !seen.insert(Key(label: object.label, box: object.box)).inserted {
        found.append(
          problem(.warning, object, picture, "box of \(name(object)) is there twice"))
      }
    }
  }

  private func check(
    _ object: LabeledObject, _ picture: LabeledPicture, _ rules: CheckRules,
    _ found: inout [DataProblem]
  ) {
    func report(_ severity: DataProblem.Severity, _ message: String) {
      found.append(problem(severity, object, picture, message))
    }
    if !classes.indices.contains(object.label) {
      report(.error, "class \(object.label) is not among the \(classes.count) classes")
    }
    if let score = object.score, !(0...1).contains(score) {
      report(.error, "score of \(name(object)) is \(score), expected 0...1")
    }
    if case .line(let points) = object.shape {
      if points.count < 4 { report(.warning, "lane has \(points.count / 2) points") }
      return
    }
    if case .polygons(let parts) = object.shape {
      for part in parts where part.count < 6 || part.count % 2 == 1 {
        report(.error, "outline of \(name(object)) has \(part.count) numbers")
      }
    }
    if case .mask(let mask) = object.shape, let size = picture.size,
      mask.width != size.width || mask.height != size.height
    {
      report(
        .error, "mask of \(name(object)) is \(mask.width)x\(mask.height), its picture \(size)")
    }
    let box = object.box
    guard box.isFinite else {
      report(.error, "box of \(name(object)) is no numbers")
      return
    }
    let told = shown(box, picture.size == nil)
    if isInverted(object) {
      report(.error, "box of \(name(object)) is inverted: \(told)")
      return
    }
    if hasNoArea(object) {
      report(.warning, "box of \(name(object)) has no area: \(told)")
      return
    }
    let (width, height, slack): (Double, Double, Double)
    if let size = picture.size {
      (width, height, slack) = (Double(size.width), Double(size.height), rules.tolerance)
    } else if hasFractions(picture) {
      (width, height, slack) = (1, 1, 0.01)
    } else {
      return
    }
    if box.left < -slack || box.top < -slack || box.right > width + slack
      || box.bottom > height + slack
    {
      let place = picture.size.map { "the \($0) picture" } ?? "0...1"
      report(.error, "box of \(name(object)) lies outside \(place): \(told)")
    }
  }

  /// Whether a box is empty. Pascal VOC's inclusive corners at one place are a pixel wide, but
  /// somebody clicked without drawing.
  func hasNoArea(_ object: LabeledObject) -> Bool {
    let box = object.box
    return box.area == 0 || format?.isVOC == true && (box.width == 1 || box.height == 1)
  }

  /// Whether the far corner lies before the near one.
  func isInverted(_ object: LabeledObject) -> Bool {
    let least: Double = format?.isVOC == true ? 1 : 0
    return object.box.width < least || object.box.height < least
  }

  private func name(_ object: LabeledObject) -> String {
    classes.indices.contains(object.label)
      ? ByteText.shown(classes[object.label].name) : "class \(object.label)"
  }

  /// Corners as the file states them.
  func shown(_ box: LabelBox, _ inFractions: Bool) -> String {
    var out = TextOutput()
    let first: Double = format?.isVOC == true ? 1 : 0
    for (i, value) in [box.left + first, box.top + first, box.right, box.bottom].enumerated() {
      if i > 0 { out.write(", ") }
      out.write(value, most: inFractions ? 6 : 2)
    }
    return String(decoding: out.bytes, as: UTF8.self)
  }

  private func problem(
    _ severity: DataProblem.Severity, _ object: LabeledObject, _ picture: LabeledPicture,
    _ message: String
  ) -> DataProblem {
    let number = object.id.map { " (annotation \($0))" } ?? ""
    return DataProblem(
      severity, file: picture.source.isEmpty ? picture.path : picture.source,
      line: object.line > 0 ? Int(object.line) : nil, message + number)
  }
}

extension LabelSet {
  /// Takes out pictures that are missing or broken and objects that are wrong, as `problems` and
  /// `check` tell; gives how many. Empty boxes stay: they are no error.
  @discardableResult
  public mutating func removeBad() -> (pictures: Int, objects: Int) {
    let (before, objectsBefore) = (pictures.count, objectCount)
    let broken = Set(problems.filter { $0.severity == .error }.map(\.file))
    var seen: Set<String> = []
    let hasFiles = archive == nil
    pictures.removeAll { picture in
      hasFiles
        && (picture.path.isEmpty || broken.contains(picture.path)
          || !seen.insert(picture.path).inserted)
    }
    for i in pictures.indices {
      let picture = pictures[i]
      let kept = picture.objects.filter { object in
        var found: [DataProblem] = []
        check(object, picture, CheckRules(), &found)
        return !found.contains { $0.severity == .error }
      }
      pictures[i].objects = kept
      if let label = picture.label, !classes.indices.contains(label) { pictures[i].label = nil }
    }
    return (before - pictures.count, objectsBefore - objectCount)
  }
}
