import SakerTensor
import TestSupport
import Testing

struct ConversionTests {
  @Test(arguments: DType.allCases, DType.allCases)
  func smallIntegersSurvive(_ a: DType, _ b: DType) {
    let numbers: [Float] = a == .bool || b == .bool ? [0, 1, 1, 0] : [0, 1, 100, 7]
    let x = Tensor(numbers).converted(to: a).converted(to: b)
    #expect(x.dtype == b && x.floats == numbers)
  }

  @Test func rangesSaturateAndFractionsGo() {
    let x = Tensor([-1000, -1.7, 1.7, 300, .nan, .infinity] as [Float])
    #expect(x.converted(to: .uint8).scalars(as: UInt8.self) == [0, 0, 1, 255, 0, 255])
    #expect(x.converted(to: .int8).scalars(as: Int8.self) == [-128, -1, 1, 127, 0, 127])
    #expect(x.converted(to: .bool).scalars(as: Bool.self).allSatisfy { $0 })
  }

  @Test func halvesRoundToEven() {
    #expect(Tensor([1 + 1 / 256] as [Float]).converted(to: .bfloat16).item == 1)
    #expect(Tensor([1 + 3 / 256] as [Float]).converted(to: .bfloat16).item == 1.015_625)
    #expect(Tensor([1 + 1 / 2048] as [Float]).converted(to: .float16).item == 1)
    #expect(Tensor([Float.nan]).converted(to: .bfloat16).item.isNaN)
    #expect(Tensor([1e6] as [Float]).converted(to: .float16).item == .infinity)
  }

  @Test(arguments: [DType.bfloat16, .float16])
  func arithmeticGoesThroughFloat32(_ dtype: DType) {
    let (x, y) = (random([64], seed: 1), random([64], seed: 2, in: 0.5...2))
    let (a, b) = (x.converted(to: dtype), y.converted(to: dtype))
    let (wideA, wideB) = (a.converted(to: .float32), b.converted(to: .float32))
    for (low, wide) in [
      (a + b, wideA + wideB), (a * b, wideA * wideB), (a / b, wideA / wideB),
      (maximum(a, b), maximum(wideA, wideB)), (sin(a), sin(wideA)), (pow(b, 2), pow(wideB, 2)),
      (a.sum(), wideA.sum()), (a.max(), wideA.max()), (a.sorted().values, wideA.sorted().values),
      (concatenate([a, b]), concatenate([wideA, wideB])),
      (a.cumulativeSum(axis: 0), wideA.cumulativeSum(axis: 0)),
    ] {
      #expect(low.dtype == dtype)
      expectClose(low, wide.converted(to: dtype), relative: 0)
    }
    let gradient = SakerTensor.gradients(at: [a]) { ($0[0] * b).sum() }.gradients[0]
    #expect(gradient.dtype == dtype)
    expectClose(gradient, b, relative: 0)
  }

  @Test func gradientsComeBackInTheFirstType() {
    let result = SakerTensor.gradients(at: [random([3], seed: 1)]) {
      ($0[0].converted(to: .bfloat16) * 3).converted(to: .float32).sum()
    }
    #expect(result.gradients[0].dtype == .float32)
    expectClose(result.gradients[0], [3, 3, 3])
  }
}
