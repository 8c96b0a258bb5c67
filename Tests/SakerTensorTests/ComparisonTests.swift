import SakerTensor
import TestSupport
import Testing

struct ComparisonTests {
  private func bools(_ x: Tensor) -> [Bool] { x.scalars() }

  @Test func comparisons() {
    let a = Tensor([1, 2, 3, .nan] as [Float])
    let b = Tensor([2, 2, 2, .nan] as [Float])
    #expect(bools(a .< b) == [true, false, false, false])
    #expect(bools(a .<= b) == [true, true, false, false])
    #expect(bools(a .> b) == [false, false, true, false])
    #expect(bools(a .>= b) == [false, true, true, false])
    #expect(bools(a .== b) == [false, true, false, false])
    #expect(bools(a .!= b) == [true, false, true, true])
    #expect(bools(a .> 1.5) == [false, true, true, false])
    #expect((a .< b).dtype == .bool)
    #expect((Tensor.zeros([3, 1]) .< Tensor.ones([4])).shape == [3, 4])
  }

  @Test func integersCompareExactly() {
    let big: Int64 = 1 << 53
    #expect(bools(Tensor([big + 1]) .> Tensor([big])) == [true])
    #expect(bools(Tensor([0, 1] as [Int64]) .> 0.5) == [false, true])
    #expect(bools(Tensor([0, 1] as [UInt8]) .== 1) == [false, true])
    #expect(bools(Tensor([3] as [UInt8]) .> -1) == [true])
  }

  @Test func logic() {
    let (a, b) = (Tensor([true, true, false, false]), Tensor([true, false, true, false]))
    #expect(bools(a .& b) == [true, false, false, false])
    #expect(bools(a .| b) == [true, true, true, false])
    #expect(bools(a .^ b) == [false, true, true, false])
    #expect(bools(.!a) == [false, false, true, true])
  }

  @Test func properties() {
    let x = Tensor([1, .nan, .infinity, -.infinity] as [Float])
    #expect(bools(x.isNaN()) == [false, true, false, false])
    #expect(bools(x.isFinite()) == [true, false, false, false])
  }

  @Test func anyAndAll() {
    let x = Tensor([0, 0, 1, 0, 1, 1] as [Float], [3, 2])
    #expect(bools(x.any(axes: [1])) == [false, true, true])
    #expect(bools(x.all(axes: [1])) == [false, false, true])
    #expect(x.any().isTrue && !x.all().isTrue)
    #expect(!Tensor.zeros([0]).any().isTrue && Tensor.zeros([0]).all().isTrue)
    #expect(Tensor([0.25] as [Float]).any().isTrue)
  }

  @Test func closeness() {
    let x = Tensor([1, 2] as [Float])
    #expect(allClose(x, x + 1e-6) && !allClose(x, x + 1e-3))
    let infinite = Tensor([Float.infinity, .nan])
    #expect(!allClose(infinite, infinite) && allClose(infinite, infinite, equalNaN: true))
  }
}
