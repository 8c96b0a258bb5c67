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

  /// Cards with shapes keep them; those without are written as ever, and older programs read them.
  @Test func shapesAreKept() throws {
    var card = Self.card
    card.anchors[0] = AnchorLevel(shapes: [.init(width: 0.1, height: 0.3)])
    #expect(try ModelCard(metadata: card.metadata, file: "a.safetensors") == card)
    #expect(Self.card.metadata.values.allSatisfy { !$0.contains("shapes") })
    for bad in [[], [AnchorShape(width: 0, height: 1)], [AnchorShape(width: 1, height: -1)]] {
      card.anchors[0].shapes = bad
      #expect {
        try ModelCard(metadata: card.metadata, file: "a.safetensors")
      } throws: { "\($0)".contains("expected positive anchor shapes, got") }
    }
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
