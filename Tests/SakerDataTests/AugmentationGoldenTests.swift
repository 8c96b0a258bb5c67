import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerData

/// What torchvision's v2 functions made: see Scripts/golden/augmentation.py.
private struct Golden: Decodable {
  struct Case: Decodable {
    let operation, source: String
    let parameters: [String: Value]
    let offset, width, height: Int

    func number(_ name: String) -> Double {
      if case .number(let value)? = parameters[name] { return value }
      Issue.record("\(operation) has no number \(name)")
      return 0
    }
    func integer(_ name: String) -> Int { Int(number(name)) }
    func float(_ name: String) -> Float { Float(number(name)) }
    func text(_ name: String) -> String {
      if case .text(let value)? = parameters[name] { return value }
      return ""
    }
    func points(_ name: String) -> [PicturePoint] {
      guard case .list(let values)? = parameters[name] else { return [] }
      return stride(from: 0, to: values.count, by: 2).map {
        PicturePoint(x: Float(values[$0]), y: Float(values[$0 + 1]))
      }
    }
  }

  enum Value: Decodable {
    case number(Double)
    case list([Double])
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let list = try? container.decode([Double].self) {
        self = .list(list)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  struct Magnitudes: Decodable {
    let signed: Bool
    let bins: Int
    let values: [Double]?
  }

  let cases: [Case]
  let magnitudes: [String: Magnitudes]

  static let file = Result {
    try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: Fixtures.url("golden/augmentation.json")))
  }
  static let pixels = Result {
    [UInt8](try Data(contentsOf: Fixtures.url("golden/augmentation.bin")))
  }

  static func picture(_ entry: Case) throws -> Picture {
    let count = 3 * entry.width * entry.height
    let bytes = try pixels.get()[entry.offset..<entry.offset + count]
    return Picture(width: entry.width, height: entry.height, pixels: Array(bytes))
  }

