/// A number for each pixel, as segmentation keeps classes or objects: a PNG in Pascal VOC's colours, or a gray picture whose
/// levels are the numbers.
public struct LabelMap: Sendable {
  public let size: PictureSize
  /// Row by row from the top; 0 is background, 255 what nobody decided.
  public let labels: [UInt8]

  /// Black and white is a map of one class, 0 and 1.
  ///
  /// - Throws: `PictureError` for a picture that cannot be read or has other colours.
  public init(file: String) throws {
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

  /// VOC's colours: bits 0, 3, 6, ... of the number make the red's high bits, 1, 4, ... the green's, 2, 5, ... the blue's.
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
