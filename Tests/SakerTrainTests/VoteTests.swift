import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

struct VoteTests {
  @Test func sharesByHand() {
    let rows: [[Float]] = [[0.6, 0.4, 0], [0.1, 0.3, 0.6], [0.45, 0.25, 0.3]]
    let soft = ClassifierVote.joined(rows, .soft)
    for (share, expected) in zip(soft, [1.15 / 3, 0.95 / 3, 0.9 / 3] as [Float]) {
      #expect(abs(share - expected) < 1e-6)
    }
    #expect(ClassifierVote.joined(rows, .hard) == [Float(2) / 3, 0, Float(1) / 3])
    // One alone decides alone, and what is equal goes to the first.
    #expect(ClassifierVote.joined([rows[1]], .hard) == rows[1])
    #expect(ClassifierVote.joined([[0.5, 0.5], [0.2, 0.8]], .hard) == [0.5, 0.5])
  }

  /// On a data set, and on a picture alone: as the library's votes on logits have it.
  @Test func classifiersVote() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(9)
    let models = (0..<3).map { tinyClassifier(UInt64($0)) }
    // Each sees pictures its own way.
    let cards = [12, 8, 12].map { side in
      var card = classifierCard
      card.input = ClassifierInput(side: side, smallestSide: 4, resizedSide: 12)
      return card
    }
    let runners = zip(models, cards).map {
      (name: "a", runner: ClassifierRunner($0, $1, batch: 4, isQuiet: true))
    }
    let images = try zip(models, cards).map { model, card in
      let inputs = try data.items.map { card.input.tensor(try Picture(file: $0.file)) }
      return model.evaluating { model(concatenate(inputs, axis: 0)) }
    }
    let soft = try ClassifierVote(runners, .soft).evaluate(on: data)
    let expected = Vote.soft(images).floats
    for (share, other) in zip(soft.probabilities.flatMap(\.self), expected) {
      #expect(abs(share - other) < 1e-5)
    }
    #expect(soft.indices == Array(0..<9) && soft.truths == data.labels)
    let hard = try ClassifierVote(runners, .hard)
    #expect(
      try hard.evaluate(on: data).predictions
        == Vote.hard(images).converted(to: .float32).floats.map { Int($0) })
    let picture = try Picture(file: data.items[4].file)
    #expect(hard.probabilities(of: picture).reduce(0, +) == 1)
  }

  @Test func membersTellTheSameClassesApart() throws {
    var other = classifierCard
    other.classNames = ["green", "red", "blue"]
    let model = tinyClassifier()
    let error = #expect(throws: TrainingError.self) {
      try ClassifierVote([
        ("one.safetensors", ClassifierRunner(model, classifierCard)),
        ("two.safetensors", ClassifierRunner(model, other)),
      ])
    }
    #expect(
      error?.description
        == "one.safetensors and two.safetensors cannot vote together: the first tells red, green, blue apart, "
        + "the second green, red, blue: expected the same classes in the same order")
    var card = card
    let first = DetectorRunner(Counter(card))
    card.classNames = ["red"]
    let second = DetectorRunner(Counter(card))
    #expect(throws: TrainingError.self) { try DetectorVote([("a", first), ("b", second)]) }
  }

  private func found(_ left: Float, _ label: Int, _ score: Float) -> Detection {
    Detection(
      box: Box(left: left, top: 0, right: left + 10, bottom: 10), label: label, score: score)
  }

  /// Boxes of one class that overlap by more than the threshold are one object, whoever found them.
  @Test func detectorsJoinTheirBoxes() throws {
    let lists = [
      [found(0, 0, 0.9), found(40, 1, 0.5)], [found(1, 0, 0.95), found(40, 0, 0.4)],
      [found(80, 1, 0.3)],
    ]
    #expect(
      DetectorVote.joined(lists, DetectionOptions())
        == [found(1, 0, 0.95), found(40, 1, 0.5), found(40, 0, 0.4), found(80, 1, 0.3)])
    #expect(
      DetectorVote.joined(lists, DetectionOptions(isClassAgnostic: true, limit: 2))
        == [found(1, 0, 0.95), found(40, 1, 0.5)])
    #expect(DetectorVote.joined([lists[0]], DetectionOptions()) == lists[0])

    let folder = try TemporaryFolder()
    let data = try folder.dataset(3, width: 100, height: 50)
    let members = lists.map { list in
      let model = Counter(card)
      // In fractions of the input.
      model.found = list.map {
        Detection(box: $0.box.scaled(x: 1 / 100, y: 1 / 50), label: $0.label, score: $0.score)
      }
      return (name: "a", runner: DetectorRunner(model, batch: 2, workers: 1, isQuiet: true))
    }
    var order: [Int] = []
    let vote = try DetectorVote(members)
    let picture = try Picture(file: data.items[0].picture)
    let alone = vote.detect(picture, DetectionOptions())
    #expect(alone.map(\.score) == [0.95, 0.5, 0.4, 0.3])
    try vote.run(over: data, DetectionOptions()) { found in
      order.append(found.index)
      #expect(found.detections.map(\.score) == [0.95, 0.5, 0.4, 0.3])
      #expect(abs(found.detections[0].box.left - 1) < 1e-4)
    }
    #expect(order == [0, 1, 2])
  }
}