  static func source(_ name: String) throws -> Picture {
    let entry = try file.get().cases.first { $0.operation == "source" && $0.source == name }
    return try picture(#require(entry))
  }
}

/// What ours make of the same picture with the same parameters; `nil` for an operation that
/// is not known here.
private func ours(_ entry: Golden.Case, _ picture: Picture) -> Picture? {
  var picture = picture
  let size = PictureSize(width: picture.width, height: picture.height)
  let middle = PicturePoint(x: Float(size.width) / 2, y: Float(size.height) / 2)
  switch entry.operation {
  case "source": return picture
  case "horizontalFlip": return picture.flippedHorizontally()
  case "verticalFlip": return picture.flippedVertically()
  case "rotate", "rotateExpanded":
    let (grown, map) = Picture.rotation(
      of: size, degrees: -entry.number("angle"), expands: entry.operation == "rotateExpanded")
    return picture.warped(by: map, to: grown)
  case "affine", "affineNearest":
    let map = PlaneMap.affine(
      degrees: entry.number("angle"), x: entry.number("x"), y: entry.number("y"),
      scale: entry.number("scale"), shearX: entry.number("shearX"), shearY: entry.number("shearY"),
      around: middle)
    return picture.warped(
      by: map, to: size, interpolation: entry.operation == "affine" ? .bilinear : .nearest)
  case "perspective":
    let corners = [(0, 0), (size.width, 0), (size.width, size.height), (0, size.height)]
      .map { PicturePoint(x: Float($0.0), y: Float($0.1)) }
    return PlaneMap(from: corners, to: entry.points("to")).map { picture.warped(by: $0, to: size) }
  case "resizedCrop":
    return picture.resized(
      part: (
        x: entry.integer("left"), y: entry.integer("top"), width: entry.integer("width"),
        height: entry.integer("height")
      ), to: PictureSize(width: entry.integer("toWidth"), height: entry.integer("toHeight")))
  case "pad":
    var sample = Sample(picture: picture)
    sample.show(
      x: -entry.integer("left"), y: -entry.integer("top"), width: entry.width,
      height: entry.height, fill: .letterboxGray)
    return sample.picture
  case "brightness": picture.adjustBrightness(by: entry.float("factor"))
  case "contrast": picture.adjustContrast(by: entry.float("factor"))
  case "saturation": picture.adjustSaturation(by: entry.float("factor"))
  case "sharpness": return picture.sharpened(by: entry.float("factor"))
  case "hue": picture.turnHue(by: entry.float("factor"))
  case "gamma": picture.adjustGamma(entry.float("factor"), gain: entry.float("gain"))
  case "grayscale": picture.removeColor()
  case "gaussianBlur":
    return picture.gaussianBlurred(kernel: entry.integer("kernel"), sigma: entry.float("sigma"))
  case "posterize": picture.posterize(bits: entry.integer("bits"))
  case "solarize": picture.solarize(threshold: Int(entry.number("threshold").rounded(.up)))
  case "jpeg": return picture.withJPEGArtifacts(quality: entry.integer("quality"))
  case "erase":
    var random = Random(seed: 0)
    let (left, top) = (entry.integer("left"), entry.integer("top"))
    picture.erase(
      PixelBox(
        left: left, top: top, right: left + entry.integer("width"),
        bottom: top + entry.integer("height")), .color(RGB(10, 20, 30)), using: &random)
  case "equalize": picture.equalize()
  case "autocontrast": picture.autocontrast()
  case "invert": picture.invert()
  case "policy":
    let name = entry.text("name")
    guard let operation = PolicyOperation(rawValue: name.prefix(1).lowercased() + name.dropFirst())
    else { return nil }
    var sample = Sample(picture: picture)
    operation.apply(entry.number("magnitude"), to: &sample, interpolation: .bilinear)
    return sample.picture
  default: return nil
  }
  return picture
}

@Test func pixelOperationsMatchTorchvision() throws {
  let golden = try Golden.file.get()
  #expect(golden.cases.count > 100)
  for entry in golden.cases {
    let source = try Golden.source(entry.source)
    let result = try #require(ours(entry, source), "unknown operation \(entry.operation)")
    let expected = try Golden.picture(entry)
    let worst = try difference(result, expected)
    #expect(worst <= 1, "\(entry.operation) of \(entry.source), \(entry.parameters): \(worst)")
  }
}

/// The goldens are no trivial ones: but for a few that are meant to change nothing, results differ
/// from their sources.
@Test func goldenOperationsChangeTheirPictures() throws {
  let entries = try Golden.file.get().cases.filter {
    $0.operation != "source" && $0.source == "photo"
  }
  let unchanged = try entries.filter { entry in
    let (a, b) = (try Golden.source("photo"), try Golden.picture(entry))
    return a.width == b.width && a.height == b.height && a == b
  }
  #expect(Set(unchanged.map(\.operation)).isSubset(of: ["posterize", "policy", "autocontrast"]))
  #expect(unchanged.count <= 3)
}

@Test func policyMagnitudesAreTorchvisions() throws {
  let spaces = [
    "auto": MagnitudeRange(bins: 10), "rand": MagnitudeRange(bins: 31),
    "wide": MagnitudeRange(bins: 31, isWide: true),
  ]
  let size = PictureSize(width: 47, height: 33)
  var seen = 0
  for (key, expected) in try Golden.file.get().magnitudes {
    let parts = key.split(separator: "/").map(String.init)
    let space = try #require(spaces[parts[0]])
    let name = parts[1].prefix(1).lowercased() + parts[1].dropFirst()
    let operation = try #require(PolicyOperation(rawValue: String(name)))
    #expect(operation.isSigned == expected.signed, "\(key)")
    #expect(space.bins == expected.bins)
    for level in 0..<space.bins {
      let ours = space.magnitude(operation, level: level, size: size)
      seen += 1
      guard let values = expected.values else {
        #expect(ours == nil, "\(key)")
        continue
      }
      #expect(abs((ours ?? .nan) - values[level]) < 1e-4, "\(key) at \(level)")
    }
  }
  #expect(seen == 14 * 10 + 2 * 14 * 31)
  // RandAugment and TrivialAugment draw from the operations of torchvision's tables.
  #expect(PolicyOperation.drawn.count == 14)
}
