import Foundation
import SakerData
import Testing

@testable import SakerPlots

private let chart = Chart(
  title: "a chart", x: Axis("x"), y: Axis("y"),
  series: [Chart.Series("line", x: [0, 1, 2], y: [0, 1, 4], color: Palette.color(0))])

struct OutputFileTests {
  @Test(arguments: [
    ("png", [0x89, 0x50, 0x4E, 0x47]), ("pdf", Array("%PDF".utf8)), ("svg", Array("<?xml".utf8)),
    ("PNG", [0x89, 0x50, 0x4E, 0x47]),
  ])
  func endingDecidesTheFormat(ending: String, start: [UInt8]) throws {
    try withDirectory { directory in
      let path = "\(directory)/chart.\(ending)"
      try chart.write(to: path)
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(Array(data.prefix(start.count)) == start && data.count > 1000)
      // Nothing temporary is left.
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 1)
    }
  }

  @Test func whatCannotBeWrittenThrowsAndNamesTheFile() throws {
    try withDirectory { directory in
      try chart.write(to: directory + "/file.png")
      for path in [
        directory + "/missing/chart.png", directory + "/file.png/chart.png", "/proc/chart.png",
      ] {
        let error = #expect(throws: PlotError.self) { try chart.write(to: path) }
        #expect(error?.file == path)
        #expect(error?.description.hasPrefix("\(path): cannot be written: ") == true)
        #expect(error?.description.contains("\n") == false)
      }
      try FileManager.default.createDirectory(
        atPath: directory + "/folder.png", withIntermediateDirectories: false)
      #expect(
        throws: PlotError(file: directory + "/folder.png", "cannot be written: Is a directory")
      ) { try chart.write(to: directory + "/folder.png") }
      #expect(
        throws: PlotError(
          file: "chart.jpg", "expected a name that ends in .png, .pdf or .svg")
      ) { try chart.write(to: "chart.jpg") }
      let error = #expect(throws: PlotError.self) {
        try chart.figure(width: 1e6).write(to: directory + "/wide.png")
      }
      #expect(error?.file == directory + "/wide.png")
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
    }
  }

  @Test func aFullDeviceIsReportedAndStaysADevice() throws {
    let error = #expect(throws: PlotError.self) {
      try writeAtomically([1, 2, 3], to: "/dev/full")
    }
    #expect(error?.problem == "cannot be written: No space left on device")
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func anOldFileIsReplacedThroughItsLink() throws {
    try withDirectory { directory in
      try writeAtomically([1, 2, 3], to: directory + "/real")
      try FileManager.default.createSymbolicLink(
        atPath: directory + "/link", withDestinationPath: "real")
      try writeAtomically([4], to: directory + "/link")
      let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/real"))
      #expect(Array(data) == [4])
      let link = try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/link")
      #expect(link == "real")
    }
  }

  @Test func picturesGoThroughCairoUnchanged() throws {
    let pixels = (0..<37 * 11 * 3).map { UInt8(truncatingIfNeeded: $0 &* 89) }
    let picture = Picture(width: 37, height: 11, pixels: pixels)
    #expect(try Canvas(picture).picture() == picture)
  }

  @Test func textLeavesInkAndFits() throws {
    let canvas = try Canvas(.png, width: 200, height: 40)
    canvas.fill(.white)
    let font = Font(size: 14)
    let long = "a caption that is much too long for this"
    let short = canvas.fitted(long, font, width: 100)
    #expect(short.hasSuffix("...") && short.count > 5)
    #expect(canvas.textWidth(short, font) <= 100 && canvas.textWidth(long, font) > 100)
    #expect(canvas.fitted("short", font, width: 100) == "short")
    canvas.text(short, at: Point(x: 10, y: 25), font, .black)
    let ink = try canvas.picture().places(of: .white)
    #expect(ink.count < 200 * 40 - 100)
    #expect(ink.filter { $0.x > 112 }.count == 87 * 40)
  }
}
