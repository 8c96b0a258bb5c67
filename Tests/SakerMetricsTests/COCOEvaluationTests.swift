import Foundation
import SakerData
import TestSupport
import Testing

@testable import SakerMetrics

/// Tests/Fixtures/metrics/coco-adversarial.json, made by Scripts/golden/coco_evaluation.py with
/// pycocotools 2.0.11.
private struct Adversarial {
  struct Set {
    var name: String
    var kind: COCOEvaluation.Kind
    var truth, found: [UInt8]
    var stats: [Double]
    /// AP and AR of each category, by ascending id.
    var categories: [[Double]]
  }
  struct Mask: Decodable {
    var size: [Int]
    var polygon: [Double]
    var counts: String
    var area: Int
    var bbox: [Double]
  }
  var sets: [Set] = []
  var masks: [Mask] = []

  init() throws {
    let data = try Data(contentsOf: metricsFixture("coco-adversarial.json"))
    let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for row in try #require(all["sets"] as? [[String: Any]]) {
      func bytes(_ key: String) throws -> [UInt8] {
        Array(try JSONSerialization.data(withJSONObject: try #require(row[key])))
      }
      sets.append(
        Set(
          name: try #require(row["name"] as? String),
          kind: try #require(COCOEvaluation.Kind(rawValue: row["kind"] as? String ?? "")),
          truth: try bytes("truth"), found: try bytes("found"),
          stats: try #require(row["stats"] as? [Double]),
          categories: try #require(row["categories"] as? [[Double]])))
    }
    struct Masks: Decodable { var masks: [Mask] }
    masks = try JSONDecoder().decode(Masks.self, from: data).masks
  }
}

func metricsFixture(_ name: String, file: String = #filePath) -> URL {
  URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/metrics/\(name)")
}

private func dataset(_ bytes: [UInt8]) throws(JSONError) -> COCODataset {
  let result: Result<COCODataset, JSONError> = bytes.withUnsafeBufferPointer { buffer in
    do throws(JSONError) {
      return .success(try COCODataset(json: buffer, file: "truth.json"))
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}

private func detections(_ bytes: [UInt8]) throws(JSONError) -> [COCODetection] {
  let result: Result<[COCODetection], JSONError> = bytes.withUnsafeBufferPointer { buffer in
    do throws(JSONError) {
      return .success(try COCODetection.read(json: buffer, file: "found.json"))
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}

@Suite("COCO evaluation") struct COCOEvaluationTests {
  @Test("60 adversarial sets agree with pycocotools to 1e-12")
  func adversarial() throws {
    let sets = try Adversarial().sets
    #expect(sets.count >= 60)
    #expect(sets.contains { $0.kind == .masks } && sets.contains { $0.kind == .boxes })
    for set in sets {
      let result = try COCOEvaluation(
        truths: try dataset(set.truth), detections: try detections(set.found), kind: set.kind)
      let error = zip(result.stats, set.stats).map { abs($0 - $1) }.max() ?? 1
      #expect(error <= 1e-12, "\(set.name): \(result.stats), pycocotools \(set.stats)")
      let own = result.categories.flatMap { [$0.stats[0], $0.stats[8]] }
      let theirs = set.categories.flatMap { $0 }
      #expect(own.count == theirs.count, "\(set.name)")
      #expect(zip(own, theirs).allSatisfy { abs($0 - $1) <= 1e-12 }, "\(set.name): categories")
    }
  }

  @Test("outlines become pycocotools' run lengths, and back")
  func outlines() throws {
    for (index, row) in try Adversarial().masks.enumerated() {
      let mask = try #require(
        RunLengthMask(polygon: row.polygon, height: row.size[0], width: row.size[1]))
      #expect(mask.compressed == row.counts, "mask \(index)")
      #expect(mask.area == row.area, "mask \(index)")
      let box = mask.box
      #expect([box.x, box.y, box.width, box.height] == row.bbox, "mask \(index)")
      let again = RunLengthMask(rows: mask.rows, height: row.size[0], width: row.size[1])
      #expect(again.rows == mask.rows && again.area == mask.area)
    }
  }

  @Test("intersection and union of masks are those of their pixels")
  func maskAlgebra() throws {
    var random = SeededRandom(seed: 3)
    for _ in 0..<200 {
      let (height, width) = (1 + Int(random.next() % 9), 1 + Int(random.next() % 9))
      let level = random.double()
      func pixels() -> [UInt8] { (0..<height * width).map { _ in random.double() < level ? 1 : 0 } }
      let (a, b) = (pixels(), pixels())
      let first = RunLengthMask(rows: a, height: height, width: width)
      let second = RunLengthMask(rows: b, height: height, width: width)
      #expect(first.intersection(second) == zip(a, b).count { $0 & $1 == 1 })
      let both = RunLengthMask.union([first, second])
      #expect(both.rows == zip(a, b).map { $0 | $1 })
      #expect(both.area == zip(a, b).count { $0 | $1 == 1 })
    }
  }

  @Test("a case by hand: two truths, one found twice")
  func byHand() throws {
    let truths = COCODataset(
      images: [COCOImage(id: 5, width: 100, height: 100)], categories: [COCOCategory(id: 3)],
      annotations: [10, 60].enumerated().map { index, x in
        COCOAnnotation(
          id: index + 1, imageID: 5, categoryID: 3,
          box: COCOBox(x: Double(x), y: 10, width: 20, height: 20), area: 400)
      })
    func found(_ x: Double, _ score: Double) -> COCODetection {
      COCODetection(
        imageID: 5, categoryID: 3, box: COCOBox(x: x, y: 10, width: 20, height: 20), score: score)
    }
    let result = try COCOEvaluation(
      truths: truths, detections: [found(10, 0.9), found(10, 0.8), found(60, 0.7)])
    // Precision 1 up to recall 0.5 (51 of the 101 recalls), then 2 of 3.
    let expected: Double = (51 + Double(50 * 2) / 3) / 101
    #expect(abs(result.stats[0] - expected) < 1e-12)
    #expect(result.stats[3] == result.stats[0])
    #expect(result.stats[4] == -1 && result.stats[5] == -1)
    #expect(result.stats[6] == 0.5 && result.stats[7] == 1)
    let lines = result.description.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 12)
    #expect(
      lines[4]
        == " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = -1.000")
    #expect(
      lines[6] == " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.500")
  }

  @Test("what can't be compared is named")
  func refusals() {
    let images = [COCOImage(id: 5, width: 100, height: 100)]
    let categories = [COCOCategory(id: 3)]
    let box = COCOBox(x: 0, y: 0, width: 2, height: 2)
    func problem(
      _ annotation: COCOAnnotation?, _ detection: COCODetection?,
      _ kind: COCOEvaluation.Kind = .boxes
    ) -> String? {
      do {
        _ = try COCOEvaluation(
          truths: COCODataset(
            images: images, categories: categories, annotations: annotation.map { [$0] } ?? []),
          detections: detection.map { [$0] } ?? [], kind: kind)
        return nil
      } catch {
        return "\(error)"
      }
    }
    let good = COCODetection(imageID: 5, categoryID: 3, box: box, score: 1)
    #expect(problem(nil, nil) == nil)
    #expect(problem(nil, good) == nil)
    var bad = good
    bad.score = .nan
    #expect(problem(nil, bad) == "the score of detection 1 is not a number")
    bad = good
    bad.imageID = 4
    #expect(
      problem(nil, bad) == "detection 1 is in picture 4, which the ground truth doesn't list")
    bad = good
    bad.box = nil
    #expect(problem(nil, bad) == "detection 1 has neither 'bbox' nor 'segmentation'")
    bad = good
    bad.categoryID = 9
    #expect(problem(nil, bad) == nil)
    let truth = COCOAnnotation(id: 8, imageID: 5, categoryID: 3, box: box, area: 4)
    #expect(problem(truth, good) == nil)
    #expect(
      problem(truth, good, .masks)
        == "the annotation 8 has no 'segmentation' that can be drawn in its picture")
    var other = truth
    other.area = nil
    #expect(problem(other, good) == "the annotation 8 has no 'area'")
    other = truth
    other.box = nil
    #expect(problem(other, good) == "the annotation 8 has no 'bbox'")
  }

  @Test("no truncated file is read")
  func truncation() throws {
    let set = try #require(try Adversarial().sets.first { $0.truth.count < 3000 })
    for count in 0..<set.truth.count {
      #expect(throws: JSONError.self) { try dataset(Array(set.truth[..<count])) }
    }
    for count in 0..<min(set.found.count, 3000) {
      #expect(throws: JSONError.self) { try detections(Array(set.found[..<count])) }
    }
  }

  @Test("1,200 mutated files are read or refused in one line")
  func mutations() throws {
    let sets = try Adversarial().sets.filter { $0.truth.count + $0.found.count < 20_000 }
    var random = SeededRandom(seed: 2026)
    let words = [
      "null", "NaN", "-1", "1e308", "1e999", "9007199254740993", "[]", "{}", "\"\"", "[[[[", "}",
      "]", ",", "\"id\":1,", "-0.0", "4294967296", "\"\\ud800\"", "true", ":", "1048576",
    ].map { Array($0.utf8) }
    var (read, refused) = (0, 0)
    for _ in 0..<1200 * LongChecks.factor {
      let set = sets[Int(random.next() % UInt64(sets.count))]
      var files = [set.truth, set.found]
      let which = Int(random.next() % 2)
      for _ in 0...Int(random.next() % 3) {
        let place = Int(random.next() % UInt64(max(files[which].count, 1)))
        switch random.next() % 4 {
        case 0: files[which][place] = UInt8(truncatingIfNeeded: random.next())
        case 1: files[which].removeLast(files[which].count - place)
        case 2:
          files[which].insert(
            contentsOf: words[Int(random.next() % UInt64(words.count))], at: place)
        default:
          // A value in the place of another one.
          let end = files[which][place...].firstIndex { $0 == 0x2C || $0 == 0x5D || $0 == 0x7D }
          files[which].replaceSubrange(
            place..<(end ?? place), with: words[Int(random.next() % UInt64(words.count))])
        }
        if files[which].isEmpty { break }
      }
      do {
        let result = try COCOEvaluation(
          truths: try dataset(files[0]), detections: try detections(files[1]), kind: set.kind)
        #expect(
          result.stats.count == 12 && result.stats.allSatisfy { (-1...1.000001).contains($0) })
        read += 1
      } catch {
        let text = "\(error)"
        #expect(!text.isEmpty && !text.contains("\n"), "\(text)")
        refused += 1
      }
    }
    #expect(read > 10 && refused > 500, "\(read) read, \(refused) refused")
  }

