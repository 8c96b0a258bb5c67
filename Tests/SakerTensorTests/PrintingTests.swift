import SakerTensor
import TestSupport
import Testing

struct PrintingTests {
  @Test func smallTensors() {
    #expect(Tensor([1, -2, 30] as [Float]).description == "[ 1., -2., 30.] float32 [3]")
    #expect(
      Tensor([1.5, -2, 30, 0.25] as [Float], [2, 2]).description
        == "[[ 1.5000, -2.0000],\n [30.0000,  0.2500]] float32 [2, 2]")
    #expect(Tensor(3).description == "3. float32 []")
    #expect(Tensor([true, false]).description == "[ true, false] bool [2]")
    #expect(Tensor([10, 2] as [Int64]).description == "[10,  2] int64 [2]")
    #expect(Tensor.zeros([0, 3]).description == "[] float32 [0, 3]")
    #expect(
      Tensor([.nan, .infinity, 1.5] as [Float]).description
        == "[   nan,    inf, 1.5000] float32 [3]")
    #expect(Tensor([1e-8, 1] as [Float]).description == "[1.0000e-08, 1.0000e+00] float32 [2]")
  }

  @Test func blocksOfHigherRankHaveAnEmptyLineBetween() {
    let x = Tensor((0..<8).map(Float.init), [2, 2, 2])
    #expect(
      x.description == "[[[0., 1.],\n  [2., 3.]],\n\n [[4., 5.],\n  [6., 7.]]] float32 [2, 2, 2]")
  }

  @Test func bigTensorsAreShortened() {
    let text = Tensor((0..<2000).map(Float.init), [1000, 2]).description
    #expect(text.hasPrefix("[[   0.,    1.],\n"))
    #expect(text.contains("…") && text.hasSuffix("[1998., 1999.]] float32 [1000, 2]"))
    #expect(text.count < 200)
    #expect(Tensor.zeros([3000]).description == "[0., 0., 0., …, 0., 0., 0.] float32 [3000]")
  }
}
