internal import CCairo

/// A size and weight of the one font there is.
struct Font: Hashable {
  var size: Double
  var bold = false
}

/// Which point of a text lies at the place given.
enum Anchor {
  case start, middle, end
}

extension Canvas {
  /// How far the pen moves.
  func textWidth(_ text: String, _ font: Font) -> Double {
    select(font)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text.drawable, &extents)
    return extents.x_advance
  }

  /// Height above and below the base line that letters of this font may take.
  func textHeight(_ font: Font) -> (ascent: Double, descent: Double) {
    select(font)
    var extents = cairo_font_extents_t()
    cairo_font_extents(context, &extents)
    return (extents.ascent, extents.descent)
  }

  /// One line of text whose base line goes through `place`; turned a quarter to the left for
  /// `upwards`.
  func text(
    _ text: String, at place: Point, _ font: Font, _ color: Color, anchor: Anchor = .start,
    upwards: Bool = false
  ) {
    let width = anchor == .start ? 0 : textWidth(text, font)
    select(font)
    cairo_save(context)
    cairo_translate(context, place.x, place.y)
    if upwards { cairo_rotate(context, -.pi / 2) }
    cairo_move_to(context, anchor == .start ? 0 : anchor == .middle ? -width / 2 : -width, 0)
    cairo_set_source_rgba(context, color.red, color.green, color.blue, color.opacity)
    cairo_show_text(context, text.drawable)
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

  private func select(_ font: Font) {
    cairo_select_font_face(
      context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
      font.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, font.size)
  }
}

extension String {
  /// Without control characters, which have no letter and of which a zero would end the text.
  fileprivate var drawable: String {
    unicodeScalars.contains { $0.value < 32 }
      ? String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 32 ? " " : $0 })) : self
  }
}
