import SakerTensor
import TestSupport
import Testing

/// Laws, cases by hand and odd input of the convolutions beside the plain one.
@Suite struct ConvolutionKindsTests {
  /// The book's: y[i..<i+h, j..<j+w] += x[i, j] k.
  @Test func transposedConvolutionByHand() {
    let x = Tensor([0, 1, 2, 3] as [Float], [1, 1, 2, 2])
    expectClose(
      convTranspose2d(x, x), [0, 0, 1, 0, 4, 6, 4, 12, 9] as [Float], relative: 0)
    expectClose(convTranspose2d(x, x, padding: (1, 1)), [4], relative: 0)
    expectClose(
      convTranspose2d(x, x, stride: (2, 2)),
      [0, 0, 0, 1, 0, 0, 2, 3, 0, 2, 0, 3, 4, 6, 6, 9] as [Float], relative: 0)
  }

  /// E29, E53: zeros go between the values, then a convolution by the turned kernel follows;
  /// padding and stride act on the result. It is neither an interpolation nor the
  /// convolution's inverse.
  @Test(arguments: [(1, 0), (2, 1), (3, 2)])
  func transposedConvolutionInsertsZeros(stride: Int, padding: Int) {
    let x = random([2, 3, 4, 5], seed: 1)
    let w = random([3, 2, 3, 3], seed: 2)
    var spread = Tensor.zeros([2, 3, 3 * stride + 1, 4 * stride + 1])
    spread[.all, .all, .step(.all, by: stride), .step(.all, by: stride)] = x
    let border = 2 - padding
    let turned = w.flip([2, 3]).transposed(0, 1)
    expectClose(
      convTranspose2d(x, w, stride: (stride, stride), padding: (padding, padding)),
      conv2d(spread, turned, padding: (border, border, border, border)))
  }

  /// The transpose of the convolution's matrix: `<conv(a), b> = <a, transposed(b)>`. The same
  /// numbers turn the shape around, but not the values.
  @Test func transposedConvolutionIsTheTranspose() {
    let a = random([1, 10, 16, 16], seed: 1)
    let w = random([20, 10, 5, 5], seed: 2)
    let b = conv2d(a, w, stride: (3, 3), padding: (2, 2, 2, 2))
    #expect(b.shape == [1, 20, 6, 6])
    let back = convTranspose2d(b, w, stride: (3, 3), padding: (2, 2))
    #expect(back.shape == [1, 10, 16, 16])
    #expect((back - a).norm().item > 1)
    expectClose((a * back).sum(), [(b * b).sum().item], relative: 1e-4)
    // FCN's last layer: 32 times as large.
    let fcn = convTranspose2d(
      .ones([1, 1, 3, 4]), .ones([1, 1, 64, 64]), stride: (32, 32), padding: (16, 16))
    #expect(fcn.shape == [1, 1, 96, 128])
  }

  /// How many kernels reach a result: different where the stride does not divide the kernel.
  @Test func checkerboard() {
    func counts(_ kernel: Int) -> Set<Float> {
      let y = convTranspose1d(.ones([1, 1, 8]), .ones([1, 1, kernel]), stride: 2)
      return Set(y.narrow(2, kernel..<y.shape[2] - kernel).floats)
    }
    #expect(counts(3) == [1, 2])
    #expect(counts(4) == [2])
  }

  @Test func volumesAreSumsOfPictures() {
    let x = random([2, 3, 4, 5, 6], seed: 1)
    let w = random([4, 3, 2, 3, 3], seed: 2)
    let y = conv3d(x, w)
    for plane in 0..<3 {
      let sum =
        conv2d(x.select(axis: 2, at: plane), w.select(axis: 2, at: 0))
        + conv2d(x.select(axis: 2, at: plane + 1), w.select(axis: 2, at: 1))
      expectClose(y.select(axis: 2, at: plane), sum)
    }
  }

