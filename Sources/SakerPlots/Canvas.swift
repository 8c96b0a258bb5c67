internal import CCairo
internal import CPango

/// A rectangle of the drawing plane, y downwards.
struct Rect: Hashable {
  var x, y, width, height: Double

  var right: Double { x + width }
  var bottom: Double { y + height }
  var area: Double { max(0, width) * max(0, height) }

  func inset(_ d: Double) -> Rect {
    Rect(x: x + d, y: y + d, width: width - 2 * d, height: height - 2 * d)
  }

  func overlap(_ other: Rect) -> Double {
    max(0, min(right, other.right) - max(x, other.x))
      * max(0, min(bottom, other.bottom) - max(y, other.y))
  }
}

struct Point: Hashable {
  var x, y: Double
}

/// A surface of Cairo's and what is drawn on it. The only type that knows Cairo's C interface.
///
/// Text goes through Pango, which asks fontconfig for DejaVu Sans and takes letters that it lacks
/// from any other font.
final class Canvas {
  let surface: OpaquePointer
  let context: OpaquePointer
  /// Pango's context, which `Canvas+Text.swift` measures and draws with.
  let texts: UnsafeMutableRawPointer
  /// In units of the drawing, which `scale` maps to pixels or points.
  let width, height: Double
  private let sink: Sink?

  enum Kind: String { case png, pdf, svg }

  /// Throws `PlotError` if Cairo cannot make a surface of this size (32,767 pixels a side at most,
  /// or memory).
  init(_ kind: Kind, width: Double, height: Double, scale: Double = 1) throws {
    self.width = width
    self.height = height
    let (w, h) = ((width * scale).rounded(), (height * scale).rounded())
    guard w >= 1, h >= 1, w <= 32_767, h <= 32_767 else {
      throw PlotError(
        "a drawing is 1...32767 pixels wide and high, not \(w.tidy) x \(h.tidy)")
    }
    switch kind {
    case .png:
      sink = nil
      surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(w), Int32(h))
    case .pdf:
      let sink = Sink()
      self.sink = sink
      surface = cairo_pdf_surface_create_for_stream(Sink.write, sink.pointer, w, h)
    case .svg:
      let sink = Sink()
      self.sink = sink
      surface = cairo_svg_surface_create_for_stream(Sink.write, sink.pointer, w, h)
    }
    context = cairo_create(surface)
    texts = saker_text_context(context)
    try check()
    cairo_scale(context, scale, scale)
    let options = cairo_font_options_create()
    // Gray smoothing whatever the desktop's settings, and no rounding of widths: alike on every
    // machine.
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
  }

  deinit {
    saker_text_release(texts)
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  func check() throws {
    let status = cairo_status(context)
    if status != CAIRO_STATUS_SUCCESS {
      throw PlotError("cannot be drawn: \(String(cString: cairo_status_to_string(status)))")
    }
  }

  /// The finished file.
  func encoded() throws -> [UInt8] {
    try check()
    if let sink {
      cairo_surface_finish(surface)
      return sink.bytes
    }
    let sink = Sink()
    let status = cairo_surface_write_to_png_stream(surface, Sink.write, sink.pointer)
    guard status == CAIRO_STATUS_SUCCESS else {
      throw PlotError("cannot be encoded: \(String(cString: cairo_status_to_string(status)))")
    }
    return sink.bytes
  }

  // MARK: Shapes

  func fill(_ color: Color) {
    fill(Rect(x: 0, y: 0, width: width, height: height), color)
  }

  func fill(_ rect: Rect, _ color: Color, radius: Double = 0) {
    path(rect, radius: radius)
    set(color)
    cairo_fill(context)
  }

  func stroke(_ rect: Rect, _ color: Color, width: Double, dash: [Double] = [], radius: Double = 0)
  {
    path(rect, radius: radius)
    strokePath(color, width, dash)
  }

  func line(_ points: some Sequence<Point>, _ color: Color, width: Double, dash: [Double] = []) {
    cairo_new_path(context)
    for point in points { cairo_line_to(context, point.x, point.y) }
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    cairo_set_line_cap(context, dash.isEmpty ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT)
    strokePath(color, width, dash)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_MITER)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_BUTT)
  }

  func dot(_ center: Point, radius: Double, _ color: Color) {
    cairo_new_path(context)
    cairo_arc(context, center.x, center.y, radius, 0, 2 * .pi)
    set(color)
    cairo_fill(context)
  }

  /// Draws with `rect` as the only place that changes.
  func clipped(to rect: Rect, _ draw: () -> Void) {
    cairo_save(context)
    cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    cairo_clip(context)
    draw()
    cairo_restore(context)
  }

  /// Moves the origin to `rect`'s corner while drawing.
  func moved(to rect: Rect, _ draw: () -> Void) {
    cairo_save(context)
    cairo_translate(context, rect.x, rect.y)
    draw()
    cairo_restore(context)
  }

  /// Another canvas, scaled into `rect`.
  func draw(_ other: Canvas, in rect: Rect) {
    cairo_save(context)
    cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    cairo_clip(context)
    cairo_translate(context, rect.x, rect.y)
    cairo_scale(context, rect.width / other.width, rect.height / other.height)
    cairo_set_source_surface(context, other.surface, 0, 0)
    let pattern = cairo_get_source(context)
    cairo_pattern_set_filter(pattern, CAIRO_FILTER_GOOD)
    // Without this the border mixes with transparency and darkens.
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD)
    cairo_paint(context)
    cairo_restore(context)
  }

  private func path(_ r: Rect, radius: Double) {
    cairo_new_path(context)
    guard radius > 0 else {
      cairo_rectangle(context, r.x, r.y, r.width, r.height)
      return
    }
    let c = min(radius, r.width / 2, r.height / 2)
    cairo_arc(context, r.right - c, r.y + c, c, -.pi / 2, 0)
    cairo_arc(context, r.right - c, r.bottom - c, c, 0, .pi / 2)
    cairo_arc(context, r.x + c, r.bottom - c, c, .pi / 2, .pi)
    cairo_arc(context, r.x + c, r.y + c, c, .pi, 1.5 * .pi)
    cairo_close_path(context)
  }

  private func strokePath(_ color: Color, _ width: Double, _ dash: [Double]) {
    set(color)
    cairo_set_line_width(context, width)
    cairo_set_dash(context, dash, Int32(dash.count), 0)
    cairo_stroke(context)
  }

  private func set(_ c: Color) {
    cairo_set_source_rgba(context, c.red, c.green, c.blue, c.opacity)
  }
}

/// Collects what Cairo writes.
private final class Sink {
  var bytes: [UInt8] = []

  var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static let write: cairo_write_func_t = { closure, data, length in
    guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
    let sink = Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue()
    sink.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(length)))
    return CAIRO_STATUS_SUCCESS
  }
}
