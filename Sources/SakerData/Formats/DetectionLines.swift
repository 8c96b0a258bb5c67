/// What the numbers of a line in a picture's text file are: a class, then a score and a
/// box in this order.
extension DetectionFiles {
  public enum LineForm: String, CaseIterable, Codable, Sendable {
    /// `class score left top right bottom`, pixels.
    case corners
    /// `class score left top width height`, pixels.
    case size
    /// `class x y width height score` of the centre, as shares of the picture: YOLO's
    /// `--save-txt --save-conf`.
    case yolo
    /// `class score x y width height` of the centre, as shares of the picture.
    case center
    /// `class left top right bottom score`, pixels.
    case cornersLast = "corners-last"
    /// `class left top width height score`, pixels.
    case sizeLast = "size-last"

    var hasScoreLast: Bool { self == .yolo || self == .cornersLast || self == .sizeLast }
    /// Whether the box is told in shares of the picture.
    var isInShares: Bool { self == .yolo || self == .center }

    /// The box of four numbers; `nil` if it needs the picture's size and there is none.
    func box(_ n: (Double, Double, Double, Double), _ size: PictureSize?) -> LabelBox? {
      switch self {
      case .corners, .cornersLast: return LabelBox(left: n.0, top: n.1, right: n.2, bottom: n.3)
      case .size, .sizeLast: return LabelBox(left: n.0, top: n.1, width: n.2, height: n.3)
      case .center, .yolo:
        guard let size else { return nil }
        return LabelBox(left: n.0 - n.2 / 2, top: n.1 - n.3 / 2, width: n.2, height: n.3)
          .scaled(x: Double(size.width), y: Double(size.height))
      }
    }
  }

  /// What was told from the numbers because nobody said it.
  public struct Guess: Codable, Hashable, Sendable {
    /// `lines` or `classes`.
    public var what: String
    /// What they are taken for.
    public var taken: String
    /// In words, for people.
    public var reason: String
  }
}

/// A line of a picture's text file before anybody knows what its numbers are.
struct DetectionLine {
  var file: String
  var line: Int
  /// Its picture's place among the truths; `nil` for a picture that they don't have.
  var place: Int?
  var name: String
  var numbers: [Double]

  func score(_ form: DetectionFiles.LineForm) -> Double {
    form.hasScoreLast ? numbers[4] : numbers[0]
  }

  func box(_ form: DetectionFiles.LineForm, _ size: PictureSize?) -> LabelBox? {
    let first = form.hasScoreLast ? 0 : 1
    return form.box(
      (numbers[first], numbers[first + 1], numbers[first + 2], numbers[first + 3]), size)
  }
}

/// Tells the form of lines from all of them: scores are 0...1, boxes are not inverted and lie in
/// their picture; where more than one form fits, it is the one whose boxes lie on the truths.
struct LineFormGuess {
  struct Evidence {
    var form: DetectionFiles.LineForm
    /// Lines that can be of this form.
    var fits: Int
    /// Mean over the lines of the largest IoU with a truth of the picture, of any class.
    var overlap: Double
  }

  private let lines: [DetectionLine]
  private let truths: LabelSet
  private let sizes: [Int: PictureSize]

  init(_ lines: [DetectionLine], _ truths: LabelSet, sizes: [Int: PictureSize]) {
    // A hundred lines tell as much as a million; these are spread over all of them.
    let step = max(1, lines.count / 20_000)
    self.lines = stride(from: 0, to: lines.count, by: step).map { lines[$0] }
    self.truths = truths
    self.sizes = sizes
  }

  /// - Throws: `DatasetError` if the lines are of no form, naming what contradicts each.
  func form(_ path: String) throws -> (DetectionFiles.LineForm, DetectionFiles.Guess) {
    var found = DetectionFiles.LineForm.allCases.map(evidence)
    // Numbers for classes are YOLO's way.
    if lines.contains(where: { Int($0.name) == nil }) {
      let yolo = found.remove(at: found.firstIndex { $0.form == .yolo }!)
      found.append(yolo)
    }
    let enough = Double(lines.count) * 0.95
    let possible = found.filter { Double($0.fits) >= enough }
    guard let best = possible.max(by: { $0.overlap < $1.overlap - 0.02 }) else {
      let all = found.map { "\($0.form.rawValue) \($0.fits)" }.joined(separator: ", ")
      throw LabelFolder.failure(
        path,
        "cannot be told what its lines hold: of \(lines.count) lines looked at, so many fit a form "
          + "(score 0...1, box not inverted and in its picture): \(all); name it with --lines")
    }
    func told(_ one: Evidence) -> String {
      var out = TextOutput()
      out.write(one.overlap, most: 3)
      return "\(one.form.rawValue) (\(one.fits) of \(lines.count) lines fit, mean IoU with the "
        + "nearest truth \(String(decoding: out.bytes, as: UTF8.self)))"
    }
    let others = possible.filter { $0.form != best.form }
    var reason = "lines are taken as \(told(best))"
    if let next = others.max(by: { $0.overlap < $1.overlap }) {
      reason += best.overlap - next.overlap < 0.02 ? "; they could as well be " : ", not "
      reason += told(next)
    } else if let next = found.filter({ $0.form != best.form }).max(by: { $0.fits < $1.fits }) {
      reason += ", not \(next.form.rawValue) (\(next.fits) fit)"
    }
    return (
      best.form,
      DetectionFiles.Guess(
        what: "lines", taken: best.form.rawValue, reason: reason + "; --lines says it")
    )
  }

  private func evidence(_ form: DetectionFiles.LineForm) -> Evidence {
    var evidence = Evidence(form: form, fits: 0, overlap: 0)
    var known = 0
    for line in lines {
      let size = line.place.flatMap { sizes[$0] }
      if fits(line, form, size) { evidence.fits += 1 }
      guard let place = line.place, let box = line.box(form, size) else { continue }
      known += 1
      evidence.overlap += truths.pictures[place].objects.reduce(0) { max($0, $1.box.iou(box)) }
    }
    evidence.overlap /= Double(max(known, 1))
    return evidence
  }

  private func fits(
    _ line: DetectionLine, _ form: DetectionFiles.LineForm, _ size: PictureSize?
  ) -> Bool {
    guard (0...1).contains(line.score(form)) else { return false }
    // Shares of a picture whose size is unknown can still be told by their sums.
    let area = size ?? (form.isInShares ? PictureSize(width: 1, height: 1) : nil)
    guard let box = line.box(form, area), box.width >= 0, box.height >= 0 else { return false }
    if !form.isInShares, max(box.left, box.top, box.width, box.height) <= 1 { return false }
    guard let area else { return true }
    // Detectors reach over the border a little.
    let (x, y) = (0.1 * Double(area.width), 0.1 * Double(area.height))
    return box.left >= -x && box.top >= -y && box.right <= Double(area.width) + x
      && box.bottom <= Double(area.height) + y
  }
}

extension LabelBox {
  /// Intersection over union, 0...1; 0 for boxes without area.
  func iou(_ other: LabelBox) -> Double {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    guard width > 0, height > 0 else { return 0 }
    let shared = width * height
    return shared / (area + other.area - shared)
  }
}
