import Foundation
import SakerData
import Testing

@testable import SakerPlots

struct TensorBoardTests {
  /// Published values: RFC 3720, appendix B.4.
  @Test func checksumsAreThePublishedOnes() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  /// Scripts/golden/tensorboard_events.py
  @Test func recordsAreTensorBoardsOwnByteForByte() throws {
    let values: [Float] = [0.5, -1.25, 2, 2, 0, 3.5, -0.75, 1]
    let events = [
      TensorBoardEvent(.fileVersion, time: 1.5),
      TensorBoardEvent(.scalar(tag: "train/loss", 0.1), step: 1, time: 2.25),
      TensorBoardEvent(
        .histogram(tag: "weights", TensorBoardEvent.Histogram(values, bins: 4)), step: 300,
        time: 1_700_000_000.125),
      TensorBoardEvent(.text(tag: "args", "**Größe** 1"), step: 7, time: 3),
    ]
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/golden/tensorboard_events.tfevents")
    #expect(try events.flatMap { try $0.record() } == [UInt8](Data(contentsOf: golden)))
  }

  @Test func histogramsCountEveryFiniteValueOnce() {
    let odd: [Float] = [.nan, .infinity, 1, 1, -3, 0.25]
    let histogram = TensorBoardEvent.Histogram(odd, bins: 7)
    #expect(histogram.count == 4 && histogram.counts.reduce(0, +) == 4)
    #expect(histogram.minimum == -3 && histogram.limits.last == 1)
    #expect(histogram.sum == -0.75 && histogram.sumOfSquares == 11.0625)
    let same = TensorBoardEvent.Histogram([2, 2])
    #expect(same.limits == [2.5] && same.counts == [2])
    #expect(TensorBoardEvent.Histogram([]).counts == [0])
  }

  @Test func filesHoldEveryEventAtOnceAndNeverOverwriteOneAnother() throws {
    try withDirectory { folder in
      let first = try TensorBoardWriter(folder: folder)
      let second = try TensorBoardWriter(folder: folder)
      #expect(first.path != second.path)
      try first.write([.picture(tag: "p", plain(3, 2)), .scalar(tag: "s", 1)], step: 4)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: first.path)))
      // Walks the records: each length, its checksum, the data, and theirs.
      var (place, records) = (0, 0)
      while place < bytes.count {
        let header = Array(bytes[place..<place + 8])
        let length = Int(
          header.enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) })
        let data = bytes[place + 12..<place + 12 + length]
        func crc(_ at: Int) -> UInt32 {
          (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
        }
        #expect(crc(place + 8) == CRC32C.masked(header))
        #expect(crc(place + 12 + length) == CRC32C.masked(data))
        place += 16 + length
        records += 1
      }
      #expect(records == 3 && place == bytes.count)
    }
  }

  @Test func aFolderThatIsNotThereIsNamed() {
    #expect(throws: PlotError.self) { try TensorBoardWriter(folder: "/nowhere/at/all") }
  }
}
