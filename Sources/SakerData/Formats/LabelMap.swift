/// A number for each pixel, as segmentation keeps classes or objects: a PNG in Pascal VOC's
/// colours, or a gray picture whose levels are the numbers, of 8 or 16 bits.
public struct LabelMap: Sendable {
  public let size: PictureSize
  /// Row by row from the top; 0 is background, 255 is ignored.
  public let labels: [UInt8]

  /// Black and white is a map of one class, 0 and 1.
  ///
  /// - Throws: `PictureError` for a picture that cannot be read, has other colours, or
  ///   numbers above 255.
  public init(file: String) throws {
    if let wide = try Picture.gray16(ofFile: file) {
      let isBinary = wide.levels.allSatisfy { $0 == 0 || $0 == .max }
      if !isBinary, let beyond = wide.levels.first(where: { $0 > 255 }) {
        throw PictureError(file: file, reason: "has the number \(beyond), expected at most 255")
      }
      size = wide.size
      labels = wide.levels.map { isBinary ? min(UInt8(truncatingIfNeeded: $0), 1) : UInt8($0) }
      return
    }
    let picture = try Picture(file: file)
    size = PictureSize(width: picture.width, height: picture.height)
    let pixels = picture.pixels
    var numbers = [UInt8](repeating: 0, count: size.width * size.height)
    var (isColor, isGray) = (true, true)
    var levels: Set<UInt8> = []
    // Neighbours are mostly of one class.
    var last: (color: RGB, number: UInt8?)?
    for i in numbers.indices {
      let color = RGB(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])
      if color != last?.color {
        last = (color, LabelMap.numberOfColor[color])
        if color.red != color.green || color.green != color.blue { isGray = false }
        if isGray { levels.insert(color.red) }
        if last?.number == nil { isColor = false }
        if !isColor && !isGray { break }
      }
      numbers[i] = last?.number ?? 0
    }
    if isColor {
      labels = numbers
      return
    }
    guard isGray else {
      throw PictureError(file: file, reason: "has colours that are not of VOC's masks")
    }
    let isBinary = levels.isSubset(of: [0, 255])
    for i in numbers.indices { numbers[i] = isBinary ? min(pixels[3 * i], 1) : pixels[3 * i] }
    labels = numbers
  }

  /// VOC's colours: bits 0, 3, 6, ... of the number make the red's high bits, 1, 4, ... the
  /// green's, 2, 5, ... the blue's.
  static let colors: [RGB] = (0..<256).map { number in
    var (value, color) = (number, [UInt8](repeating: 0, count: 3))
    for shift in stride(from: 7, through: 0, by: -1) {
      for channel in 0..<3 { color[channel] |= UInt8(value >> channel & 1) << UInt8(shift) }
      value >>= 3
    }
    return RGB(color[0], color[1], color[2])
  }

  private static let numberOfColor = Dictionary(
    uniqueKeysWithValues: colors.enumerated().map { ($1, UInt8($0)) })

  /// The maps of two folders, by name; or two maps.
  ///
  /// - Throws: `DatasetError` if a truth has no prediction, or there are none.
  public static func pairs(truths: String, predictions: String) throws -> [(
    truth: String, prediction: String
  )] {
    let (truths, predictions) = (PathName.trimmed(truths), PathName.trimmed(predictions))
    for path in [truths, predictions] where !FileBytes.exists(path) {
      throw LabelFolder.failure(path, "does not exist")
    }
    guard FileBytes.isFolder(truths) else {
      guard !FileBytes.isFolder(predictions) else {
        throw LabelFolder.failure(predictions, "expected a file, as the truth is one")
      }
      return [(truths, predictions)]
    }
    try LabelFolder.require(predictions)
    let names = LabelFolder.names(truths).filter { PathName.ending($0) == "png" }
    guard !names.isEmpty else { throw LabelFolder.failure(truths, "holds no label maps (*.png)") }
    let missing = names.filter { !FileBytes.exists(predictions + "/" + $0) }
    guard missing.isEmpty else {
      throw LabelFolder.failure(
        predictions,
        "has no prediction for \(missing.count) of \(names.count): "
          + missing.prefix(3).joined(separator: ", "))
    }
    return names.map { (truths + "/" + $0, predictions + "/" + $0) }
  }
}

/// Which object each pixel is of: as `LabelMap`, or a gray PNG of 16 bits, which has room
/// for 65,535 objects.
struct InstanceMap {
  let size: PictureSize
  /// Row by row from the top; 0 is background.
  let numbers: [UInt16]

  private init(_ size: PictureSize, _ numbers: [UInt16]) {
    self.size = size
    self.numbers = numbers
  }

  init(_ map: LabelMap) {
    // What nobody decided is no object.
    self.init(map.size, map.labels.map { $0 == 255 ? 0 : UInt16($0) })
  }

  init(file: String) throws {
    if let wide = try Picture.gray16(ofFile: file) {
      self.init(wide.size, wide.levels)
    } else {
      self.init(try LabelMap(file: file))
    }
  }

  /// The pixels of each object, by rising numbers, in one pass over the picture.
  ///
  /// - Returns: runs as COCO counts them, column by column.
  func masks() -> [(number: Int, mask: RunLengthMask)] {
    var runs = [[UInt32]](repeating: [], count: 65536)
    var ends = [Int](repeating: 0, count: 65536)
    let (width, height) = (size.width, size.height)
    numbers.withUnsafeBufferPointer { numbers in
      for x in 0..<width {
        var y = 0
        while y < height {
          let number = Int(numbers[y * width + x])
          let first = y
          while y < height, Int(numbers[y * width + x]) == number { y += 1 }
          guard number > 0 else { continue }
          let (start, end) = (x * height + first, x * height + y)
          if start == ends[number], !runs[number].isEmpty {
            // It goes on at the next column's top.
            runs[number][runs[number].count - 1] += UInt32(end - start)
          } else {
            runs[number] += [UInt32(start - ends[number]), UInt32(end - start)]
          }
          ends[number] = end
        }
      }
    }
    return runs.indices.filter { !runs[$0].isEmpty }.map { number in
      let rest = width * height - ends[number]
      let counts = runs[number] + (rest > 0 ? [UInt32(rest)] : [])
      return (number, RunLengthMask(unchecked: counts, height: height, width: width))
    }
  }
}