  /// Offsets of zero and a mask of one are the plain convolution; whole offsets read shifted
  /// pixels.
  @Test func deformableConvolutionWithoutMovement() {
    let x = random([2, 4, 6, 7], seed: 1)
    let w = random([6, 2, 3, 3], seed: 2)
    let plain = conv2d(x, w, padding: (1, 1, 1, 1), groups: 2)
    expectClose(
      deformConv2d(
        x, offset: .zeros([2, 36, 6, 7]), w, mask: .ones([2, 18, 6, 7]), padding: (1, 1),
        groups: 2), plain)
    let one = Tensor.ones([1, 1, 1, 1])
    let picture = Tensor.arange(6).converted(to: .float32).reshape([1, 1, 2, 3])
    var offset = Tensor.zeros([1, 2, 2, 3])
    offset[0, 1] = Tensor(1)
    expectClose(
      deformConv2d(picture, offset: offset, one), [1, 2, 0, 4, 5, 0] as [Float], relative: 0)
    offset[0, 1] = Tensor(0.25)
    expectClose(
      deformConv2d(picture, offset: offset, one),
      [0.25, 1.25, 1.5, 3.25, 4.25, 3.75] as [Float], relative: 1e-6)
  }

  /// Numbers of the network may be anything; the pictures' infinities stay where they are.
  @Test func oddOffsetsReadZero() {
    let x = random([1, 2, 3, 3], seed: 1)
    let w = Tensor.ones([1, 2, 1, 1])
    for odd in [Float.nan, .infinity, -.infinity, 1e30, -1e30] {
      let leaves = [Parameter(x), Parameter(Tensor.full([1, 2, 3, 3], Double(odd)))]
      let y = deformConv2d(leaves[0].value, offset: leaves[1].value, w)
      expectClose(y, Tensor.zeros([1, 1, 3, 3]), relative: 0)
      y.sum().backward()
      for leaf in leaves { expectClose(leaf.gradient!, .zeros(leaf.value.shape), relative: 0) }
      let grid = Tensor.full([1, 1, 1, 2], Double(odd))
      expectClose(gridSample(x, grid), Tensor.zeros([1, 2, 1, 1]), relative: 0)
      for border in [GridBorder.border, .reflection] where abs(odd) != 1e30 {
        #expect(gridSample(x, grid, border: border).floats.allSatisfy { $0.isFinite })
      }
    }
    var hot = Tensor.zeros([1, 1, 1, 4])
    hot[0, 0, 0, 3] = Tensor(.infinity)
    #expect(interpolate(hot, size: [1, 7], mode: .linear, aligningCorners: true).floats[4] == 0)
  }

  @Test(arguments: CornerDirection.allCases)
  func cornerPoolingIsTheLargestOfTheRest(_ direction: CornerDirection) {
    let x = random([2, 3, 5, 6], seed: 1)
    let y = cornerPool(x, direction)
    let axis = direction == .top || direction == .bottom ? 2 : 3
    for i in 0..<x.shape[axis] {
      let rest = direction == .top || direction == .left ? i..<x.shape[axis] : 0..<i + 1
      expectClose(
        y.narrow(axis, i..<i + 1), x.narrow(axis, rest).max(axes: [axis], keepingAxes: true),
        relative: 0)
    }
  }

  /// E34: one step a pixel. CornerNet's figure 6, and the gradient: to where the walk met
  /// the maximum first.
  @Test func cornerPoolingByHand() {
    let row = Parameter(Tensor([2, 1, 3, 0, 2] as [Float], [1, 1, 1, 5]))
    let y = cornerPool(row.value, .left)
    expectClose(y, [3, 3, 3, 2, 2] as [Float], relative: 0)
    y.backward(Tensor([1, 10, 100, 1000, 10000] as [Float], [1, 1, 1, 5]))
    expectClose(row.gradient!, [0, 0, 111, 0, 11000] as [Float], relative: 0)
    let tied = Parameter(Tensor([1, 1, .nan, 5, .nan] as [Float], [1, 1, 5, 1]))
    let z = cornerPool(tied.value, .bottom)
    expectClose(z, [1, 1, .nan, .nan, .nan] as [Float], relative: 0)
    z.backward(Tensor.ones(z.shape))
    expectClose(tied.gradient!, [2, 0, 3, 0, 0] as [Float], relative: 0)
  }

