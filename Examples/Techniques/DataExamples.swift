import Foundation
import Saker
import Testing

// One example a technique, each of at most 15 lines, run by the tests: what
// docs/notes-map.md leads to.

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

  @Test("Tensor to picture and back") func tensorAndPicture() throws {
    let picture = Picture(width: 2, height: 1, pixels: [255, 0, 51, 0, 128, 204])
    let image = Tensor(picture: picture)  // ToTensor: [3, 1, 2], 0...1
    #expect(image.shape.sizes == [3, 1, 2] && image.floats[0] == 1)
    #expect(Picture(tensor: image) == picture)  // ToPILImage
    let (mean, std): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let normalized = Tensor(picture: picture, mean: mean, std: std).reshape([1, 3, 1, 2])
    #expect(Picture(tensor: normalized, mean: mean, std: std) == picture)
    let levels = Tensor(picture: picture, range: .levels)  // 0...255
    #expect(Picture(tensor: levels / 2, range: .levels)[1, 0] == RGB(0, 64, 102))
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

  @Test("Preprocessing: a picture as a model's input") func preprocessing() {
    let picture = Picture(width: 2, height: 1, pixels: [255, 0, 0, 0, 0, 255])
    let input = Preprocessing(
      height: 1, width: 2, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    let found = input.apply(picture)
    #expect(zip(found, [1, -1, -1, -1, -1, 1]).allSatisfy { abs($0 - $1) < 1e-5 })
    // Proportions are kept: 8 rows of gray above and below, where boxes follow.
    let letterbox = Preprocessing(height: 64, width: 64, fit: .letterbox())
    let place = letterbox.placement(of: PictureSize(width: 32, height: 24))
    let box = Box(left: 0, top: 0, right: 16, bottom: 24)
    #expect(place.toInput(box) == Box(left: 0, top: 8, right: 32, bottom: 56))
    #expect(place.toPicture(place.toInput(box)) == box)
  }
}
