import SakerData

/// Pictures in a grid, each with a line of text below it.
public struct ContactSheet: Sendable {
  public struct Tile: Sendable {
    public var picture: Picture
    public var caption: String

    public init(_ picture: Picture, caption: String = "") {
      self.picture = picture
      self.caption = caption
    }
  }

  public var tiles: [Tile]
  /// `nil` for about as many columns as rows, but wider than high.
  public var columns: Int?
  /// Pixels; a tile is three quarters as high, and its picture keeps its own ratio inside.
  public var tileWidth = 360
  public var title = ""

  public init(_ tiles: [Tile], columns: Int? = nil) {
    self.tiles = tiles
    self.columns = columns
  }

  /// Throws `PlotError` if there are no tiles, or more than fit a drawing.
  public func picture() throws -> Picture {
    guard !tiles.isEmpty else { throw PlotError("a contact sheet needs at least one picture") }
    let across = max(
      1, min(columns ?? Int(Double(tiles.count).squareRoot().rounded(.up)), tiles.count))
    let down = (tiles.count + across - 1) / across
    let gap = (Double(tileWidth) * 0.035).rounded()
    let font = Font(size: max(9, Double(tileWidth) * 0.036))
    let heading = Font(size: font.size * 1.4, bold: true)
    let captionHeight =
      tiles.contains { !$0.caption.isEmpty } ? (font.size * 1.9).rounded() : 0
    let top = title.isEmpty ? gap : (heading.size * 2.2).rounded()
    let tileHeight = (Double(tileWidth) * 0.75).rounded()
    let canvas = try Canvas(
      .png, width: Double(across) * (Double(tileWidth) + gap) + gap,
      height: top + Double(down) * (tileHeight + captionHeight + gap))
    canvas.fill(.white)
    canvas.text(title, at: Point(x: gap, y: top - heading.size * 0.7), heading, Ink.text)

    for (index, tile) in tiles.enumerated() {
      let place = Rect(
        x: gap + Double(index % across) * (Double(tileWidth) + gap),
        y: top + Double(index / across) * (tileHeight + captionHeight + gap),
        width: Double(tileWidth), height: tileHeight)
      canvas.fill(place, Ink.empty)
      if tile.picture.width > 0, tile.picture.height > 0 {
        let (w, h) = (Double(tile.picture.width), Double(tile.picture.height))
        let scale = min(place.width / w, place.height / h)
        canvas.draw(
          try Canvas(tile.picture),
          in: Rect(
            x: (place.x + (place.width - w * scale) / 2).rounded(),
            y: (place.y + (place.height - h * scale) / 2).rounded(),
            width: max(1, (w * scale).rounded()), height: max(1, (h * scale).rounded())))
      }
      canvas.text(
        canvas.fitted(tile.caption, font, width: place.width),
        at: Point(x: place.x, y: place.bottom + font.size * 1.35), font, Ink.text)
    }
    return try canvas.picture()
  }
}

/// The colours of text and lines around data.
enum Ink {
  static let text = Color(0x333333)
  static let faint = Color(0x666666)
  static let axis = Color(0x888888)
  static let grid = Color(0xE8E8E8)
  static let empty = Color(0xF2F2F2)
}
