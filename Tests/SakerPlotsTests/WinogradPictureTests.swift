import Foundation
import SakerData
import TestSupport
import Testing

@testable import SakerPlots

/// Draws what docs/winograd.md shows. With `SAKER_DRAW_DOCS` set to a folder the files
/// are written there.
@Suite struct WinogradPictureTests {
  @Test(arguments: WinogradPictures.all.indices)
  func committedPictureIsTheDrawing(index: Int) throws {
    let (name, draw) = WinogradPictures.all[index]
    let canvas = try draw()
    if let folder = ProcessInfo.processInfo.environment["SAKER_DRAW_DOCS"] {
      try writeAtomically(try canvas.encoded(), to: "\(folder)/\(name).png")
    }
    let drawn = try canvas.picture()
    let committed = try Picture(
      file: Fixtures.package.appending(path: "docs/images/\(name).png").path)
    #expect(committed.width == drawn.width && committed.height == drawn.height)
    try #require(committed.pixels.count == drawn.pixels.count)
    // Letters differ a little between versions of the font and of Cairo.
    let different = zip(committed.pixels, drawn.pixels).count { abs(Int($0) - Int($1)) > 64 }
    #expect(Double(different) < 0.05 * Double(drawn.pixels.count), "run Scripts/docs-pictures.sh")
    // Nothing runs into the edge.
    for x in 0..<drawn.width {
      #expect(drawn.bytes(x, 0) == [255, 255, 255])
      #expect(drawn.bytes(x, drawn.height - 1) == [255, 255, 255])
    }
    for y in 0..<drawn.height {
      #expect(drawn.bytes(0, y) == [255, 255, 255])
      #expect(drawn.bytes(drawn.width - 1, y) == [255, 255, 255])
    }
  }
}
