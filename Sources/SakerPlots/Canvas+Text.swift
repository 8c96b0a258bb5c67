internal import CCairo
internal import CPango

/// A size and weight of the one font that is asked for; letters that it lacks come from others.
struct Font: Hashable {
  static let family = "DejaVu Sans"

  var size: Double
  var bold = false
}

/// Which point of a text lies at the place given.
enum Anchor {
  case start, middle, end
}

extension Canvas {
  /// How far the pen moves. Tells, once, of letters that no font has.
  func textWidth(_ text: String, _ font: Font) -> Double {
    let size = measure(text, font)
    if size.missing > 0, let letter = missingLetter(in: text, font) { MissingLetters.tell(letter) }
    return size.width
  }

  /// The first letter that no font has; `nil` if all can be drawn.
  func missingLetter(in text: String, _ font: Font) -> Unicode.Scalar? {
    text.unicodeScalars.first { measure(String($0), font).missing > 0 }
  }

  private func measure(_ text: String, _ font: Font) -> saker_text_size {
    text.withDrawableBytes {
      saker_text_measure(texts, context, Font.family, font.size, font.bold ? 1 : 0, $0, $1)
    }
  }

  /// Height above and below the base line that letters of this font may take.
  func textHeight(_ font: Font) -> (ascent: Double, descent: Double) {
    var (ascent, descent) = (0.0, 0.0)
    saker_text_height(
      texts, context, Font.family, font.size, font.bold ? 1 : 0, &ascent, &descent)
    return (ascent, descent)
  }

  /// One line of text whose base line goes through `place`; turned a quarter to the left for
  /// `upwards`.
  func text(
    _ text: String, at place: Point, _ font: Font, _ color: Color, anchor: Anchor = .start,
    upwards: Bool = false
  ) {
    let width = textWidth(text, font)
    cairo_save(context)
    cairo_translate(context, place.x, place.y)
    if upwards { cairo_rotate(context, -.pi / 2) }
    cairo_move_to(context, anchor == .start ? 0 : anchor == .middle ? -width / 2 : -width, 0)
    cairo_set_source_rgba(context, color.red, color.green, color.blue, color.opacity)
    text.withDrawableBytes {
      saker_text_show(texts, context, Font.family, font.size, font.bold ? 1 : 0, $0, $1)
    }
    cairo_new_path(context)
    cairo_restore(context)
  }

  /// The text, or its beginning and "..." if it is wider than `width`.
  func fitted(_ text: String, _ font: Font, width: Double) -> String {
    if textWidth(text, font) <= width { return text }
    // Halving, because a caption may be long and each width is a walk over its letters.
    let letters = Array(text)
    var (low, high) = (0, letters.count)
    while low < high {
      let middle = (low + high + 1) / 2
      if textWidth(String(letters[..<middle]) + "...", font) <= width {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return low == 0 ? "" : String(letters[..<low]) + "..."
  }
}

extension String {
  /// UTF-8 without control characters, which have no letter and of which a zero would end the text.
  fileprivate func withDrawableBytes<Result>(
    _ body: (UnsafePointer<CChar>, Int32) -> Result
  ) -> Result {
    let text =
      unicodeScalars.contains { $0.value < 32 }
      ? String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 32 ? " " : $0 })) : self
    return text.withCString { body($0, Int32(text.utf8.count)) }
  }
}
