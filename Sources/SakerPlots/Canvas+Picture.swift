internal import CCairo
import SakerData

extension Canvas {
  /// A canvas with a picture on it, pixel for pixel.
  convenience init(_ picture: Picture) throws {
    try self.init(.png, width: Double(picture.width), height: Double(picture.height))
    cairo_surface_flush(surface)
    guard let data = cairo_image_surface_get_data(surface) else { return }
    let stride = Int(cairo_image_surface_get_stride(surface))
    let width = picture.width
    picture.pixels.withUnsafeBufferPointer { source in
      for y in 0..<picture.height {
        let row = UnsafeMutableRawPointer(data + y * stride)
          .assumingMemoryBound(to: UInt32.self)
        var from = y * width * 3
        for x in 0..<width {
          row[x] =
            UInt32(source[from]) << 16 | UInt32(source[from + 1]) << 8 | UInt32(source[from + 2])
          from += 3
        }
      }
    }
    cairo_surface_mark_dirty(surface)
  }

  /// What has been drawn. For canvases of the kind `png` only.
  func picture() throws -> Picture {
    try check()
    cairo_surface_flush(surface)
    let width = Int(cairo_image_surface_get_width(surface))
    let height = Int(cairo_image_surface_get_height(surface))
    guard let data = cairo_image_surface_get_data(surface) else {
      throw PlotError("only a drawing made of pixels can become a picture")
    }
    let stride = Int(cairo_image_surface_get_stride(surface))
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      var to = 0
      for y in 0..<height {
        let row = UnsafeRawPointer(data + y * stride).assumingMemoryBound(to: UInt32.self)
        for x in 0..<width {
          let pixel = row[x]
          target[to] = UInt8(truncatingIfNeeded: pixel >> 16)
          target[to + 1] = UInt8(truncatingIfNeeded: pixel >> 8)
          target[to + 2] = UInt8(truncatingIfNeeded: pixel)
          to += 3
        }
      }
      count = to
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}
