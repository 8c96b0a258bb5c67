import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerTrain

extension TrainingTests {
  /// A run after a search is the run without it, bit for bit.
  @Test func searchingALearningRateLeavesNoTrace() throws {
    let folder = try TemporaryFolder()
    let data = try folder.dataset(6)
    func run(searching: Bool) throws -> ([NamedTensor], LearningRateSweep?) {
      let model = counter(normalized: true)
      let trainer = try DetectorTrainer(model, on: data, settings(), into: folder.run)
      let finder = LearningRateFinder(1e-5...10, steps: 12, smoothing: 0.5)
      let sweep = searching ? try trainer.findLearningRate(finder) : nil
      _ = try trainer.run()
      return (model.state, sweep)
    }
    let (state, sweep) = try run(searching: true)
    #expect(bits(state) == bits(try run(searching: false).0))
    let found = try #require(sweep)
    // More steps than an epoch has batches.
    #expect(found.rates.count > 3 && found.losses.allSatisfy { $0.isFinite })
  }
}