  /// E72: bilinear at regular points, no rounding: on a ramp the values move with the box. Fast
  /// R-CNN's pooling rounds.
  @Test func roiAlignDoesNotRound() {
    let ramp = Tensor.arange(16).converted(to: .float32).expand([1, 1, 16, 16])
    func boxes(_ shift: Float) -> Tensor {
      Tensor([0, 2 + shift, 2, 10 + shift, 10] as [Float], [1, 5])
    }
    let still = roiAlign(ramp, boxes(0), size: (1, 2), aligned: true)
    // Cells' centres at 4 and 8, half a pixel off the pixels' centres.
    expectClose(still, [3.5, 7.5] as [Float], relative: 1e-6)
    expectClose(
      roiAlign(ramp, boxes(0.25), size: (1, 2), aligned: true), still + 0.25, relative: 1e-6)
    expectClose(roiAlign(ramp, boxes(0), size: (1, 2)), still + 0.5, relative: 1e-6)
    expectClose(
      roiPool(ramp, boxes(0.25), size: (1, 2)), roiPool(ramp, boxes(0), size: (1, 2)), relative: 0)
  }

  @Test func oddRegions() {
    let x = random([2, 4, 5, 6], seed: 1)
    #expect(roiAlign(x, .zeros([0, 5]), size: (2, 3)).shape == [0, 4, 2, 3])
    #expect(roiPool(x, .zeros([0, 5]), size: (2, 3)).shape == [0, 4, 2, 3])
    // Without area, inverted, outside, and as large as numbers go.
    let odd = Tensor(
      [
        0, 2, 2, 2, 2, 1, 4, 4, 1, 1, 0, 50, 50, 60, 60, 1, -1e30, -1e30, 1e30, 1e30,
      ] as [Float], [4, 5])
    let aligned = roiAlign(x, odd, size: (2, 2), aligned: true)
    expectClose(aligned, Tensor.zeros([4, 4, 2, 2]), relative: 0, absolute: 1e-20)
    #expect(roiAlign(x, odd, size: (2, 2)).floats.allSatisfy { $0.isFinite })
    #expect(roiPool(x, odd, size: (2, 2)).floats.allSatisfy { $0.isFinite })
  }

  @Test func unpoolingPutsBack() {
    let x = Tensor([1, 3, 2, 0, 5, 4, 6, 7] as [Float], [1, 1, 2, 4])
    let (values, places) = maxPool2dWithIndices(x, kernel: (2, 2))
    expectClose(values, [5, 7] as [Float], relative: 0)
    #expect(places.scalars(as: Int64.self) == [4, 7])
    expectClose(
      maxUnpool(values, places, size: [2, 4]), [0, 0, 0, 0, 5, 0, 0, 7] as [Float], relative: 0)
    let odd = maxPool1dWithIndices(
      Tensor([1, .nan, 2, -.infinity] as [Float], [1, 1, 4]), kernel: 2)
    #expect(odd.indices.scalars(as: Int64.self) == [1, 2] && odd.values.floats[0].isNaN)
  }

  /// The two conventions: outer edges, or the outermost centres.
  @Test func cornersByHand() {
    let x = Tensor([0, 4] as [Float], [1, 1, 2])
    expectClose(
      interpolate(x, size: [4], mode: .linear), [0, 1, 3, 4] as [Float], relative: 1e-6)
    expectClose(
      interpolate(x, size: [5], mode: .linear, aligningCorners: true),
      [0, 1, 2, 3, 4] as [Float], relative: 1e-6)
    expectClose(interpolate(x, size: [4]), [0, 0, 4, 4] as [Float], relative: 0)
    expectClose(interpolate(x, size: [1], mode: .area), [2], relative: 0)
  }

