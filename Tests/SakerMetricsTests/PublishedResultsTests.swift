import SakerMetrics
import Testing

/// Sets with results that others state (Tests/Fixtures/metrics/README.md).
struct PublishedResultsTests {
  @Test(arguments: ["0.1", "0.3", "0.5", "0.75"], [PixelRule.continuous, .inclusive])
  func personsAsRecomputed(threshold: String, rule: PixelRule) throws {
    let set = try Fixture("odm-persons")
    let table =
      rule == .inclusive ? "recomputed_inclusive_pixel_iou" : "recomputed_plain_iou"
    let evaluation = DetectionEvaluation(
      set.results, classNames: set.classNames, iouThreshold: try #require(Double(threshold)),
      rule: rule)
    let person = evaluation.classes[0]
    #expect(person.truths == 15 && person.detections == 24)
    let all = try set.value(table, "every_point", threshold)
    let eleven = try set.value(table, "eleven_point", threshold)
    #expect(abs(try #require(person.averagePrecision(.allPoints)) - all) < 1e-9)
    #expect(abs(try #require(person.averagePrecision(.elevenPoints)) - eleven) < 1e-9)
    let right = try set.value(table, "true_positives", threshold)
    #expect(Double(person.counts(at: 0).truePositives) == right)
  }

  @Test func personsAsTheSourceStates() throws {
    let set = try Fixture("odm-persons")
    let person = DetectionEvaluation(
      set.results, classNames: set.classNames, iouThreshold: 0.3, rule: .inclusive
    ).classes[0]
    #expect(abs(try #require(person.averagePrecision(.allPoints)) - 0.2457) < 5e-5)
    #expect(abs(try #require(person.averagePrecision(.elevenPoints)) - 0.2684) < 5e-5)
  }

  @Test(arguments: ["0.5", "0.75"], AveragePrecisionKind.allCases)
  func cats(threshold: String, kind: AveragePrecisionKind) throws {
    let set = try Fixture("toy-cats")
    let expected = try set.value(kind.rawValue, threshold)
    for rule in [PixelRule.continuous, .inclusive] {
      let evaluation = DetectionEvaluation(
        set.results, classNames: set.classNames, iouThreshold: try #require(Double(threshold)),
        rule: rule)
      let ap = try #require(evaluation.meanAveragePrecision(kind))
      #expect(abs(ap - expected) < 1e-6)
      if threshold == "0.5" {
        let counts = evaluation.counts(at: 0)
        #expect(counts.truePositives == 11 && counts.falseNegatives == 1)
      }
    }
  }

  @Test(arguments: [PixelRule.continuous, .inclusive])
  func thirtyClassesAndEightWithoutTruth(rule: PixelRule) throws {
    let set = try Fixture("cartucho-map")
    let (mean, table) =
      rule == .inclusive
      ? ("mAP_inclusive_pixel_iou", "AP_inclusive_pixel_iou") : ("mAP_plain_iou", "AP_plain_iou")
    let evaluation = DetectionEvaluation(set.results, classNames: set.classNames, rule: rule)
    #expect(evaluation.classes.count == 38)
    #expect(
      abs(try #require(evaluation.meanAveragePrecision()) - set.value(mean)) < 1e-12)
    for each in evaluation.classes {
      guard each.truths > 0 else {
        #expect(each.averagePrecision() == nil && each.averagePrecision(.elevenPoints) == nil)
        continue
      }
      let expected = try set.value(table, each.name)
      #expect(abs(try #require(each.averagePrecision()) - expected) < 1e-12, "\(each.name)")
    }
    #expect(evaluation.classes.count { $0.truths == 0 } == 8)
  }
}
