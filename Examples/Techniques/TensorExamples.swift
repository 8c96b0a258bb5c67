import Saker
import Testing

@Suite struct TensorExamples {
  /// Two rows of three columns: 0 1 2, 3 4 5.
  private let table = Tensor.arange(6).converted(to: .float32).reshape([2, 3])

  @Test("Creation") func creation() {
    #expect(Tensor.arange(from: 2, to: 10, by: 3).scalars(as: Int64.self) == [2, 5, 8])
    #expect(Tensor.linspace(0, 1, count: 5).floats == [0, 0.25, 0.5, 0.75, 1])
    #expect(Tensor.full(like: table, 7).floats == [7, 7, 7, 7, 7, 7])
    #expect(Tensor.eye(2).floats == [1, 0, 0, 1])
  }

  @Test("Random tensors") func randomTensors() {
    var random = Random(seed: 1)
    let order = Tensor.permutation(5, using: &random)
    #expect(order.sorted().values.scalars(as: Int64.self) == [0, 1, 2, 3, 4])
    let normal = Tensor.normal([10_000], mean: 3, deviation: 2, using: &random)
    #expect(abs(normal.mean().item - 3) < 0.1)
    let uniform = Tensor.uniform([10_000], in: -1...1, using: &random)
    #expect(uniform.min().item >= -1 && uniform.max().item < 1 && abs(uniform.mean().item) < 0.05)
  }

  @Test("Broadcasting") func broadcasting() {
    let column = Tensor([10, 20] as [Float], [2, 1])
    #expect((table + column).floats == [10, 11, 12, 23, 24, 25])
    // Compared from the right: equal, or one of them 1 or missing.
    #expect(Shape([4, 1, 6]).broadcast(with: [3, 1]) == [4, 3, 6])
    #expect(Shape([4, 2, 6]).broadcast(with: [3, 1]) == nil)
  }

  @Test("Expand") func expanding() {
    let row = Tensor([1, 2, 3] as [Float], [1, 3])
    #expect(row.expand([2, 3]).floats == [1, 2, 3, 1, 2, 3])
    #expect(row.expand([4, 5, -1]).shape == [4, 5, 3])  // new axes stand in front; -1 keeps a size
  }

  @Test("Reshape, flatten, permute, transpose, squeeze, unsqueeze") func views() {
    let maps = Tensor.zeros([2, 1, 3, 4])
    #expect(maps.reshape([6, -1]).shape == [6, 4])
    #expect(maps.flatten(from: 1).shape == [2, 12])
    #expect(maps.permute([0, 2, 3, 1]).shape == [2, 3, 4, 1])
    #expect(maps.squeeze(1).shape == [2, 3, 4] && maps.unsqueeze(0).shape == [1, 2, 1, 3, 4])
    #expect(table.transposed().floats == [0, 3, 1, 4, 2, 5])
  }

  @Test("Concatenate, stack, repeat") func joining() {
    let (a, b) = (Tensor([1, 2] as [Float]), Tensor([3, 4] as [Float]))
    #expect(concatenate([a, b]).floats == [1, 2, 3, 4])
    #expect(stack([a, b], axis: 1).floats == [1, 3, 2, 4])
    #expect(a.repeated([2]).floats == [1, 2, 1, 2])
    #expect(a.repeatInterleave(2, axis: 0).floats == [1, 1, 2, 2])
  }

  @Test("Split into parts") func splitting() {
    #expect(table.split(size: 2, axis: 1).map(\.shape) == [[2, 2], [2, 1]])
    #expect(table.split(sizes: [1, 2], axis: 1).map(\.floats) == [[0, 3], [1, 2, 4, 5]])
    #expect(table.chunked(into: 2).map(\.floats) == [[0, 1, 2], [3, 4, 5]])
  }

  @Test("Indexing by position, range, integers and mask") func indexing() {
    let x = table
    #expect(x[0, 1...].floats == [1, 2] && x[.all, -1].floats == [2, 5])
    let indices = Tensor([1, 1] as [Int64])
    #expect(x[indices].floats == [3, 4, 5, 3, 4, 5])
    let mask = x .> 3
    #expect(x[mask].floats == [4, 5])
  }

  @Test("Assigning to a part") func assigning() {
    var x = table
    x[0, 1...] = Tensor([8, 9] as [Float])
    x[x .> 8] = Tensor(-1)
    #expect(x.floats == [0, 8, -1, 3, 4, 5])
    #expect(table.floats == [0, 1, 2, 3, 4, 5])  // nobody else's tensor changes
  }

  @Test("Gather and scatter") func gathering() {
    let places = Tensor([2, 0] as [Int64], [2, 1])
    let found = table.gather(places, axis: 1)
    #expect(found.floats == [2, 3])
    let spread = Tensor.zeros([2, 3]).scatter(found, at: places, axis: 1)
    #expect(spread.floats == [0, 0, 2, 3, 0, 0])
    let bins = Tensor([1, 0, 1, 1] as [Int64])
    #expect(Tensor.zeros([2]).scatterAdd(.ones([4]), at: bins, axis: 0).floats == [1, 3])
  }

  @Test("Nonzero, argsort, sort, top k") func order() {
    let x = Tensor([3, 0, 5, 1] as [Float])
    #expect(x.nonzero().scalars(as: Int64.self) == [0, 2, 3])
    #expect(x.argsort().scalars(as: Int64.self) == [1, 3, 0, 2])
    #expect(x.sorted(descending: true).values.floats == [5, 3, 1, 0])
    let (largest, places) = x.topK(2)
    #expect(largest.floats == [5, 3] && places.scalars(as: Int64.self) == [2, 0])
  }

  @Test("Clamp, where, maximum, argmax") func choosing() {
    #expect(table.clamped(from: 1, to: 3).floats == [1, 1, 2, 3, 3, 3])
    #expect(Tensor.where(table .> 2, table, 0).floats == [0, 0, 0, 3, 4, 5])
    #expect(maximum(table, 2).floats == [2, 2, 2, 3, 4, 5])
    #expect(table.argmax(axis: 1).scalars(as: Int64.self) == [2, 2])
    let (values, rows) = table.max(axis: 0)
    #expect(values.floats == [3, 4, 5] && rows.scalars(as: Int64.self) == [1, 1, 1])
  }
}
