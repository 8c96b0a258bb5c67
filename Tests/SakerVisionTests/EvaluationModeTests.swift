import SakerNN
import SakerVision
import Testing

/// `eval()` and `train()` look for the layers they concern without looking at every property.
@Suite struct EvaluationModeTests {
  /// One of each family.
  static let names: [String] = {
    var families: Set<String> = []
    return ClassifierCatalog.all.filter { families.insert($0.family).inserted }.map(\.name)
  }()

  @Test(arguments: names)
  func everyLayerThatDependsOnItIsReached(_ name: String) throws {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(10) }
    let layers = model.namedModules.compactMap { $0.module as? any ModeDependent }
    #expect(layers.allSatisfy(\.mode.isTraining))
    model.evaluating { #expect(!layers.contains(where: \.mode.isTraining)) }
    #expect(layers.allSatisfy(\.mode.isTraining))
    model.eval()
    #expect(!layers.contains(where: \.mode.isTraining))
    model.train()
    #expect(layers.allSatisfy(\.mode.isTraining))
  }
}
