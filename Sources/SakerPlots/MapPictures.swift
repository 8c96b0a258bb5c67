import SakerData
import SakerTensor

/// What goes on inside a network, as pictures.
public enum MapPictures {
  /// The channels of one picture's feature map, each from its least value (white) to its greatest
  /// (dark).
  ///
  /// - Parameters:
  ///   - map: `[1, C, H, W]` or `[C, H, W]`.
  ///   - limit: the most channels shown, the first ones.
  public static func features(_ map: Tensor, title: String, limit: Int = 64) throws -> Drawing {
    let shape = Array(map.shape.sizes.suffix(3))
    guard shape.count == 3, map.count == shape.reduce(1, *), map.count > 0 else {
      throw PlotError("a feature map is [1, C, H, W], not \(map.shape)")
    }
    let floats = map.converted(to: .float32).contiguous().floats
    let size = shape[1] * shape[2]
    let tiles = (0..<min(shape[0], max(limit, 1))).map { channel in
      let values = floats[channel * size..<(channel + 1) * size]
      let known = values.filter(\.isFinite)
      let (low, high) = (known.min() ?? 0, known.max() ?? 0)
      let colors = values.map {
        HeatColors.color(Double(high > low ? ($0 - low) / (high - low) : 0))
      }
      return Tile(Picture(colors, width: shape[2]), "\(channel): \(range(low, high))")
    }
    let left = shape[0] - tiles.count
    return grid(
      tiles, side: 96,
      title: title + ", \(shape[0]) channels of \(shape[1])x\(shape[2])"
        + (left > 0 ? ", \(left) more" : ""),
      note: "white to dark: the channel's least to its greatest value")
  }

