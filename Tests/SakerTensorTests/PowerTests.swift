import Foundation
import SakerTensor
import TestSupport
import Testing

@Suite struct PowerTests {
  /// Zeros of both signs, halves, odd and even numbers, the ends of the floats, infinities and
  /// not-a-numbers: all pairs.
  private static let edges: [Float] = [
    0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, .leastNonzeroMagnitude,
    -.leastNonzeroMagnitude, 1.1754944e-38, 3.4028235e38,
    -3.4028235e38, 16_777_215, 16_777_218, 33_554_432, .infinity, -.infinity, .nan, 1.0000001,
    0.99999994,
  ]

  private func expectExact(
    _ result: Float, _ x: Float, _ y: Float, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let exact = Foundation.pow(x, y)
    if exact.isNaN {
      #expect(result.isNaN, "\(x)^\(y)", sourceLocation: sourceLocation)
    } else {
      let near = result == exact || abs(result - exact) <= exact.ulp
      #expect(
        near && result.sign == exact.sign, "\(x)^\(y) is \(exact), got \(result)",
        sourceLocation: sourceLocation)
    }
  }

  /// Alone, each pair takes the way for its kind; blocks with infinities or
  /// not-a-numbers go another way.
  @Test func edgesAreTheMathLibrarys() {
    for x in PowerTests.edges {
      for y in PowerTests.edges {
        expectExact(pow(Tensor([x]), Tensor([y])).item, x, y)
        // One exponent of ±1/2 is a root, as in PyTorch, whose negative zeros and
        // infinities differ.
        if abs(y) != 0.5 { expectExact(pow(Tensor([x]), y).item, x, y) }
      }
    }
  }

  @Test func manyNumbersAreTheMathLibrarys() {
    let count = 20_000
    let x = exp(random([count], seed: 1, in: -20...20))
    let y = random([count], seed: 2, in: -9...9)
    for (z, (a, b)) in zip(pow(x, y).floats, zip(x.floats, y.floats)) { expectExact(z, a, b) }
    let (near, large) = (random([count], seed: 3, in: 0.9999...1.0001), Float(123_456))
    for (z, a) in zip(pow(near, large).floats, near.floats) { expectExact(z, a, large) }
  }

  /// Broadcast, and numbers that do not lie side by side.
  @Test func stridesDoNotMatter() {
    let (x, y) = (random([6, 5], seed: 1, in: 0.5...2), random([6], seed: 2, in: -2...2))
    let wanted = zip(x.transposed().contiguous().floats, (0..<30).map { y.floats[$0 % 6] })
      .map { Foundation.pow($0, $1) }
    expectClose(pow(x.transposed(), y), Tensor(wanted, [5, 6]), relative: 1e-6)
    #expect(pow(Tensor.zeros([0, 3]), Tensor.zeros([3])).shape == [0, 3])
    #expect(pow(Tensor([2, 4] as [Float]).converted(to: .bfloat16), 1.5).dtype == .bfloat16)
  }

  /// At 0 as PyTorch has it: d(0ʸ) is 0 for the exponent, and 0 for the base of exponent 0.
  @Test func gradientsAtZero() throws {
    let (x, y) = (
      Parameter(Tensor([0, 0, 0, -2] as [Float])), Parameter(Tensor([0, 2, 0.5, 3] as [Float]))
    )
    pow(x.value, y.value).sum().backward()
    #expect(try #require(x.gradient).floats == [0, 0, .infinity, 12])
    let slopes = try #require(y.gradient).floats
    #expect(slopes[0..<3] == [0, 0, 0] && slopes[3].isNaN)
  }

  // MARK: - ReLU

  /// As in PyTorch, what is no number stays so, and its gradient passes.
  @Test func reluKeepsNotANumber() throws {
    let numbers: [Float] = [-1, .nan, 2, -.infinity, .infinity, 0, -0.0]
    for dtype in [DType.float32, .bfloat16, .float16] {
      let x = Parameter(Tensor(numbers))
      let y = relu(x.value.converted(to: dtype))
      let values = y.converted(to: .float32).floats
      #expect(y.dtype == dtype && values[1].isNaN)
      #expect(values[0] == 0 && values[2...6] == [2, 0, .infinity, 0, 0])
      #expect(values[6].sign == .plus)
      y.backward(Tensor([1, 2, 3, 4, 5, 6, 7] as [Float]).converted(to: dtype))
      #expect(try #require(x.gradient).floats == [0, 2, 3, 0, 5, 0, 0])
    }
    // A gradient that is no number stays where it came from.
    let x = Parameter(Tensor([-1, 1] as [Float]))
    relu(x.value).backward(Tensor([Float.nan, .nan]))
    let gradient = try #require(x.gradient).floats
    #expect(gradient[0] == 0 && gradient[1].isNaN)
  }

  @Test func reluOfAnyOrderAndSize() {
    let x = random([2, 3, 4, 5], seed: 1)
    for y in [x, x.channelsLast(), x.transposed(1, 3), x.flip([2])] {
      #expect(relu(y).floats == y.floats.map { max($0, 0) })
    }
    #expect(relu(.zeros([0, 3])).shape == [0, 3])
  }

  /// Also as the last step of batch norm, by the batch's statistics, which one of them spoils for
  /// its channel, or by given ones.
  @Test func batchNormsReLUKeepsNotANumber() throws {
    var numbers = random([2, 3, 2, 2], seed: 1).floats
    numbers[5] = .nan
    let (ones, zeros) = (Tensor.ones([3]), Tensor.zeros([3]))
    func plain(_ x: Tensor, _ given: Bool, relu: Bool) -> Tensor {
      given
        ? batchNormInference(
          x, mean: zeros + 0.1, variance: ones * 2, scale: ones * 3, shift: zeros - 0.2,
          epsilon: 1e-5, relu: relu)
        : batchNormTraining(
          x, scale: ones * 3, shift: zeros - 0.2, epsilon: 1e-5, relu: relu,
          statistics: { _, _, _ in })
    }
    for isGiven in [true, false] {
      for clean in [true, false] {
        let values = clean ? random([2, 3, 2, 2], seed: 1) : Tensor(numbers, [2, 3, 2, 2])
        let (a, b) = (Parameter(values), Parameter(values))
        let (y, wanted) = (
          plain(a.value, isGiven, relu: true), relu(plain(b.value, isGiven, relu: false))
        )
        #expect(y.floats.contains { $0.isNaN } == !clean)
        expectClose(y, wanted)
        let weights = random([2, 3, 2, 2], seed: 2)
        y.backward(weights)
        wanted.backward(weights)
        expectClose(try #require(a.gradient), try #require(b.gradient))
      }
    }
  }

  @Test func integersStop() async {
    expectStopped(
      saying: "relu: expected a floating tensor, got int64",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = relu(Tensor([1] as [Int64]))
      })
  }
}