  @Test("problems of files are named with their line")
  func fileProblems() {
    func problem(_ text: String) -> String {
      do {
        _ = try dataset(Array(text.utf8))
        return ""
      } catch {
        return error.description
      }
    }
    #expect(problem("{}") == "truth.json:1: has no 'images' (byte 0)")
    #expect(
      problem(#"{"images":[],"annotations":[]}"#) == "truth.json:1: has no 'categories' (byte 0)")
    #expect(
      problem("{\"images\":[{\"id\":1},\n{\"id\":1}]}")
        == "truth.json:2: the image id 1 is there twice (byte 21)")
    #expect(
      problem(#"{"images":[{"id":true}]}"#)
        == "truth.json:1: 'id': expected an integer, got true (byte 17)")
    #expect(
      problem(#"{"annotations":[{"id":7,"image_id":1}]}"#)
        == "truth.json:1: the annotation 7 has no 'category_id' (byte 16)")
    #expect(
      problem(#"{"annotations":[{"bbox":[1,2,3]}]}"#)
        == "truth.json:1: a bbox has 4 numbers, not 3 (byte 31)")
    #expect(
      problem(#"{"annotations":[{"segmentation":{"size":[2,2],"counts":[1,1]}}]}"#)
        == "truth.json:1: run lengths don't add up to 2 * 2 pixels (byte 55)")
    #expect(
      problem(#"{"annotations":[{"segmentation":{"size":[2,2],"counts":"zzz"}}]}"#)
        == "truth.json:1: has broken run lengths (byte 55)")
  }
}
