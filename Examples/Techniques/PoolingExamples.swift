import Saker
import Testing

@Suite struct PoolingExamples {
  /// 1 2 3 4, 5 6 7 8, 9 10 11 12, 13 14 15 16.
  private let map = Tensor.linspace(1, 16, count: 16).reshape([1, 1, 4, 4])

  @Test("Max and mean pooling") func forward() {
    #expect(MaxPool2d(kernel: 2)(map).floats == [6, 8, 14, 16])
    #expect(AvgPool2d(kernel: 2)(map).floats == [3.5, 5.5, 11.5, 13.5])
    #expect(MaxPool2d(kernel: 3, stride: 1)(map).floats == [11, 12, 15, 16])
  }

  @Test("Pooling, backward") func backward() {
    let x = Parameter(map)
    MaxPool2d(kernel: 2)(x.value).sum().backward()  // to the largest of each window
    #expect(x.gradient?.flatten().nonzero().scalars(as: Int64.self) == [5, 7, 13, 15])
    x.gradient = nil
    AvgPool2d(kernel: 2)(x.value).sum().backward()  // in equal parts
    #expect(x.gradient?.floats == [Float](repeating: 0.25, count: 16))
  }

  @Test("Adaptive and global pooling") func adaptive() {
    #expect(AdaptiveMaxPool2d(2)(map).floats == [6, 8, 14, 16])
    #expect(AdaptiveAvgPool2d((1, 2))(map).floats == [7.5, 9.5])
    #expect(AdaptiveMaxPool2d(1)(map).item == 16 && AdaptiveAvgPool2d(1)(map).item == 8.5)
  }

  @Test("Pooling of sequences") func sequences() {
    let sequence = Tensor([1, 4, 2, 3] as [Float], [1, 1, 4])
    #expect(MaxPool1d(kernel: 2)(sequence).floats == [4, 3])
    #expect(AvgPool1d(kernel: 2)(sequence).floats == [2.5, 2.5])
    #expect(AdaptiveMaxPool1d(1)(sequence).item == 4)
    #expect(AdaptiveAvgPool1d(1)(sequence).item == 2.5)
  }

  @Test("Pooling of volumes") func volumes() {
    let volume = Tensor.arange(8).converted(to: .float32).reshape([1, 1, 2, 2, 2])
    #expect(MaxPool3d(kernel: 2)(volume).item == 7 && AvgPool3d(kernel: 2)(volume).item == 3.5)
    #expect(AdaptiveMaxPool3d((2, 1, 1))(volume).floats == [3, 7])
    #expect(AdaptiveAvgPool3d((2, 1, 1))(volume).floats == [1.5, 5.5])
  }

  @Test("Unpooling as a layer") func unpooling() {
    let (largest, places) = maxPool2dWithIndices(map, kernel: (4, 4))
    let spread = MaxUnpool()(largest, places, size: [4, 4])
    #expect(spread.floats == [Float](repeating: 0, count: 15) + [16])
  }
}
