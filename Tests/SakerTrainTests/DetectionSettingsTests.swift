import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

extension TrainingTests {
  @Suite struct DetectionSettingsTests {
    @Test(arguments: TrainingSettings.Rule.allCases)
    func everyOptimizerTrainsAndIsResumed(_ rule: TrainingSettings.Rule) throws {
      let folder = try TemporaryFolder()
      let training = try folder.dataset(4)
      let own = settings {
        $0.rule = rule
        $0.learningRate = 1e-3
      }
      let trainer = try DetectorTrainer(counter(), on: training, own, into: folder.run)
      #expect(try trainer.run() == .complete)
      // The first epoch alone, then the second from its checkpoint.
      let half = RunFolder(folder.path + "/half")
      let first = try DetectorTrainer(counter(), on: training, own, into: half)
      first.isInterrupted = { first.state.steps >= 2 }
      #expect(try first.run() == .interrupted)
      let checkpoint = try DetectorCheckpoint(file: half.last)
      #expect(try checkpoint.base.settings == own)
      let second = try DetectorTrainer.resuming(checkpoint, counter(), on: training, into: half)
      second.isInterrupted = { false }
      #expect(try second.run() == .complete)
      #expect(try Outcome(half.last) == Outcome(folder.run.last))
      #expect(bits(trainer.model.state) != bits(counter().state))
    }

