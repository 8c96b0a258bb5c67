import Foundation
import SakerTensor
import Testing

@testable import SakerData

/// Path of a committed test picture.
func fixture(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Fixtures/pictures/\(name)").standardizedFileURL.path
}

/// A binary PPM: what another program made of a picture.
func expected(_ name: String) throws -> Picture {
  let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(name + ".ppm"))))
  var at = 0
  var fields: [Int] = []
  while fields.count < 4 {
    let end = try #require(bytes[at...].firstIndex { $0 == 10 || $0 == 32 })
    fields.append(Int(String(decoding: bytes[at..<end], as: UTF8.self)) ?? 0)
    at = end + 1
  }
  return Picture(width: fields[1], height: fields[2], pixels: Array(bytes[at...]))
}

/// The largest difference of two pictures of one size, in levels.
func difference(
  _ a: Picture, _ b: Picture, _ location: SourceLocation = #_sourceLocation
) throws -> Int {
  try #require(a.width == b.width && a.height == b.height, sourceLocation: location)
  return zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// A folder that goes away with the value.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "saker-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with the folders on its way, and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    try write(Array(text.utf8), name)
  }
}

/// A picture of noise: the same seed gives the same one.
func noise(width: Int, height: Int, seed: UInt64) -> Picture {
  var random = Random(seed: seed)
  return Picture(
    width: width, height: height,
    pixels: (0..<width * height * 3).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) })
}

func bytes(of name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

extension TemporaryFolder {
  /// Black pictures of 20x10 pixels with these names.
  func write(pictures: [String]) throws {
    let png = try Picture(width: 20, height: 10).encoded(as: .png())
    for name in pictures { try write(png, name) }
  }
}

/// What was wrong with the files, and what they state wrongly.
func allProblems(_ set: LabelSet) -> [String] {
  (set.problems + set.check()).map(\.description)
}

/// The error of what has to fail, in words.
func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing"
  } catch {
    return "\(error)"
  }
}
