import TestSupport
import Testing

@testable import SakerTensor

@Suite struct ChannelScaleTests {
  static let shapes: [Shape] = [
    [1, 1, 1, 1], [2, 3, 5, 7], [3, 17, 2, 1], [2, 64, 9, 9], [1, 33, 40, 41],
  ]

  @Test(arguments: shapes)
  func equalsTheProduct(_ shape: Shape) {
    let inputs = [
      random(shape, seed: 1).channelsLast(), random([shape[0], shape[1], 1, 1], seed: 2),
    ]
    let weights = random(shape, seed: 3)
    func walk(_ function: (Tensor, Tensor) -> Tensor) -> [Tensor] {
      var y = Tensor(0)
      let gradients = gradients(at: inputs) { inputs in
        y = function(inputs[0], inputs[1])
        return (y * weights).sum()
      }.gradients
      return [y.detached()] + gradients
    }
    let (own, other) = (walk { scaleChannels($0, $1) }, walk { $0 * $1 })
    for (a, b) in zip(own, other) { expectClose(a, b, relative: 1e-5) }
  }

  @Test func memoryOrderAndTypeDoNotMatter() {
    let (x, s) = (random([2, 5, 4, 3], seed: 1), random([2, 5, 1, 1], seed: 2))
    expectClose(scaleChannels(x, s), x * s, relative: 1e-6)
    let half = scaleChannels(x.converted(to: .bfloat16), s.converted(to: .bfloat16))
    #expect(half.dtype == .bfloat16)
    #expect(scaleChannels(.zeros([0, 5, 4, 3]), .zeros([0, 5, 1, 1])).shape == [0, 5, 4, 3])
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let inputs = [
      random([3, 40, 33, 31], seed: 1).channelsLast(), random([3, 40, 1, 1], seed: 2),
    ]
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let results = [1, 2, 3].map { count -> [[Float]] in
      Parallel.threads = count
      return gradients(at: inputs) { scaleChannels($0[0], $0[1]).sum() }.gradients.map(\.floats)
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func otherShapesStop() async {
    expectStopped(
      saying: "scaleChannels: expected [N, C, H, W] and [N, C, 1, 1] of one type",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = scaleChannels(.ones([2, 3, 4, 4]), .ones([2, 4, 1, 1]))
      })
  }
}
