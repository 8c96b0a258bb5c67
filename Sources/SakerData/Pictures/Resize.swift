import CKernels

extension Picture {
  /// Bilinear resize with antialiasing, each axis on its own: when an axis shrinks, the triangle
  /// filter widens with it, so that every source pixel counts. Equals Pillow's `BILINEAR` and
  /// torchvision's `antialias=True` within one level.
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

  /// Resizes into rows of floats `stride` elements apart, each level rounded, then times `scales`
  /// plus `biases` (one value a channel).
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
    let vertical = ResizeTaps(from: part.height, to: size.height, inGroups: false)
    let horizontal = ResizeTaps(from: part.width, to: size.width, inGroups: true)
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

/// Which inputs make an output of one axis, and with what weights: a triangle of half-width max(1,
/// inputs / outputs) around `(output + 1/2) * inputs / outputs`, cut at the border and normalized.
/// Every output has as many inputs: those that have fewer get more of weight 0.
struct ResizeTaps {
  private var firsts: [Int32] = []
  private var weights: [Float]
  private let count: Int
  private let outputs: Int

  /// - Parameter inGroups: weights of four outputs lie together, first tap first, as
  ///   columns want them.
  init(from inputs: Int, to outputs: Int, inGroups: Bool) {
    let scale = Double(inputs) / Double(outputs)
    let support = max(1, scale)
    func range(_ output: Int) -> Range<Int> {
      let center = (Double(output) + 0.5) * scale
      return max(0, Int(center - support + 0.5))..<min(inputs, Int(center + support + 0.5))
    }
    let count = (0..<outputs).reduce(1) { max($0, range($1).count) }
    self.count = count
    self.outputs = outputs
    let places = (outputs + 3) / 4 * 4
    weights = [Float](repeating: 0, count: places * count)
    firsts = [Int32](repeating: 0, count: places)
    for output in 0..<outputs {
      let center = (Double(output) + 0.5) * scale
      let taps = range(output)
      let first = min(taps.lowerBound, inputs - count)
      var sum = 0.0
      for input in taps { sum += max(0, 1 - abs(Double(input) + 0.5 - center) / support) }
      for input in taps {
        let weight = max(0, 1 - abs(Double(input) + 0.5 - center) / support)
        let tap = input - first
        let place =
          inGroups ? output / 4 * 4 * count + 4 * tap + output % 4 : output * count + tap
        weights[place] = Float(weight / sum)
      }
      firsts[output] = Int32(first)
    }
  }

  func withTaps(_ body: (UnsafePointer<saker_taps>) -> Void) {
    firsts.withUnsafeBufferPointer { firsts in
      weights.withUnsafeBufferPointer { weights in
        var taps = saker_taps(
          firsts: firsts.baseAddress, weights: weights.baseAddress, count: Int32(count),
          outputs: Int32(outputs))
        body(&taps)
      }
    }
  }
}
