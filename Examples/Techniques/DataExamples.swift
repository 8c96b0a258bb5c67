import Foundation
import Saker
import Testing

// One example a technique, each of at most 15 lines, run by the tests: what docs/notes-map.md leads to.

@Suite struct DataExamples {
  @Test("Formats") func formats() throws {
    let labels = try LabelSet(path: DetectionDataset.bloodCellFolder())
    let folder = NSTemporaryDirectory() + "saker-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let report = try labels.write(to: folder, as: .yolo, pictures: .link)
    #expect(report.pictures == 364 && report.classes == ["Platelets", "RBC", "WBC"])
    let cells = try DetectionDataset(data: folder, split: "train")
    #expect(cells.items.count == 205)
  }

  @Test("Split 6:2:2") func split() throws {
    let labels = try LabelSet(path: DetectionDataset.bloodCellFolder())
    let parts = labels.splitting([("train", 6), ("val", 2), ("test", 2)], seed: 0)
    #expect(parts.split("train").pictures.count == 218)
  }

  @Test("Weighted random sampler") func weightedSampler() throws {
    let sampler = try WeightedRandomSampler(weights: [1, 0, 3], samples: 100, seed: 0)
    #expect(!sampler.indices(epoch: 0).contains(1))
  }

  @Test("DataLoader with a collate function") func dataLoader() throws {
    var options = DataLoader<Int, [Int]>.Options()
    options.batchSize = 4
    options.workers = 2
    let loader = try DataLoader<Int, [Int]>(count: 10, options: options) { index, _ in
      index * index
    } collate: {
      $0
    }
    #expect(try loader.epoch().next() == [0, 1, 4, 9])
  }
}
