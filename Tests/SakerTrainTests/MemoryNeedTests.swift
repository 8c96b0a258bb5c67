import SakerNN
import SakerVision
import Testing

@testable import SakerTrain

struct MemoryNeedTests {
  @Test func theNeedGrowsWithTheBatchAndIsABound() throws {
    let model = tinySSD()
    let one = MemoryNeed.bytes(model, batch: 1, .training, .float32)
    #expect(MemoryNeed.bytes(model, batch: 8, .training, .float32) == 8 * one)
    #expect(MemoryNeed.bytes(model, batch: 1, .training, .bfloat16) < 0.6 * one)
    #expect(MemoryNeed.bytes(model, batch: 1, .inference, .float32) < 0.6 * one)
    // Both convolutions at 64x64 alone put out 16 channels.
    #expect(one > 2 * 2 * 16 * 64 * 64 * 4)
  }

  @Test func whatFitsIntoNoMachineThrows() throws {
    var card = card
    card.preprocessing = .imageNet(height: 256, width: 256)
    let model = tinySSD(0, card)
    try MemoryNeed.check(model, batch: 1, .training, .float32)
    let error = #expect(throws: TrainingError.self) {
      try MemoryNeed.check(model, batch: 100_000_000, .training, .float32)
    }
    #expect(
      error?.description.hasPrefix("batch: 100000000 pictures of 256x256 take at least ") == true)
    // Asking leaves the model as it was.
    #expect(bits(model.state) == bits(tinySSD(0, card).state))
  }
}
