import Foundation
import Testing

/// Examples are to be taken in at a glance.
@Suite struct ExampleLengthTests {
  private static let longest = 15

  @Test func examplesAreShort() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).filter { $0.lastPathComponent.hasSuffix("Examples.swift") }
    #expect(!files.isEmpty)
    for file in files {
      let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
      for (start, line) in lines.enumerated() where line.hasPrefix("  @Test(") {
        let length = lines[start...].prefix { $0 != "  }" }.count - 1
        #expect(
          length <= Self.longest, "\(file.lastPathComponent):\(start + 1) has \(length) lines")
      }
    }
  }
}
