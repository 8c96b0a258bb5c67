import TestSupport
import Testing

@testable import SakerTensor

extension WinogradRandomTests {
  private func pooled(_ shape: RandomCase, _ x: Tensor) -> Tensor {
    Winograd.convolve(
      KernelSource(x), shape.weight, shape.geometry, turned: false,
      KernelEpilogue(
        bias: shape.bias, residual: shape.residual, activation: shape.activation, pools: true),
      keeping: false)
  }

  private func largest(_ y: Tensor) -> [Float] {
    let (rows, columns) = (y.shape[2], y.shape[3])
    let values = y.floats
    return (0..<y.shape[0] * y.shape[1] * (rows / 2) * (columns / 2)).map { i in
      let (plane, window) = i.quotientAndRemainder(dividingBy: (rows / 2) * (columns / 2))
      let (row, column) = window.quotientAndRemainder(dividingBy: columns / 2)
      let first = (plane * rows + row * 2) * columns + column * 2
      let four = [0, 1, columns, columns + 1].map { values[first + $0] }
      return four.first(where: \.isNaN) ?? four.max()!
    }
  }

  /// Tiles hold whole windows, so the pooled map has the very numbers of the other.
  @Test(arguments: 0..<4)
  func pooledResultsAreTheLargestOfEachWindow(part: Int) {
    for seed in 4000 + part * 25..<4025 + part * 25 {
      let shape = RandomCase(seed: seed)
      if min(shape.geometry.y[2], shape.geometry.y[3]) < 2 { continue }
      let y = pooled(shape, shape.x)
      #expect(y.floats == largest(shape.forward()), "\(shape)")
    }
  }

  @Test func notANumberIsTheLargestOfItsWindow() {
    let shape = RandomCase([1, 3, 9, 8], out: 5)
    var numbers = shape.x.floats
    numbers[13] = .nan
    let x = Tensor(numbers, shape.geometry.x).channelsLast()
    let whole = Winograd.convolve(
      KernelSource(x), shape.weight, shape.geometry, turned: false, KernelEpilogue(),
      keeping: false)
    let expected = largest(whole)
    #expect(expected.contains { $0.isNaN } && expected.contains { !$0.isNaN })
    expectClose(pooled(shape, x).floats, expected, relative: 0)
  }
}
