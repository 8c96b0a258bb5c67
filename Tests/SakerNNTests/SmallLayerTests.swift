import SakerNN
import SakerTensor
import TestSupport
import Testing

/// PyTorch's and torchvision's results and gradients for every case of
/// `Scripts/golden/small_layers.py`, and laws.
@Suite struct SmallLayerTests {
  @Test(arguments: GoldenCase.all("small_layers", "lp_pool"))
  func lpPooling(_ golden: GoldenCase) throws {
    let layer = LPPool2d(
      p: golden.number("p").map { Float($0) } ?? .infinity,
      kernel: try #require(golden.pair("kernel")), stride: golden.pair("stride"),
      ceil: golden.flag("ceil"))
    golden.expectLayer { layer($0) }
  }

  /// 3, 4, 0, 0: sum 7, length 5, largest 4. A window of zeros has gradient 0.
  @Test func lpPoolingByHand() throws {
    let x = Tensor([3, 4, 0, 0, 0, 0, 0, 0] as [Float], [1, 1, 2, 4])
    let corner = Tensor([3, 0, 0, 4] as [Float], [1, 1, 2, 2])
    for (p, value) in [(Float(1), Float(7)), (2, 5), (.infinity, 4)] {
      expectClose(LPPool2d(p: p, kernel: 2)(corner), [value])
    }
    let input = Parameter(x)
    let y = lpPool2d(input.value, p: 2, kernel: (2, 2))
    expectClose(y, [5, 0])
    y.sum().backward()
    expectClose(try #require(input.gradient), [0.6, 0.8, 0, 0, 0, 0, 0, 0])
    #expect(lpPool2d(-x - 1, p: 3, kernel: (2, 2)).floats.allSatisfy { $0.isNaN })
  }

  @Test(arguments: GoldenCase.all("small_layers", "ps_roi_pool"))
  func positionSensitivePooling(_ golden: GoldenCase) throws {
    let scale = try #require(golden.number("scale"))
    golden.expectLayer {
      positionSensitiveRoIPool($0, golden["rois"], size: (3, 2), scale: scale)
    }
  }

  /// Regions at the map's end: torchvision's gradient there is not that of its result. The walk in
  /// `OperationWalkTests` has finite differences.
  @Test(arguments: GoldenCase.all("small_layers", "ps_roi_pool_forward"))
  func positionSensitivePoolingAtTheEdge(_ golden: GoldenCase) throws {
    let scale = try #require(golden.number("scale"))
    expectClose(
      positionSensitiveRoIPool(golden["x"], golden["rois"], size: (3, 2), scale: scale),
      golden["y"])
  }

  /// Each cell is the mean of its own channel: map k full of k.
  @Test func cellsReadTheirOwnChannels() {
    let x = Tensor((0..<8).map { Float($0) }, [1, 8, 1, 1]).expand([1, 8, 9, 9])
    let boxes = Tensor([0, 1, 1, 7, 7] as [Float], [1, 5])
    let y = positionSensitiveRoIPool(x, boxes, size: (2, 2))
    #expect(y.shape == [1, 2, 2, 2] && y.floats == (0..<8).map { Float($0) })
    let none = positionSensitiveRoIPool(x, Tensor([Float](), [0, 5]), size: (2, 2))
    #expect(none.shape == [0, 2, 2, 2])
  }

  @Test(arguments: GoldenCase.all("small_layers", "corner"))
  func cornerModules(_ golden: GoldenCase) throws {
    let corner = try #require(CornerPoolingModule.Corner(rawValue: golden.text("corner") ?? ""))
    let layer = CornerPoolingModule(3, corner: corner, width: 4)
    let parameters = layer.namedParameters
    #expect(parameters.count == 15)
    for entry in parameters { entry.parameter.value = golden[entry.name] }
    golden.expectLayer(parameters.map { ($0.name, $0.parameter) }, relative: 2e-5) { layer($0) }
  }

  @Test(arguments: GoldenCase.all("small_layers", "virtual_batch"))
  func virtualBatches(_ golden: GoldenCase) throws {
    let size = Int(try #require(golden.number("size")))
    let layer = BatchNorm(4, virtualBatchSize: size)
    layer.weight?.value = golden["w"]
    layer.bias?.value = golden["b"]
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    expectClose(try #require(layer.runningMean).value, golden["mean"])
    expectClose(try #require(layer.runningVar).value, golden["variance"])
    #expect(layer.numBatchesTracked?.value.scalars(as: Int64.self) == [1])
  }

  /// Parts know nothing of each other in training, the whole batch is one in evaluation; in a
  /// `Sequential` as well.
  @Test func partsDoNotMix() {
    let x = random([4, 3, 5, 5], seed: 1)
    func model(_ size: Int?) -> Sequential {
      withSeed(1) {
        Sequential(
          Conv2d(3, 8, kernel: 3, padding: 1, bias: false), BatchNorm(8, virtualBatchSize: size),
          ReLU())
      }
    }
    let parts = concatenate(x.split(size: 2, axis: 0).map { model(nil)($0) }, axis: 0)
    expectClose(model(2)(x), parts)
    let (ghost, plain) = (model(2), model(nil))
    ghost.eval()
    plain.eval()
    expectClose(ghost(x), plain(x))
  }

  @Test func wrongNumbersStop() async {
    expectStopped(
      saying: "BatchNorm: expected a batch that virtual batches of 3 divide",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = BatchNorm(2, virtualBatchSize: 3)(.zeros([4, 2, 2, 2]))
      })
    expectStopped(
      saying: "LPPool2d: expected p above 0",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = LPPool2d(p: 0, kernel: 2)
      })
    expectStopped(
      saying: "positionSensitiveRoIPool: expected channels that 2 x 2 cells divide",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = positionSensitiveRoIPool(.zeros([1, 6, 4, 4]), .zeros([1, 5]), size: (2, 2))
      })
  }

  @Test(arguments: GoldenCase.all("small_layers", "pow", "pow_scalar"))
  func powers(_ golden: GoldenCase) {
    if let exponent = golden.number("exponent") {
      golden.expectLayer { pow($0, Float(exponent)) }
    } else {
      let exponent = Parameter(golden["w"])
      golden.expectLayer(golden.tensors["gw"] == nil ? [] : [("w", exponent)]) {
        pow($0, golden.tensors["gw"] == nil ? golden["w"] : exponent.value)
      }
    }
  }
}
