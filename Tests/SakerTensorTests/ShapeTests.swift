import SakerTensor
import TestSupport
import Testing

struct ShapeTests {
  @Test(arguments: [
    ([4, 3, 2, 1], [3, 1, 1], [4, 3, 2, 1]), ([2, 3], [], [2, 3]), ([3, 1], [1, 4], [3, 4]),
    ([0, 3], [1, 3], [0, 3]), ([5, 1, 4], [3, 1], [5, 3, 4]),
  ])
  func broadcasts(_ a: [Int], _ b: [Int], _ both: [Int]) {
    #expect(Shape(a).broadcast(with: Shape(b)) == Shape(both))
    let (x, y) = (random(Shape(a), seed: 1), random(Shape(b), seed: 2))
    #expect((x + y).shape == Shape(both))
    expectClose(x + y, x.expand(Shape(both)) + y.expand(Shape(both)))
    expectClose(x + y, y + x)
  }

  @Test func whatDoesNotBroadcastStops() async {
    #expect(Shape([4, 3, 3, 1]).broadcast(with: [3, 2, 1]) == nil)
    expectStopped(
      saying: "got [4, 3, 3, 1] and [3, 2, 1]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([4, 3, 3, 1]) + Tensor.zeros([3, 2, 1])
      })
  }

  @Test func expandRepeatsAndKeeps() async {
    #expect(Tensor.zeros([2, 1, 1]).expand([2, 3, 4]).shape == [2, 3, 4])
    #expect(Tensor.zeros([2, 3, 4]).expand([6, 2, 3, 4]).shape == [6, 2, 3, 4])
    #expect(Tensor.zeros([2, 1]).expand([3, -1, 4]).shape == [3, 2, 4])
    expectStopped(
      saying: "expand: expected 2 or -1 for axis 1",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 2, 2]).expand([2, 3, 4])
      })
  }

  @Test func reshapeFitsOneOpenSize() async {
    let x = Tensor((0..<24).map(Float.init), [2, 3, 4])
    #expect(x.reshape([4, -1]).shape == [4, 6])
    #expect(x.flatten(from: 1).shape == [2, 12])
    #expect(x.squeeze().shape == [2, 3, 4])
    #expect(x.unsqueeze(-1).squeeze(-1).shape == [2, 3, 4])
    expectClose(x.permute([2, 0, 1]).reshape([-1]), x.permute([2, 0, 1]).floats)
    expectStopped(
      saying: "reshape: expected a shape of 24 elements for [2, 3, 4], got [5, 5]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 3, 4]).reshape([5, 5])
      })
  }
}