  @Test(arguments: ResamplingMode.allCases)
  func resamplingKeepsConstantsAndSizes(_ mode: ResamplingMode) {
    let ones = Tensor.ones([2, 3, 5, 4]).channelsLast()
    expectClose(interpolate(ones, size: [7, 3], mode: mode), .ones([2, 3, 7, 3]), relative: 1e-6)
    let x = random([2, 3, 5, 4], seed: 1)
    expectClose(interpolate(x, size: [5, 4], mode: mode), x, relative: 0)
    #expect(interpolate(.zeros([0, 3, 5, 4]), size: [7, 3], mode: mode).shape == [0, 3, 7, 3])
    #expect(
      interpolate(.ones([1, 1, 1, 1]), size: [2, 3], mode: mode).floats.allSatisfy { $0 == 1 })
  }

  @Test func shufflesUndoThemselves() {
    let x = random([2, 12, 4, 6], seed: 1)
    expectClose(channelShuffle(channelShuffle(x, groups: 3), groups: 4), x, relative: 0)
    expectClose(pixelUnshuffle(pixelShuffle(x, 2), 2), x, relative: 0)
    let numbers = Tensor.arange(6).converted(to: .float32).reshape([1, 6, 1])
    expectClose(
      channelShuffle(numbers, groups: 2), [0, 3, 1, 4, 2, 5] as [Float], relative: 0)
  }

  /// Views and other types go the same way.
  @Test func viewsAndTypes() {
    let plain = random([2, 4, 6, 6], seed: 1)
    let view = plain.transposed(2, 3).contiguous().transposed(2, 3)
    let wide = random([2, 8, 6, 6], seed: 1).narrow(1, 2..<6)
    let w = random([4, 3, 3, 3], seed: 2)
    let offset = random([2, 18, 4, 4], seed: 3)
    let grid = random([2, 3, 3, 2], seed: 4)
    let rois = Tensor([1, 0, 0, 4, 5] as [Float], [1, 5])
    let operations: [(Tensor) -> Tensor] = [
      { convTranspose2d($0, w, stride: (2, 2)) },
      { deformConv2d($0, offset: offset, random([2, 4, 3, 3], seed: 5)) },
      { interpolate($0, size: [4, 9], mode: .linear) }, { gridSample($0, grid) },
      { roiAlign($0, rois, size: (2, 2)) }, { roiPool($0, rois, size: (2, 2)) },
      { cornerPool($0, .left) }, { channelShuffle($0, groups: 2) }, { pixelShuffle($0, 2) },
      { maxPool2dWithIndices($0, kernel: (2, 2)).values },
    ]
    for (i, operation) in operations.enumerated() {
      expectClose(operation(view), operation(plain), relative: 1e-6, "\(i)")
      expectClose(operation(wide), operation(wide.contiguous()), relative: 1e-6, "\(i)")
      let half = operation(plain.converted(to: .bfloat16))
      #expect(half.dtype == .bfloat16)
      expectClose(half.converted(to: .float32), operation(plain), relative: 0.03, "\(i)")
    }
  }

  @Test func wrongCallsStop() async {
    expectStopped(
      saying: "convTranspose2d: expected 3 channels in 1 groups, got [1, 4, 5, 5]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = convTranspose2d(.ones([1, 4, 5, 5]), .ones([3, 2, 3, 3]))
      })
    expectStopped(
      saying: "convTranspose2d: expected output padding from 0 to below stride or dilation",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = convTranspose2d(.ones([1, 3, 5, 5]), .ones([3, 2, 3, 3]), outputPadding: (1, 0))
      })
    expectStopped(
      saying: "conv3d: expected volumes at least as large as the kernel",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = conv3d(.ones([0, 3, 5, 5, 5]), .ones([3, 3, 3, 3, 3]))
      })
    expectStopped(
      saying: "deformConv2d: expected offsets [1, 2 G 9, 3, 3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = deformConv2d(.ones([1, 3, 5, 5]), offset: .ones([1, 9, 3, 3]), .ones([2, 3, 3, 3]))
      })
    expectStopped(
      saying: "roiAlign: expected finite boxes in pictures 0..<1, got nan in region 0",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = roiAlign(
          .ones([1, 3, 5, 5]), Tensor([0, 0, .nan, 1, 1] as [Float], [1, 5]), size: (1, 1))
      })
    expectStopped(
      saying: "roiPool: expected finite boxes in pictures 0..<1, got 1.0 in region 0",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = roiPool(
          .ones([1, 3, 5, 5]), Tensor([1, 0, 0, 1, 1] as [Float], [1, 5]), size: (1, 1))
      })
    expectStopped(
      saying: "maxUnpool: expected indices in 0..<4",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = maxUnpool(.ones([1, 1, 1]), Tensor([4] as [Int64], [1, 1, 1]), size: [4])
      })
    expectStopped(
      saying: "interpolate: expected linear or cubic for aligned corners",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = interpolate(.ones([1, 1, 4]), size: [2], aligningCorners: true)
      })
    expectStopped(
      saying: "cornerPool: expected floating [N, C, H, W]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = cornerPool(Tensor([1] as [Int64], [1, 1, 1, 1]), .top)
      })
  }
}