  /// The kernels of a convolution: of three input channels as colours, of others the first
  /// `channels` input channels side by side, blue below and orange above zero.
  ///
  /// - Parameter weight: `[O, I, H, W]`
  public static func filters(
    _ weight: Tensor, title: String, limit: Int = 64, channels: Int = 8
  ) throws -> Drawing {
    let shape = weight.shape.sizes
    guard shape.count == 4, weight.count > 0 else {
      throw PlotError("kernels are [O, I, H, W], not \(weight.shape)")
    }
    let floats = weight.converted(to: .float32).contiguous().floats
    let size = shape[2] * shape[3]
    let most = Double(floats.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 })
    func part(_ output: Int, _ input: Int, _ place: Int) -> Double {
      let value = Double(floats[(output * shape[1] + input) * size + place])
      return most > 0 && value.isFinite ? value / most : 0
    }
    if shape[1] == 3 {
      let tiles = (0..<min(shape[0], limit)).map { output in
        let colors = (0..<size).map { place in
          let parts = (0..<3).map { 0.5 + 0.5 * part(output, $0, place) }
          return Color(red: parts[0], green: parts[1], blue: parts[2])
        }
        return Tile(Picture(colors, width: shape[3]), "\(output)")
      }
      return grid(
        tiles, side: 64, title: title,
        note: "gray is 0; a channel's colour where its weight is positive, up to ±\(most.tidy)")
    }
    let shown = min(shape[1], channels)
    let tiles = (0..<min(shape[0], max(1, limit / 2))).flatMap { output in
      (0..<shown).map { input in
        Tile(
          Picture((0..<size).map { signed(part(output, input, $0)) }, width: shape[3]),
          input == 0 ? "\(output)" : "")
      }
    }
    return grid(
      tiles, side: 44, title: title, columns: shown * max(1, min(3, 16 / max(shown, 1))),
      note:
        "blue below 0, orange above, up to ±\(most.tidy); input channels 0...\(shown - 1) of \(shape[1]) side by side"
    )
  }

  /// A picture with a map over it, 0 leaving it dark and gray, 1 in full colour.
  ///
  /// - Parameter heat: `[H, W]` or `[1, 1, H, W]`, at least 0; scaled so that its
  ///   greatest value is 1.
  public static func overlaid(_ picture: Picture, _ heat: Tensor) throws -> Picture {
    let sizes = Array(heat.shape.sizes.suffix(2))
    guard sizes.count == 2, heat.count == sizes[0] * sizes[1], heat.count > 0 else {
      throw PlotError("a map over a picture is [H, W], not \(heat.shape)")
    }
    let floats = heat.converted(to: .float32).contiguous().floats
    let most = floats.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
    func value(_ row: Int, _ column: Int) -> Double {
      let value = floats[
        min(max(row, 0), sizes[0] - 1) * sizes[1] + min(max(column, 0), sizes[1] - 1)]
      return most > 0 && value.isFinite ? Double(max(value, 0) / most) : 0
    }
    var result = picture
    for y in 0..<picture.height {
      let v = (Double(y) + 0.5) / Double(picture.height) * Double(sizes[0]) - 0.5
      let row = v.rounded(.down)
      for x in 0..<picture.width {
        let u = (Double(x) + 0.5) / Double(picture.width) * Double(sizes[1]) - 0.5
        let column = u.rounded(.down)
        let (a, b) = (v - row, u - column)
        let (r, c) = (Int(row), Int(column))
        let share =
          (1 - a) * ((1 - b) * value(r, c) + b * value(r, c + 1))
          + a * ((1 - b) * value(r + 1, c) + b * value(r + 1, c + 1))
        let old = picture[x, y]
        let gray =
          (0.299 * Double(old.red) + 0.587 * Double(old.green) + 0.114 * Double(old.blue)) * 0.8
        let hot = warm(share)
        func mixed(_ level: Double) -> UInt8 {
          UInt8(min(max(gray + (level * 255 - gray) * 0.65 * share, 0), 255))
        }
        result[x, y] = RGB(mixed(hot.red), mixed(hot.green), mixed(hot.blue))
      }
    }
    return result
  }

  // MARK: Parts

  private struct Tile: Sendable {
    var picture: Picture
    var caption: String

    init(_ picture: Picture, _ caption: String) {
      self.picture = picture
      self.caption = caption
    }
  }

  private static func range(_ low: Float, _ high: Float) -> String {
    "\(Double(low).fixed(2))…\(Double(high).fixed(2))"
  }

  /// -1 blue, 0 white, 1 orange.
  private static func signed(_ value: Double) -> Color {
    let end = value < 0 ? Color(0x0072B2) : Color(0xD55E00)
    let share = min(abs(value), 1)
    func mix(_ part: Double) -> Double { 1 + (part - 1) * share }
    return Color(red: mix(end.red), green: mix(end.green), blue: mix(end.blue))
  }

  /// Orange to yellow: brighter with more, over a darkened gray picture.
  private static func warm(_ share: Double) -> Color {
    Color(red: 1, green: 0.35 + 0.55 * share, blue: 0.1)
  }

  private static func grid(
    _ tiles: [Tile], side: Double, title: String, columns: Int? = nil, note: String
  ) -> Drawing {
    let across = columns ?? max(4, Int((Double(tiles.count) * 1.3).squareRoot().rounded(.up)))
    let down = (tiles.count + across - 1) / across
    let hasCaptions = tiles.contains { !$0.caption.isEmpty }
    let (gap, caption, top) = (5.0, hasCaptions ? 13.0 : 0, 50.0)
    let width = max(420, Double(across) * (side + gap) + gap)
    return Drawing(width: width, height: top + Double(down) * (side + gap + caption) + gap) {
      canvas in
      canvas.text(
        canvas.fitted(title, Chart.titleFont, width: width - 2 * gap), at: Point(x: gap, y: 20),
        Chart.titleFont, Ink.text)
      canvas.text(
        canvas.fitted(note, Chart.tickFont, width: width - 2 * gap), at: Point(x: gap, y: 38),
        Chart.tickFont, Ink.faint)
      for (index, tile) in tiles.enumerated() {
        let place = Rect(
          x: gap + Double(index % across) * (side + gap),
          y: top + Double(index / across) * (side + gap + caption), width: side, height: side)
        // Enlarged by whole factors: single values stay squares.
        let factor = max(1, Int((2 * side / Double(max(tile.picture.width, 1))).rounded(.up)))
        canvas.draw(try Canvas(tile.picture.enlarged(factor)), in: place)
        canvas.stroke(place, Ink.grid, width: 0.6)
        let font = Font(size: 8)
        canvas.text(
          canvas.fitted(tile.caption, font, width: side),
          at: Point(x: place.x, y: place.bottom + 9), font, Ink.faint)
      }
    }
  }
}

extension Picture {
  fileprivate init(_ colors: [Color], width: Int) {
    func level(_ part: Double) -> UInt8 { UInt8((min(max(part, 0), 1) * 255).rounded()) }
    self.init(
      width: width, height: colors.count / width,
      pixels: colors.flatMap { [level($0.red), level($0.green), level($0.blue)] })
  }

  fileprivate func enlarged(_ factor: Int) -> Picture {
    guard factor > 1 else { return self }
    var large = Picture(width: width * factor, height: height * factor)
    for y in 0..<large.height {
      for x in 0..<large.width { large[x, y] = self[x / factor, y / factor] }
    }
    return large
  }
}
