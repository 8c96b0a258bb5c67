import SakerTensor
import TestSupport
import Testing

/// 0, 1, … in a shape.
private func counting(_ shape: Shape) -> Tensor {
  Tensor((0..<shape.elements).map(Float.init), shape)
}

struct IndexingTests {
  let x = counting([3, 4])

  @Test func positionsRangesAndNewAxes() {
    expectClose(x[0], [0, 1, 2, 3])
    expectClose(x[-1], [8, 9, 10, 11])
    #expect(x[1, 2].shape == [] && x[1, 2].item == 6)
    expectClose(x[1..<3, 0], [4, 8])
    expectClose(x[1...1, 1...2], [5, 6])
    expectClose(x[.all, (-2)...], [2, 3, 6, 7, 10, 11])
    expectClose(x[..<(-2), ...1], [0, 1])
    expectClose(x[.all, ...(-1)], x.floats)
    expectClose(x[.all, .step(0..<4, by: 2)], [0, 2, 4, 6, 8, 10])
    expectClose(x[.step(.all, by: 2), 3], [3, 11])
    #expect(x[.newAxis, 0, .newAxis].shape == [1, 1, 4])
    #expect(counting([2, 3, 4, 5])[1, .ellipsis, 2].shape == [3, 4])
    #expect(counting([2, 3])[.ellipsis, .newAxis].shape == [2, 3, 1])
    #expect(x[1..<1].shape == [0, 4])
  }

  @Test func aSliceIsAViewOfChannelsLastMemoryToo() {
    let image = counting([2, 3, 4, 5])
    expectClose(
      image.channelsLast()[1, 1..<3, 2, .step(.all, by: 2)], image[1, 1..<3, 2, .step(.all, by: 2)])
  }

  @Test func assigningChangesNoOtherTensor() {
    var y = x
    let view = y[0]
    y[0, 1] = Tensor(50)
    y[1..<3, .all] = Tensor([1, 2, 3, 4] as [Float])
    expectClose(y, [0, 50, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4])
    expectClose(view, [0, 1, 2, 3])
    expectClose(x, (0..<12).map(Float.init))
    y[0] = y[1] + y[2]
    expectClose(y[0], [2, 4, 6, 8])
    y[.all, 0] += Tensor(1)
    expectClose(y[.all, 0], [3, 2, 2])
  }

  @Test func assigningReadsTheOldNumbersFirst() {
    var y = counting([4])
    y[1..<4] = y[0..<3]
    expectClose(y, [0, 0, 1, 2])
  }

  @Test func manyAssignmentsInPlace() {
    var y = Tensor.zeros([1000, 1000])
    y[0, 0] = Tensor(1)
    for i in 0..<1000 { y[i, i] = Tensor(Float(i)) }
    #expect(y.sum().item == 499_500)
  }

  @Test func assigningConvertsToTheTensorsType() {
    var labels = Tensor([1, 2, 3] as [Int64])
    labels[0] = Tensor(7)
    #expect(labels.dtype == .int64 && labels.scalars(as: Int64.self) == [7, 2, 3])
  }

  @Test func gradientsOfAssignmentFlowToBothSides() {
    let y = random([2, 4], seed: 2)
    expectGradient(at: [random([3, 4], seed: 1), y]) { tensors in
      var x = tensors[0]
      x[1..<3, .all] = tensors[1]
      return x * x
    }
    expectGradient(at: [random([3, 4], seed: 1), random([4], seed: 5)]) { tensors in
      var x = tensors[0]
      x[.step(.all, by: 2)] = tensors[1]
      return x * x
    }
  }

  @Test func masksSelectAndAssign() {
    let mask = x .> 6.5
    expectClose(x[mask], [7, 8, 9, 10, 11])
    #expect(x[x .> 100].shape == [0])
    let rows = Tensor([true, false, true])
    #expect(x[rows].shape == [2, 4])
    expectClose(x[rows], [0, 1, 2, 3, 8, 9, 10, 11])
    var y = x
    y[mask] = Tensor(0)
    expectClose(y, [0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0])
    y[rows] = Tensor([1, 2, 3, 4] as [Float])
    expectClose(y, [1, 2, 3, 4, 4, 5, 6, 0, 1, 2, 3, 4])
    y[mask] = Tensor([5, 6, 7, 8, 9] as [Float])
    expectClose(y[mask], [5, 6, 7, 8, 9])
  }