    @Test func theRateFallsToItsFloor() {
      for course in [TrainingSettings.Course.step, .cosine, .onecycle] {
        let own = settings {
          $0.course = course
          $0.epochs = 10
          $0.learningRate = 0.1
          $0.minimumRate = 0.004
          $0.warmUpEpochs = course == .onecycle ? 0 : 2
        }
        #expect(own.problems.isEmpty)
        let schedule = own.schedule(stepsPerEpoch: 10)
        let rates = (0..<100).map { schedule.rate(at: $0) }
        #expect(abs((rates.max() ?? 0) - 0.1) < 0.002, "\(course)")
        #expect(rates[20...].allSatisfy { $0 > 0.004 - 1e-9 }, "\(course)")
        #expect(abs(rates[99] - 0.004) < 1e-4, "\(course): \(rates[99])")
        if course != .onecycle { #expect(rates[0] < 0.004) }
      }
      for (change, says): ((inout TrainingSettings) -> Void, String) in [
        ({ $0.minimumRate = 1 }, "min lr: expected 0...0.003"),
        ({ $0.minimumRate = -1 }, "min lr: expected 0...0.003"),
        (
          {
            $0.minimumRate = 0
            $0.course = .constant
          }, "expected the schedule step, cosine or onecycle"
        ),
        (
          {
            $0.detection = DetectionSettings()
            $0.detection?.headRate = 0
          }, "head lr: expected a factor above 0"
        ),
      ] {
        #expect(settings(change).problems.first?.contains(says) == true, "\(says)")
      }
    }

    @Test func stagesAreFrozenAndHeadsHaveARateOfTheirOwn() throws {
      let folder = try TemporaryFolder()
      let training = try folder.dataset(4)
      func trained(_ change: (inout DetectionSettings) -> Void) throws -> [String: [UInt32]] {
        var own = DetectionSettings()
        change(&own)
        let model = tinySSD()
        _ = try DetectorTrainer(
          model, on: training,
          settings {
            $0.epochs = 1
            $0.detection = own
          }, into: folder.run
        ).run()
        #expect(try DetectorCheckpoint(file: folder.run.last).base.settings.detection == own)
        return bits(model.state)
      }
      let start = bits(tinySSD().state)
      let plain = try trained { _ in }
      for layers in ["4", "blk_1"] {
        let frozen = try trained { $0.frozenLayers = layers }
        for (name, values) in frozen where !name.contains("num_batches") {
          let isLow = name.hasPrefix("blk_0.") || name.hasPrefix("blk_1.")
          #expect((values == start[name]) == isLow, "\(layers): \(name)")
        }
      }
      // All of the body, and then only the heads learn, faster than they did.
      let slow = try trained { $0.headRate = 1e-6 }
      let (head, body) = ("cls_0.weight", "blk_0.0.0.weight")
      func distance(_ other: [String: [UInt32]], _ name: String) -> Float {
        zip(other[name] ?? [], start[name] ?? []).reduce(0) {
          $0 + abs(Float(bitPattern: $1.0) - Float(bitPattern: $1.1))
        }
      }
      #expect(distance(slow, head) < 0.01 * distance(plain, head))
      #expect(distance(slow, body) > 0.1 * distance(plain, body))
      let error = #expect(throws: TrainingError.self) { _ = try trained { $0.frozenLayers = "x" } }
      #expect(error?.description.contains("expected a number or one of blk_0.0, blk_0.1") == true)
      #expect(throws: TrainingError.self) { _ = try trained { $0.frozenLayers = "7" } }
    }

    /// The losses are those of training, with the layers as in evaluation, weighed by the
    /// pictures of the batches.
    @Test func validationMeasuresTheLosses() throws {
      let folder = try TemporaryFolder()
      let dataset = try folder.dataset(3, seed: 2)
      let model = tinySSD()
      let before = bits(model.state)
      let own = settings()
      let task = DetectionTask(model, on: try folder.dataset(2), validation: dataset)
      let found = try task.validate(
        ValidationOptions(settings: own, skipBad: false, isQuiet: true, onSkip: { _ in }))
      var options = Loader.Options()
      options.batchSize = own.batch
      options.workers = 0
      let epoch = Loader(dataset, preprocessing: card.preprocessing, options: options).epoch()
      var sums = (0.0, 0.0)
      while let batch = try epoch.next() {
        let loss = model.evaluating { model.loss(batch.tensor(), batch.targets) }
        sums.0 += Double(loss.classification) * Double(batch.count)
        sums.1 += Double(loss.box) * Double(batch.count)
        // At once, as one after the other.
        let both = model.evaluate(batch.tensor(), batch.targets, DetectionOptions())
        #expect(both.loss.classification == loss.classification && both.loss.box == loss.box)
        #expect(both.detections == model.detect(batch.tensor()))
      }
      #expect(abs((found.values["valClassLoss"] ?? 0) - sums.0 / 3) < 1e-6 * sums.0)
      #expect(abs((found.values["valBoxLoss"] ?? 0) - sums.1 / 3) < 1e-6 * sums.1)
      #expect(bits(model.state) == before)
    }

    /// A box that is a third too wide is right up to an IoU of 3/4, for six of ten thresholds.
    @Test func theStrictMeasureCountsThresholds() throws {
      let folder = try TemporaryFolder()
      var dataset = try folder.dataset(2, width: 80, height: 40)
      for index in dataset.items.indices {
        dataset.items[index].annotations = [
          Annotation(box: Box(left: 20, top: 10, right: 50, bottom: 30), label: 1)
        ]
      }
      let model = counter()
      model.found = [
        Detection(box: Box(left: 0.25, top: 0.25, right: 0.75, bottom: 0.75), label: 1, score: 0.9)
      ]
      let task = DetectionTask(model, on: dataset, validation: dataset)
      let found = try task.validate(
        ValidationOptions(settings: settings(), skipBad: false, isQuiet: true, onSkip: { _ in }))
      #expect(found.values["meanAveragePrecision"] == 1 && found.score == 1)
      #expect(abs((found.values["meanAveragePrecision5095"] ?? 0) - 0.6) < 1e-9)
    }

    @Test func usersPicturesAreNotTurnedUpsideDown() {
      #expect(TrainingSettings().verticalFlip == 0)
    }

    /// Mirrored views bring boxes back to where they are in the picture; inputs of other sizes are
    /// multiples of the stride.
    @Test func severalViewsVote() throws {
      let folder = try TemporaryFolder()
      let dataset = try folder.dataset(1, width: 80, height: 40)
      let picture = try Picture(file: dataset.items[0].picture)
      let model = counter()
      model.found = [
        Detection(box: Box(left: 0, top: 0, right: 0.25, bottom: 0.5), label: 1, score: 0.9)
      ]
      let views = TestTimeAugmentation([.init(), .init(scale: 0.83, isMirrored: true)])
      let found = model.detect(picture, DetectionOptions(), .float32, views)
      #expect(found.map { $0.box.left.rounded() } == [0, 60])
      #expect(found.map { $0.box.right.rounded() } == [20, 80])
      var runner = DetectorRunner(model, workers: 1, isQuiet: true)
      runner.views = views
      try runner.run(over: dataset, DetectionOptions()) { one in
        #expect(one.detections == found)
      }
      let sides = FreeSides(smallest: 64, stride: 32)
      #expect([10, 64, 79, 81, 212, 171].map { sides.nearest($0) } == [64, 64, 64, 96, 224, 160])
      // A real detector, in all sizes.
      let ssd = tinySSD(
        0,
        ModelCard(
          architecture: "tiny-ssd", classNames: ["red", "blue"], anchors: .tinySSD,
          preprocessing: .imageNet(height: 128, width: 128)))
      var options = DetectionOptions()
      options.confidence = 0.3
      for detection in ssd.detect(picture, options, .float32, TestTimeAugmentation()) {
        #expect(detection.box.left >= 0 && detection.box.right <= 80)
      }
    }
  }
}
