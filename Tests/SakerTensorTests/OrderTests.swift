import SakerTensor
import TestSupport
import Testing

struct OrderTests {
  @Test(arguments: [1, 2, 30, 48, 49, 500, 20_000])
  func sortingOrders(_ count: Int) {
    let x = random([count], seed: UInt64(count), in: -5...5)
    let (values, indices) = x.sorted()
    #expect(values.floats == x.floats.sorted())
    #expect(x[indices].floats == values.floats)
    #expect(x.sorted(descending: true).values.floats == x.floats.sorted(by: >))
    for k in [0, 1, count / 20, count / 2, count] {
      #expect(x.topK(k).values.floats == Array(x.floats.sorted(by: >).prefix(k)))
      #expect(x.topK(k, largest: false).values.floats == Array(x.floats.sorted().prefix(k)))
    }
  }

  @Test(arguments: [true, false]) func equalElementsKeepTheirOrder(_ descending: Bool) {
    let x = Tensor((0..<1000).map { Float($0 * 7919 % 10) })
    let order = x.argsort(descending: descending).scalars(as: Int64.self)
    let expected = (0..<1000).sorted {
      let (a, b) = ($0 * 7919 % 10, $1 * 7919 % 10)
      return a == b ? $0 < $1 : (a < b) != descending
    }
    #expect(order == expected.map(Int64.init))
    let top = x.topK(20, largest: descending).indices.scalars(as: Int64.self)
    #expect(top == Array(order.prefix(20)))
  }

  @Test func specialNumbers() {
    let x = Tensor([1, .nan, -.infinity, -0.0, 0, .infinity, -2] as [Float])
    #expect(x.argsort().scalars(as: Int64.self) == [2, 6, 3, 4, 0, 5, 1])
    #expect(x.argsort(descending: true).scalars(as: Int64.self) == [1, 5, 0, 3, 4, 6, 2])
    let integers = Tensor([3, .min, -1, .max] as [Int64])
    #expect(integers.sorted().values.scalars(as: Int64.self) == [.min, -1, 3, .max])
    #expect(Tensor([200, 3] as [UInt8]).sorted().values.scalars(as: UInt8.self) == [3, 200])
  }

  @Test func alongEachAxis() {
    let x = Tensor([3, 1, 2, 0, 5, 4] as [Float], [2, 3])
    expectClose(x.sorted(axis: 0).values, [0, 1, 2, 3, 5, 4])
    expectClose(x.sorted(axis: 1).values, [1, 2, 3, 0, 4, 5])
    expectClose(x.topK(2, axis: 1).indices, [0, 2, 1, 2])
    #expect(Tensor.zeros([0, 3]).sorted(axis: 0).values.shape == [0, 3])
    #expect(Tensor.zeros([3, 0]).argsort(axis: 1).shape == [3, 0])
  }

  @Test func nonzeroAndUnique() {
    let x = Tensor([0, 1, 2, 0, 0, 3] as [Float], [2, 3])
    #expect(x.nonzero().scalars(as: Int64.self) == [0, 1, 0, 2, 1, 2])
    #expect(Tensor.zeros([4]).nonzero().shape == [0, 1])
    let (values, counts, inverse) = Tensor([5, 1, 5, 2] as [Int64], [2, 2]).unique()
    #expect(values.scalars(as: Int64.self) == [1, 2, 5])
    #expect(counts.scalars(as: Int64.self) == [1, 1, 2])
    #expect(inverse.scalars(as: Int64.self) == [2, 0, 2, 1] && inverse.shape == [2, 2])
    #expect(Tensor.zeros([0]).unique().values.shape == [0])
  }
}
