import Foundation
import SakerData
import SakerTensor
import Testing

@testable import SakerPlots

struct TensorBoardFolderTests {
  /// Settings, then an event or two for each of some steps, then pictures.
  private func write(_ steps: ClosedRange<Int>, into folder: String, pictures: Bool) throws
    -> String
  {
    let writer = try TensorBoardWriter(folder: folder)
    if steps.lowerBound == 1 { try writer.write([.text(tag: "args", "a: 1")], step: 0) }
    for step in steps {
      let values = [Float(step), 2, 3]
      try writer.write(
        [
          .scalar(tag: "loss", 1 / Float(step)),
          .histogram(tag: "weights", TensorBoardEvent.Histogram(values)),
        ], step: step)
    }
    if pictures {
      try writer.write(
        [.picture(tag: "validation/p", Picture(width: 3, height: 2))], step: steps.upperBound)
    }
    return writer.path
  }

  private func contents(_ folder: String) -> [[UInt8]] {
    TensorBoardFolder(folder).records.map(\.content)
  }

  @Test func recordsAreReadAsTheyWereWritten() throws {
    try withDirectory { folder in
      _ = try write(1...2, into: folder, pictures: true)
      let records = TensorBoardFolder(folder).records
      #expect(records.map(\.step) == [0, 1, 1, 2, 2, 2])
      #expect(records.map(\.tag) == ["args", "loss", "weights", "loss", "weights", "validation/p"])
      #expect(records.map(\.isPicture) == [false, false, false, false, false, true])
      #expect(records.allSatisfy { $0.time > 1.7e9 && !$0.isVersion })
    }
  }

  /// Cut off at every byte, and gone on with from every step: the events are those of a run that
  /// was never stopped.
  @Test func aRunThatWasCutOffAnywhereGoesOnToTheSameEvents() throws {
    try withDirectory { whole in
      let path = try write(1...3, into: whole, pictures: true)
      let expected = contents(whole)
      #expect(expected.count == 8)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      for step in 1...3 {
        // A checkpoint of a step is written only after its events.
        let least = TensorBoardRecord.read(bytes).filter { $0.step <= step && !$0.isPicture }
          .reduce(0) { $0 + $1.bytes.count }
        for end in stride(from: least, through: bytes.count, by: 7) {
          try withDirectory { folder in
            let name = URL(fileURLWithPath: path).lastPathComponent
            try Data(bytes[..<end]).write(to: URL(fileURLWithPath: folder + "/" + name))
            #expect(try TensorBoardFolder(folder).rewind(to: step))
            if step < 3 {
              _ = try write(step + 1...3, into: folder, pictures: true)
            } else {
              try TensorBoardWriter(folder: folder).write(
                [.picture(tag: "validation/p", Picture(width: 3, height: 2))], step: 3)
            }
            #expect(contents(folder) == expected, "\(step), \(end)")
          }
        }
      }
    }
  }

  @Test func filesWithNothingLeftGo() throws {
    try withDirectory { folder in
      let path = try write(4...5, into: folder, pictures: true)
      #expect(try !TensorBoardFolder(folder).rewind(to: 3))
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try !TensorBoardFolder(folder).rewind(to: 3))
      try Data("not events at all".utf8).write(
        to: URL(fileURLWithPath: folder + "/events.out.tfevents.1.2.saker"))
      #expect(try !TensorBoardFolder(folder).rewind(to: 3))
      #expect(TensorBoardFolder(folder).files.isEmpty)
    }
  }

  @Test func aFileWithNothingToTakeAwayIsNotTouched() throws {
    try withDirectory { folder in
      let path = try write(1...2, into: folder, pictures: false)
      func number() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
      }
      let before = try number()
      #expect(try TensorBoardFolder(folder).rewind(to: 2))
      #expect(try number() == before)
    }
  }

  @Test func damagedMessagesEndWhereTheyMakeNoSense() {
    for bytes: [UInt8] in [
      [], [0xFF], [0x0A, 0xFF], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
      [0x09, 1, 2], [0x0F], Array(repeating: 0x80, count: 20),
    ] {
      #expect(Array(ProtocolFields(bytes[...])).isEmpty)
      #expect(TensorBoardRecord.read(bytes + bytes).isEmpty)
    }
  }
}
