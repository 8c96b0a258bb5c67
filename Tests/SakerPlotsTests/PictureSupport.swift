import Foundation
import SakerData

@testable import SakerPlots

/// A picture of one colour.
func plain(_ width: Int, _ height: Int, _ color: Color = Color(0x808080)) -> Picture {
  let bytes = color.bytes
  return Picture(
    width: width, height: height,
    pixels: (0..<width * height).flatMap { _ in bytes })
}

extension Color {
  var bytes: [UInt8] { [red, green, blue].map { UInt8(($0 * 255).rounded()) } }
}

extension Picture {
  func bytes(_ x: Int, _ y: Int) -> [UInt8] {
    let at = (y * width + x) * 3
    return Array(pixels[at..<at + 3])
  }

  func color(_ x: Int, _ y: Int) -> Color {
    let b = bytes(x, y).map { Double($0) / 255 }
    return Color(red: b[0], green: b[1], blue: b[2])
  }

  /// The places with exactly this colour.
  func places(of color: Color) -> [(x: Int, y: Int)] {
    let wanted = color.bytes
    return (0..<height).flatMap { y in
      (0..<width).filter { bytes($0, y) == wanted }.map { ($0, y) }
    }
  }
}

/// A new empty directory, removed afterwards.
func withDirectory(_ body: (String) throws -> Void) throws {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("saker-plots-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  try body(url.path)
}
