import SakerData

extension Batch {
  /// The pictures as a model sees them, with its normalization undone, and their objects.
  /// - Parameters:
  ///   - preprocessing: that of the loader the batch came from.
  ///   - limit: the most pictures.
  public func sheet(
    _ preprocessing: Preprocessing, classNames: [String], title: String, limit: Int = 16
  ) throws -> Picture {
    var style = AnnotationStyle()
    style.showsScores = false
    let tiles = try (0..<min(count, limit)).map { index in
      let objects = targets[index].map { target in
        Detection(
          box: Box(
            left: target.box.left * Float(width), top: target.box.top * Float(height),
            right: target.box.right * Float(width), bottom: target.box.bottom * Float(height)),
          label: target.label, score: 1)
      }
      let drawn = try picture(at: index, preprocessing)
        .annotated(with: objects, classNames: classNames, style: style)
      return ContactSheet.Tile(drawn, caption: names[index])
    }
    var sheet = ContactSheet(tiles)
    sheet.tileWidth = 320
    sheet.title = title
    return try sheet.picture()
  }

  func picture(at index: Int, _ preprocessing: Preprocessing) -> Picture {
    let size = width * height * 3
    let floats = images.floats[index * size..<(index + 1) * size]
    var channel = 0
    let pixels = floats.map { value -> UInt8 in
      defer { channel = channel == 2 ? 0 : channel + 1 }
      let level = (value * preprocessing.std[channel] + preprocessing.mean[channel]) * 255
      return level.isFinite ? UInt8(min(max(level, 0), 255).rounded()) : 0
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}
