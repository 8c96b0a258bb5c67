import SakerTensor
import TestSupport
import Testing

struct JoiningTests {
  let x = Tensor((0..<6).map(Float.init), [2, 3])

  @Test func concatenateAndStack() {
    expectClose(concatenate([x, x[0..<1]], axis: 0), [0, 1, 2, 3, 4, 5, 0, 1, 2])
    expectClose(concatenate([x, x], axis: -1)[1], [3, 4, 5, 3, 4, 5])
    #expect(stack([x, x], axis: 2).shape == [2, 3, 2])
    expectClose(stack([x, x], axis: 1)[0], [0, 1, 2, 0, 1, 2])
  }

  @Test func channelsLastStays() {
    let image = random([2, 3, 4, 5], seed: 1)
    let joined = concatenate([image.channelsLast(), image.channelsLast()], axis: 1)
    #expect(joined.isChannelsLast)
    expectClose(joined, concatenate([image, image], axis: 1))
    for mode in [PadMode.constant(2), .reflect, .replicate, .circular] {
      let padded = pad(image.channelsLast(), [(1, 2), (2, 1)], mode: mode)
      #expect(padded.isChannelsLast)
      expectClose(padded, pad(image, [(1, 2), (2, 1)], mode: mode))
    }
  }

  @Test func splitting() async {
    #expect(x.split(sizes: [1, 2], axis: 1).map(\.shape) == [[2, 1], [2, 2]])
    #expect(x.split(size: 2, axis: 1).map(\.shape) == [[2, 2], [2, 1]])
    #expect(x.chunked(into: 2, axis: 1).map(\.shape) == [[2, 2], [2, 1]])
    #expect(x.unbind().map(\.floats) == [[0, 1, 2], [3, 4, 5]])
    expectClose(concatenate(x.split(size: 2, axis: 1), axis: 1), x)
    expectStopped(
      saying: "split: expected sizes that add up to 3, got [1, 1]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 3]).split(sizes: [1, 1], axis: 1)
      })
  }

  @Test func repeating() {
    expectClose(x.repeated([1, 2])[0], [0, 1, 2, 0, 1, 2])
    #expect(x.repeated([3, 2, 2]).shape == [3, 4, 6])
    expectClose(x.repeatInterleave(2, axis: 1)[0], [0, 0, 1, 1, 2, 2])
    expectClose(x.repeatInterleave([2, 0, 1], axis: 1), [0, 0, 2, 3, 3, 5])
    expectClose(x.roll(1, axis: 1), [2, 0, 1, 5, 3, 4])
    expectClose(x.roll(-4, axis: 1), x.roll(-1, axis: 1))
  }

  @Test func padding() async {
    let row = Tensor([1, 2, 3] as [Float])
    expectClose(pad(row, [(1, 2)], mode: .constant(9)), [9, 1, 2, 3, 9, 9])
    expectClose(pad(row, [(2, 1)], mode: .reflect), [3, 2, 1, 2, 3, 2])
    expectClose(pad(row, [(2, 1)], mode: .replicate), [1, 1, 1, 2, 3, 3])
    expectClose(pad(row, [(2, 3)], mode: .circular), [2, 3, 1, 2, 3, 1, 2, 3])
    expectClose(pad(x, [(1, 0), (0, 1)])[0], [0, 0, 0, 0])
    #expect(pad(Tensor([1] as [Int64]), [(1, 0)]).scalars(as: Int64.self) == [0, 1])
    expectStopped(
      saying: "pad: expected reflect padding no wider than the axis allows",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = pad(Tensor.zeros([1, 3]), [(3, 0)], mode: .reflect)
      })
  }
}
