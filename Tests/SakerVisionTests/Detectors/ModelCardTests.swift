import SakerData
import SakerVision
import Testing

@Suite struct ModelCardTests {
  static let card = TinySSDTests.card()

  @Test func metadataGoesThereAndBack() throws {
    let metadata = Self.card.metadata
    #expect(try ModelCard(metadata: metadata, file: "a.safetensors") == Self.card)
    #expect(metadata == Self.card.metadata)
  }

  @Test(arguments: [
    "", "{}", "[1]", "{\"architecture\": 3}",
  ])
  func otherTextsAreRefusedInOneLine(text: String) {
    #expect {
      try ModelCard(metadata: [ModelCard.metadataKey: text], file: "a.safetensors")
    } throws: { error in
      let text = "\(error)"
      return text.hasPrefix("a.safetensors: ") && text.contains("expected") && text.contains("got")
        && !text.contains("\n")
    }
  }

  @Test func cardsThatMakeNoSenseAreRefused() {
    var broken: [ModelCard] = []
    for change: (inout ModelCard) -> Void in [
      { $0.classNames = [] }, { $0.preprocessing.height = 0 },
      { $0.preprocessing.width = 1 << 40 }, { $0.preprocessing.std = [1, 0, 1] },
      { $0.preprocessing.mean = [] }, { $0.anchors[1].sizes = [] },
      { $0.anchors[2].ratios = [-1] },
    ] {
      var card = Self.card
      change(&card)
      broken.append(card)
    }
    for card in broken {
      #expect(throws: ModelCardError.self) {
        try ModelCard(metadata: card.metadata, file: "a.safetensors")
      }
    }
    #expect(throws: ModelCardError.self) { try ModelCard(metadata: [:], file: "a.safetensors") }
  }
}
