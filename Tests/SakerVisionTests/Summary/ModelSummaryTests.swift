import SakerNN
import SakerTensor
import SakerVision
import Testing

@Suite struct ModelSummaryTests {
  @Test func tinySSD() throws {
    let model = TinySSDTests.model()
    let summary = ModelSummary(model)
    #expect(summary.inputShape == [1, 3, 256, 256])
    #expect(summary.parameters == model.parameterCount)
    #expect(summary.rows.reduce(0) { $0 + $1.parameters } == model.parameterCount)
    func row(_ name: String) throws -> ModelSummary.Row {
      try #require(summary.rows.first { $0.name == name })
    }
    let first = try row("blk_0.0.0")
    #expect(first.kind == "Conv2d" && first.outputShape == [1, 16, 256, 256])
    #expect(first.parameters == 448 && first.multiplyAdds == 16 * 256 * 256 * 27)
    #expect(first.receptiveField == [3, 3] && first.stride == [1, 1])
    // Two 3x3 convolutions and a pooling by 2, three times, by hand: 6, 16, 36.
    #expect(try row("blk_0.0.6").receptiveField == [6, 6])
    #expect(try row("blk_0.1.6").receptiveField == [16, 16])
    #expect(try row("blk_0.2.6").receptiveField == [36, 36])
    #expect(try row("blk_0.2.6").stride == [8, 8])
    // Heads branch off the block's result, not off each other.
    #expect(try row("cls_0").receptiveField == [52, 52])
    #expect(try row("bbox_0").receptiveField == [52, 52])
    #expect(try row("blk_1.0").receptiveField == [52, 52])
    #expect(try row("blk_3.6").stride == [64, 64])
    #expect(try row("blk_4").stride == [256, 256])
    let line = summary.description.split(separator: "\n")[2].split(separator: " ")
    #expect(line == ["blk_0.0.0", "Conv2d", "1x16x256x256", "448", "28,311,552", "3", "1"])
    #expect(summary.description.contains("\ntiny-ssd on 1x3x256x256: "))
    // A row a layer, a heading and its line, the totals.
    #expect(summary.description.split(separator: "\n").count == summary.rows.count + 3)
  }

  /// Not only layers but functions and views may lie between, and a layer may run twice.
  @Test func sharedLayersAndBranches() {
    final class Branches: Module {
      let a = Conv2d(2, 2, kernel: 5, stride: 2, padding: 2)
      let b = Conv2d(2, 2, kernel: 3, padding: 1)
      let head = Linear(2, 7)
      func run(_ x: Tensor) -> Tensor {
        let left = relu(a(x))
        let right = b(b(left))
        let both = concatenate([left, right], axis: 0)
        return head(both.mean(axes: [2, 3]))
      }
    }
    let model = Branches()
    let summary = ModelSummary(model, name: "branches", input: .zeros([1, 2, 16, 16])) {
      _ = model.run($0)
    }
    #expect(summary.rows.map(\.name) == ["a", "b", "b", "head"])
    #expect(summary.rows.map(\.parameters) == [102, 38, 0, 21])
    #expect(summary.rows[1].receptiveField == [9, 9])
    #expect(summary.rows[2].receptiveField == [13, 13])
    #expect(summary.rows[3].multiplyAdds == 2 * 2 * 7)
    #expect(summary.rows[3].receptiveField == [13, 13])
    // The hooks are gone: the outputs are computed ones again.
    #expect(model.run(.zeros([1, 2, 16, 16])).shape == [2, 7])
  }
}

/// E28: one dilated layer sees r(K - 1) + 1: 5 and 9 for rates 2 and 4. Layers of rates 1,
/// 2, 4 one after the other see 3, 7, 15, which the notes give for single ones (Yu &
/// Koltun, arXiv:1511.07122).
@Test func dilatedLayersSeeWhatTheySee() {
  func field(_ rates: [Int]) -> [Int]? {
    let network = Sequential(
      rates.map { Conv2d(1, 1, kernel: 3, padding: Padding.each($0), dilation: $0) })
    return ModelSummary(network, name: "dilated", input: .zeros([1, 1, 32, 32])) {
      _ = network($0)
    }.rows.last?.receptiveField
  }
  #expect(field([2]) == [5, 5])
  #expect(field([4]) == [9, 9])
  #expect(field([1, 2]) == [7, 7])
  #expect(field([1, 2, 4]) == [15, 15])
}
