import Foundation
import SakerData
import SakerTensor
import Testing

@Suite("Labels as samples") struct LabelSampleTests {
  private let size = PictureSize(width: 12, height: 8)

  @Test("an outline becomes a mask, a run length mask too, and key points keep COCO's visibility")
  func objects() throws {
    let box = LabelBox(left: 2, top: 1, width: 4, height: 3)
    let square = LabeledObject(
      label: 3, box: box, flags: [.difficult],
      shape: .polygons([[2, 1, 6, 1, 6, 4, 2, 4], [8, 6, 10, 6, 10, 8, 8, 8]]),
      keyPoints: [.init(x: 3.5, y: 2.5, visibility: 1), .init(x: 0, y: 0, visibility: 0)])
    let sample = SampleObject(square, size: size)
    #expect(sample.annotation == Annotation(box: box.box, label: 3, difficult: true))
    let mask = try #require(sample.mask)
    for y in 0..<8 {
      for x in 0..<12 {
        let inside = (2..<6).contains(x) && (1..<4).contains(y) || (8..<10).contains(x) && y >= 6
        #expect(mask[x, y] == (inside ? 1 : 0))
      }
    }
    #expect(sample.keypoints.map(\.visibility) == [.hidden, .unknown])
    #expect(sample.keypoints[0].point == PicturePoint(x: 3.5, y: 2.5))
    var runs = square
    runs.shape = .mask(RunLengthMask(rows: mask.values, height: 8, width: 12))
    #expect(SampleObject(runs, size: size).mask == mask)
    // Of another picture's size: no mask rather than a wrong one.
    #expect(SampleObject(runs, size: PictureSize(width: 8, height: 12)).mask == nil)
    runs.shape = .line([1, 1, 5, 5])
    #expect(SampleObject(runs, size: size).mask == nil)
    #expect(SampleObject(LabeledObject(label: 0, box: box), size: size).mask == nil)
  }

  @Test("COCO's outlines reach transforms through the loader")
  func loader() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "saker-\(UUID().uuidString)"
    ).path
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Picture(width: 12, height: 8).write(to: folder + "/a.png")
    let json = """
      {"images": [{"id": 7, "file_name": "a.png", "width": 12, "height": 8}],
       "categories": [{"id": 2, "name": "cat"}],
       "annotations": [
        {"id": 1, "image_id": 7, "category_id": 2, "bbox": [2, 1, 4, 3], "area": 12, "iscrowd": 0,
         "segmentation": [[2, 1, 6, 1, 6, 4, 2, 4]], "keypoints": [3, 2, 2]},
        {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 12, 8], "area": 96, "iscrowd": 1,
         "segmentation": {"size": [8, 12], "counts": [0, 96]}}]}
      """
    try json.write(toFile: folder + "/instances.json", atomically: true, encoding: .utf8)
    let labels = try LabelSet(path: folder + "/instances.json")
    let sample = try labels.sample(at: 0)
    #expect(sample.objects.count == 1 && sample.objects[0].mask?.extent()?.pixels == 12)
    #expect(sample.objects[0].keypoints.map(\.visibility) == [.visible])
    let dataset = try DetectionDataset(labels)
    #expect(dataset.items[0].sample(sample.picture) == sample)
    final class Seen: @unchecked Sendable { var masks: [Int] = [] }
    struct Look: SampleTransform {
      let seen: Seen
      func apply(_ sample: inout Sample, using random: inout Random) {
        seen.masks.append(sample.objects.compactMap { $0.mask?.extent()?.pixels }.reduce(0, +))
      }
    }
    for outlines in [false, true] {
      let seen = Seen()
      var options = Loader.Options()
      options.workers = 0
      options.batchSize = 1
      options.outlines = outlines
      let loader = Loader(
        dataset, preprocessing: .imageNet(height: 8, width: 12), transforms: [Look(seen: seen)],
        options: options)
      let epoch = loader.epoch(0)
      #expect(try epoch.next()?.targets[0].count == 1)
      #expect(seen.masks == [outlines ? 12 : 0])
    }
  }
}
