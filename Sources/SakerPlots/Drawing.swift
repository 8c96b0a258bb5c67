import SakerData

/// Something drawn with lines and text: a picture, or a file of any of four kinds.
public struct Drawing: Sendable {
  /// In points.
  public let width, height: Double
  let draw: @Sendable (Canvas) throws -> Void

  init(width: Double, height: Double, _ draw: @escaping @Sendable (Canvas) throws -> Void) {
    self.width = width
    self.height = height
    self.draw = draw
  }

  /// With `scale` pixels a point.
  public func picture(scale: Double = 2) throws -> Picture {
    try drawn(.png, scale: scale).picture()
  }

  /// Writes a PNG or JPEG (`scale` pixels a point), PDF or SVG file, by the end of the name, whole
  /// or not at all. Throws `PlotError` naming the file.
  public func write(to path: String, scale: Double = 2) throws {
    let ending = path.split(separator: "/").last?.split(separator: ".").last?.lowercased() ?? ""
    do {
      if ending == "jpg" || ending == "jpeg" {
        return try picture(scale: scale).write(to: path, as: .jpeg(quality: 92))
      }
      guard let kind = Canvas.Kind(rawValue: ending) else {
        throw PlotError("expected a name that ends in .png, .jpg, .pdf or .svg")
      }
      try writeAtomically(drawn(kind, scale: kind == .png ? scale : 1).encoded(), to: path)
    } catch let error as PlotError where error.file == nil {
      throw PlotError(file: path, error.problem)
    }
  }

  private func drawn(_ kind: Canvas.Kind, scale: Double) throws -> Canvas {
    let canvas = try Canvas(kind, width: width, height: height, scale: scale)
    canvas.fill(.white)
    try draw(canvas)
    return canvas
  }
}
