import SakerData

/// How boxes and labels are drawn. Sizes are in pixels; `nil` follows the picture's size.
public struct AnnotationStyle: Hashable, Sendable {
  public var lineWidth: Double?
  public var fontSize: Double?
  public var showsNames = true
  public var showsScores = true
  /// Opacity of the colour inside boxes, 0...1.
  public var fill = 0.0

  public init() {}
}

extension Picture {
  /// A copy with boxes in the colours of their classes and labels with name and score.
  ///
  /// Every line has a thin halo of the opposite brightness, and labels stand on a plate whose text
  /// contrasts, so they read on any background. Labels stay inside the picture and off each other
  /// while there is room; the more confident lies on top. Where labels would hide much of the
  /// picture, they lose their scores, then everything. `truths` are drawn as stripes of their class
  /// colour and white, over the detections, and get names only if there are no detections. Boxes
  /// without area or with coordinates that are no numbers are left out, others are cut at the
  /// picture's border. A label without a name is called "class N".
  ///
  /// Throws `PlotError` for a picture larger than Cairo can draw on (32,767 pixels a side).
  public func annotated(
    with detections: [Detection], classNames: [String], truths: [Annotation] = [],
    style: AnnotationStyle = AnnotationStyle()
  ) throws -> Picture {
    guard width > 0, height > 0 else { return self }
    let canvas = try Canvas(self)
    canvas.draw(detections, classNames: classNames, truths: truths, style: style)
    return try canvas.picture()
  }
}

extension Canvas {
  func draw(
    _ detections: [Detection], classNames: [String], truths: [Annotation], style: AnnotationStyle
  ) {
    let side = (width + height) / 2
    let lineWidth = max(1, (style.lineWidth ?? side * 0.0036).rounded())
    let font = Font(size: style.fontSize ?? min(max(9, side * 0.021), 64), bold: true)

    // Least confident first, so that the most confident ends on top.
    let marks =
      detections
      .compactMap { found in
        edge(found.box, lineWidth).map {
          Mark(rect: $0, label: found.label, score: Double(found.score))
        }
      }
      .sorted { $0.order < $1.order }
    let striped = truths.compactMap { truth in
      edge(truth.box, lineWidth).map { Mark(rect: $0, label: truth.label, score: nil) }
    }

    for mark in marks {
      let color = Palette.color(mark.label)
      if style.fill > 0 { fill(mark.rect, color.with(opacity: style.fill)) }
      let halo = lineWidth + max(2, lineWidth * 0.7)
      stroke(mark.rect, color.readableText.with(opacity: 0.75), width: halo)
      stroke(mark.rect, color, width: lineWidth)
    }
    for mark in striped {
      let dash = [4 * lineWidth, 3 * lineWidth]
      stroke(mark.rect, .black.with(opacity: 0.6), width: lineWidth + 2)
      stroke(mark.rect, .white, width: lineWidth)
      stroke(mark.rect, Palette.color(mark.label), width: lineWidth, dash: dash)
    }
    guard style.showsNames || style.showsScores else { return }
    drawLabels(
      of: marks.isEmpty ? striped : marks, classNames: classNames, font, lineWidth, style: style)
  }

  private struct Mark {
    var rect: Rect
    var label: Int
    var score: Double?
    func text(names: [String]?, score shown: Bool) -> String {
      var words: [String] = []
      if let names { words.append(names.indices.contains(label) ? names[label] : "class \(label)") }
      if shown, let score { words.append(score.fixed(2)) }
      return words.joined(separator: " ")
    }

    var order: Double { score.map { $0.isNaN ? -.infinity : $0 } ?? 0 }
  }

  /// The box cut to the canvas and moved to whole pixels, so that its lines are sharp; `nil` if
  /// nothing is left.
  private func edge(_ box: Box, _ lineWidth: Double) -> Rect? {
    let corners = [box.left, box.top, box.right, box.bottom].map(Double.init)
    guard corners.allSatisfy(\.isFinite), box.width > 0, box.height > 0 else { return nil }
    // A line of odd width is sharp in the middle of a pixel, one of even width between two.
    let half = lineWidth / 2
    let offset = half - half.rounded(.down)
    func snap(_ v: Double, _ limit: Double) -> Double {
      min(max((v - offset).rounded() + offset, half), max(half, limit - half))
    }
    guard corners[0] < width, corners[1] < height, corners[2] > 0, corners[3] > 0 else {
      return nil
    }
    let (x, y) = (snap(corners[0], width), snap(corners[1], height))
    return Rect(
      x: x, y: y, width: max(1, snap(corners[2], width) - x),
      height: max(1, snap(corners[3], height) - y))
  }

  private func drawLabels(
    of marks: [Mark], classNames: [String], _ font: Font, _ lineWidth: Double,
    style: AnnotationStyle
  ) {
    let (ascent, descent) = textHeight(font)
    let padding = (font.size * 0.28).rounded(.up)
    let plateHeight = (ascent + descent + 1).rounded(.up)
    // On a stamp-sized picture a label would hide everything.
    guard plateHeight * 3 <= height else { return }
    var placement = LabelPlacement(
      area: Rect(x: 0, y: 0, width: width, height: height), boxes: marks.map(\.rect))
    // Where labels would hide a large part of the picture, they say less, or nothing.
    let texts = [(style.showsNames, style.showsScores), (style.showsNames, !style.showsNames)]
      .lazy.map { names, scores in
        marks.map { mark in
          self.fitted(
            mark.text(names: names ? classNames : nil, score: scores), font,
            width: self.width - 2 * padding)
        }
      }
      .first { texts in
        let plates = texts.reduce(0) { $0 + self.textWidth($1, font) + 2 * padding } * plateHeight
        return plates <= 0.35 * self.width * self.height
      }
    guard let texts else { return }
    // The most confident chooses its place first and is drawn last.
    let labels = zip(marks, texts).reversed().map { mark, text in
      let plate = placement.place(
        width: (textWidth(text, font) + 2 * padding).rounded(.up), height: plateHeight,
        at: mark.rect.inset(-lineWidth / 2))
      return (text, plate, Palette.color(mark.label))
    }
    for (text, plate, color) in labels.reversed() where !text.isEmpty {
      fill(plate, color, radius: font.size * 0.18)
      self.text(
        text, at: Point(x: plate.x + padding, y: plate.y + ascent + 0.5), font, color.readableText)
    }
  }
}