  @Test func gradientsOfMasks() {
    let mask = random([3, 4], seed: 3) .> 0
    expectGradient(at: [random([3, 4], seed: 1)]) { $0[0][mask] * $0[0][mask] }
    expectGradient(at: [random([3, 4], seed: 1), random([], seed: 2)]) { tensors in
      var x = tensors[0]
      x[mask] = tensors[1]
      return x * x
    }
  }

  @Test func integersSelectPositions() {
    let rows = Tensor([2, 0, 2] as [Int64])
    expectClose(x[rows], [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11])
    expectClose(x.indexSelect(Tensor([-1, 1] as [Int32]), axis: 1), [3, 1, 7, 5, 11, 9])
    let square = Tensor([0, 1, 2, 0] as [Int64], [2, 2])
    #expect(x[square].shape == [2, 2, 4])
    #expect(x.indexSelect(square, axis: 1).shape == [3, 2, 2])
    let image = counting([2, 5, 3, 4])
    for axis in 0..<4 {
      let wanted = Tensor([1, 0, 1] as [Int64])
      expectClose(
        image.channelsLast().indexSelect(wanted, axis: axis), image.indexSelect(wanted, axis: axis))
    }
  }

  @Test func theLastOfSeveralAssignmentsStays() {
    var y = x
    y[Tensor([1, 1] as [Int64])] = counting([2, 4])
    expectClose(y[1], [4, 5, 6, 7])
    expectGradient(at: [x / 12, random([3, 4], seed: 8)]) { tensors in
      var y = tensors[0]
      y[Tensor([1, 0, 1] as [Int64])] = tensors[1]
      return y * y
    }
  }

  @Test func gatherAndScatterAreInverse() {
    let order = Tensor([2, 0, 3, 1, 1, 3, 0, 2, 0, 1, 2, 3] as [Int64], [3, 4])
    let gathered = x.gather(order, axis: 1)
    expectClose(gathered, [2, 0, 3, 1, 5, 7, 4, 6, 8, 9, 10, 11])
    expectClose(Tensor.zeros([3, 4]).scatter(gathered, at: order, axis: 1), x)
    expectClose(
      Tensor.zeros([3]).scatterAdd(
        Tensor([1, 2, 3, 4] as [Float]), at: Tensor([0, 2, 0, 2] as [Int64]), axis: 0), [4, 0, 6])
    let top = x.argmax(axis: 0, keepingAxis: true)
    expectClose(x.takeAlong(top, axis: 0), [8, 9, 10, 11])
    expectClose(
      x.channelsLast().transposed().gather(order.transposed(), axis: 0), gathered.transposed())
  }

  @Test func flipReverses() {
    expectClose(x.flip([1])[0], [3, 2, 1, 0])
    expectClose(x.flip([0, 1]), (0..<12).reversed().map(Float.init))
    expectClose(x.flip([-1]).flip([-1]), x)
    let image = counting([2, 3, 4, 5])
    expectClose(image.channelsLast().flip([3]), image.flip([3]))
  }

  @Test func whatIsOutOfRangeStops() async {
    expectStopped(
      saying: "subscript: expected a position in -3..<3 on axis 0 of [3, 4], got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([3, 4])[3]
      })
    expectStopped(
      saying: "subscript: expected a range inside 0..<4 on axis 1 of [3, 4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([3, 4])[.all, 2..<5]
      })
    expectStopped(
      saying: "indexSelect: expected indices in -3..<3, got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([3, 4])[Tensor([0, 3] as [Int64])]
      })
    expectStopped(
      saying: "subscript: expected a mask over the first axes of [3, 4], got [4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([3, 4])[Tensor.zeros([4], .bool)]
      })
    expectStopped(
      saying: "subscript assignment: expected a tensor that broadcasts to [4], got [3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var x = Tensor.zeros([3, 4])
        x[0] = Tensor.zeros([3])
      })
  }
}
