import CKernels

extension Picture {
  /// Bilinear resize with antialiasing, each axis on its own: when an axis shrinks, the triangle filter widens with it, so that every source
  /// pixel counts. Equals Pillow's `BILINEAR` and torchvision's `antialias=True` within one level.
  public func resized(width: Int, height: Int) -> Picture {
    if width == self.width && height == self.height { return self }
    return Picture(width: width, height: height) { result in
      resize(
        to: PictureSize(width: width, height: height), bytes: result.baseAddress!, stride: width * 3
      )
    }
  }

  /// A part of the picture, resized; pixels outside the part do not count.
  func resized(part: (x: Int, y: Int, width: Int, height: Int), to size: PictureSize) -> Picture {
    if part.width == size.width && part.height == size.height {
      return cropped(x: part.x, y: part.y, width: part.width, height: part.height)
    }
    return Picture(width: size.width, height: size.height) { result in
      run(
        size, part: part, bytes: result.baseAddress!, bytesStride: size.width * 3, floats: nil,
        floatsStride: 0, [], [])
    }
  }

  /// The picture scaled to fit `width` x `height` with its proportions kept, centred on `fill`.
  public func letterboxed(width: Int, height: Int, fill: RGB = .letterboxGray) -> Picture {
    let place = Placement(
      of: PictureSize(width: self.width, height: self.height),
      into: PictureSize(width: width, height: height), fit: .letterbox(fill))
    return Picture(
      of: self, resizedTo: place.scaled, atX: place.left, y: place.top,
      on: Picture(width: width, height: height, filledWith: fill))
  }

  /// `canvas` with another picture, resized, from column `x`, row `y` on; it must fit.
  init(of picture: Picture, resizedTo size: PictureSize, atX x: Int, y: Int, on canvas: Picture) {
    precondition(
      x >= 0 && y >= 0 && x + size.width <= canvas.width && y + size.height <= canvas.height)
    self = canvas
    pixels.withUnsafeMutableBufferPointer {
      picture.resize(
        to: size, bytes: $0.baseAddress! + 3 * (y * canvas.width + x), stride: 3 * canvas.width)
    }
  }

  /// Resizes into rows of bytes `stride` bytes apart.
  private func resize(to size: PictureSize, bytes: UnsafeMutablePointer<UInt8>, stride: Int) {
    run(size, bytes: bytes, bytesStride: stride, floats: nil, floatsStride: 0, [], [])
  }

  /// Resizes into rows of floats `stride` elements apart, each level rounded, then times `scales` plus `biases` (one value a channel).
  func resize(
    to size: PictureSize, floats: UnsafeMutablePointer<Float>, stride: Int, scales: [Float],
    biases: [Float]
  ) {
    let scales = (0..<3 * size.width).map { scales[$0 % 3] }
    let biases = (0..<3 * size.width).map { biases[$0 % 3] }
    if size.width == width && size.height == height {
      pixels.withUnsafeBufferPointer {
        saker_normalize_rgb(
          $0.baseAddress, 3 * width, Int32(height), Int32(3 * width), floats, stride, scales, biases
        )
      }
    } else {
      run(size, bytes: nil, bytesStride: 0, floats: floats, floatsStride: stride, scales, biases)
    }
  }

  private func run(
    _ size: PictureSize, part: (x: Int, y: Int, width: Int, height: Int)? = nil,
    bytes: UnsafeMutablePointer<UInt8>?, bytesStride: Int, floats: UnsafeMutablePointer<Float>?,
    floatsStride: Int, _ scales: [Float], _ biases: [Float]
  ) {
    precondition(size.width > 0 && size.height > 0, "cannot resize to \(size)")
    let part = part ?? (0, 0, width, height)
    let vertical = ResizeTaps(from: part.height, to: size.height)
    let horizontal = ResizeTaps(from: part.width, to: size.width)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * (part.width + size.width) + 32) {
      scratch in
      pixels.withUnsafeBufferPointer { source in
        vertical.withTaps { vertical in
          horizontal.withTaps { horizontal in
            saker_resize_rgb(
              source.baseAddress! + 3 * (part.y * width + part.x), 3 * width, Int32(part.width),
              vertical, horizontal,
              scratch.baseAddress, bytes, bytesStride, floats, floatsStride, scales, biases)
          }
        }
      }
    }
  }
}

/// Which inputs make an output of one axis, and with what weights: a triangle of half-width max(1, inputs / outputs) around
/// `(output + 1/2) * inputs / outputs`, cut at the border and normalized.
struct ResizeTaps {
  private var firsts: [Int32] = []
  private var counts: [Int32] = []
  private var weights: [Float]
  private let stride: Int

  init(from inputs: Int, to outputs: Int) {
    let scale = Double(inputs) / Double(outputs)
    let support = max(1, scale)
    stride = 2 * Int(support.rounded(.up)) + 1
    weights = [Float](repeating: 0, count: outputs * stride)
    firsts.reserveCapacity(outputs)
    counts.reserveCapacity(outputs)
    for output in 0..<outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let last = min(inputs, Int(center + support + 0.5))
      var sum = 0.0
      for input in first..<last {
        sum += max(0, 1 - abs(Double(input) + 0.5 - center) / support)
      }
      for input in first..<last {
        let weight = max(0, 1 - abs(Double(input) + 0.5 - center) / support)
        weights[output * stride + input - first] = Float(weight / sum)
      }
      firsts.append(Int32(first))
      counts.append(Int32(last - first))
    }
  }

  func withTaps(_ body: (UnsafePointer<saker_taps>) -> Void) {
    firsts.withUnsafeBufferPointer { firsts in
      counts.withUnsafeBufferPointer { counts in
        weights.withUnsafeBufferPointer { weights in
          var taps = saker_taps(
            firsts: firsts.baseAddress, counts: counts.baseAddress, weights: weights.baseAddress,
            stride: Int32(stride), outputs: Int32(firsts.count))
          body(&taps)
        }
      }
    }
  }
}
