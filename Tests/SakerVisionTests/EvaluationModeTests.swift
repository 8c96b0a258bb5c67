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
    func phases() -> Set<Bool> { Set(layers.map { $0.mode.isTraining }) }
    let (trains, evaluates) = (
      layers.isEmpty ? [] : Set([true]), layers.isEmpty ? [] : Set([false])
    )
    #expect(phases() == trains)
    let inside = model.evaluating { phases() }
    #expect(inside == evaluates)
    #expect(phases() == trains)
    model.eval()
    #expect(phases() == evaluates)
    model.train()
    #expect(phases() == trains)
  }
}
