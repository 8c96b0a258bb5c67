import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Normalization against PyTorch's forward and gradients (Scripts/golden/normalization.py).
struct NormalizationGoldenTests {
  /// Channels-last and row-major memory take different ways to the same numbers.
  private func expectBothOrders(
    _ golden: GoldenCase, _ parameters: [(String, Parameter?)], _ layer: any Layer,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    golden.expectLayer(parameters, function: { layer($0) }, sourceLocation: sourceLocation)
    for (_, parameter) in parameters { parameter?.gradient = nil }
    golden.expectLayer(
      parameters, function: { layer($0.channelsLast()) }, sourceLocation: sourceLocation)
  }

  @Test(arguments: GoldenCase.all("normalization", "batch_norm"))
  func batchNorm(_ golden: GoldenCase) {
    let layer = BatchNorm(golden["x"].shape[1])
    (layer.weight!.value, layer.bias!.value) = (golden["w"], golden["b"])
    (layer.runningMean!.value, layer.runningVar!.value) = (golden["mean"], golden["var"])
    if !golden.flag("train") { layer.eval() }
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    expectClose(layer.runningMean!.value, golden["mean1"])
    expectClose(layer.runningVar!.value, golden["var1"])
  }

  @Test(arguments: GoldenCase.all("normalization", "keras"))
  func kerasBatchNorm(_ golden: GoldenCase) {
    let layer = BatchNorm(3, convention: .keras)
    (layer.weight!.value, layer.bias!.value) = (golden["w"], golden["b"])
    (layer.runningMean!.value, layer.runningVar!.value) = (golden["mean"], golden["var"])
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    for batch in ["x1", "x2"] { _ = layer(golden[batch]) }
    expectClose(layer.runningMean!.value, golden["mean3"])
    expectClose(layer.runningVar!.value, golden["var3"])
    layer.eval()
    expectClose(layer(golden["x"]), golden["y_eval"])
  }

  @Test(arguments: GoldenCase.all("normalization", "batch_renorm"))
  func batchRenorm(_ golden: GoldenCase) {
    let layer = BatchRenorm(
      5,
      limits: .init(rMax: Float(golden.number("r_max")!), dMax: Float(golden.number("d_max")!)))
    (layer.weight.value, layer.bias.value) = (golden["w"], golden["b"])
    (layer.runningMean.value, layer.runningStd.value) = (golden["mean"], golden["std"])
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    expectClose(layer.runningMean.value, golden["mean1"])
    expectClose(layer.runningStd.value, golden["std1"])
  }

  @Test(arguments: GoldenCase.all("normalization", "layer_norm"))
  func layerNorm(_ golden: GoldenCase) {
    let shape = Shape(golden.numbers("over")!.map { Int($0) })
    let layer = LayerNorm(
      shape, affine: golden.tensors["w"] != nil, bias: golden.tensors["b"] != nil)
    if let weight = golden.tensors["w"] { layer.weight!.value = weight }
    if let bias = golden.tensors["b"] { layer.bias!.value = bias }
    expectBothOrders(golden, [("w", layer.weight), ("b", layer.bias)], layer)
  }

  @Test(arguments: GoldenCase.all("normalization", "rms_norm"))
  func rmsNorm(_ golden: GoldenCase) {
    let shape = Shape(golden.numbers("over")!.map { Int($0) })
    let layer = RMSNorm(shape, epsilon: 1e-6, affine: golden.tensors["w"] != nil)
    if let weight = golden.tensors["w"] { layer.weight!.value = weight }
    expectBothOrders(golden, [("w", layer.weight)], layer)
  }

  @Test(arguments: GoldenCase.all("normalization", "group_norm"))
  func groupNorm(_ golden: GoldenCase) {
    let layer = GroupNorm(
      Int(golden.number("groups")!), golden["x"].shape[1], affine: golden.tensors["w"] != nil)
    if let weight = golden.tensors["w"] { layer.weight!.value = weight }
    if let bias = golden.tensors["b"] { layer.bias!.value = bias }
    expectBothOrders(golden, [("w", layer.weight), ("b", layer.bias)], layer)
  }

  @Test(arguments: GoldenCase.all("normalization", "instance_norm"))
  func instanceNorm(_ golden: GoldenCase) {
    let layer = InstanceNorm(
      golden["x"].shape[1], affine: golden.flag("affine"),
      trackingStatistics: golden.flag("track"))
    if let weight = golden.tensors["w"] { layer.weight!.value = weight }
    if let bias = golden.tensors["b"] { layer.bias!.value = bias }
    if let mean = golden.tensors["mean"] { layer.runningMean!.value = mean }
    if let variance = golden.tensors["var"] { layer.runningVar!.value = variance }
    if !golden.flag("train") { layer.eval() }
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    guard let mean1 = golden.tensors["mean1"] else { return }
    expectClose(layer.runningMean!.value, mean1)
    expectClose(layer.runningVar!.value, golden["var1"])
  }

  @Test(arguments: GoldenCase.all("normalization", "local_response"))
  func localResponse(_ golden: GoldenCase) {
    let size = Int(golden.number("size")!)
    let (alpha, beta, k) = (
      Float(golden.number("alpha")!), Float(golden.number("beta")!), Float(golden.number("k")!)
    )
    expectBothOrders(golden, [], LocalResponseNorm(size, alpha: alpha, beta: beta, k: k))
    // The paper's α multiplies the sum: that of the size-th part is the same (E12).
    expectBothOrders(
      golden, [],
      LocalResponseNorm(size, alpha: alpha / Float(size), beta: beta, k: k, convention: .sum))
  }

  @Test(arguments: GoldenCase.all("normalization", "weight_norm", "weight_norm_conv"))
  func weightNorm(_ golden: GoldenCase) {
    func run(_ norm: WeightNorm<some Weighted>) {
      (norm.weightV.value, norm.weightG.value) = (golden["v"], golden["g"])
      norm.layer.bias!.value = golden["b"]
      golden.expectLayer([("v", norm.weightV), ("g", norm.weightG), ("b", norm.layer.bias)]) {
        norm($0)
      }
    }
    if golden.text("op") == "weight_norm" {
      run(WeightNorm(Linear(5, 3)))
    } else {
      run(WeightNorm(Conv2d(4, 6, kernel: 3, stride: 2, padding: 1, groups: 2)))
    }
  }

  @Test(arguments: GoldenCase.all("normalization", "cosine_norm", "cosine_norm_conv"))
  func cosineNorm(_ golden: GoldenCase) {
    func run(_ norm: CosineNorm<some Weighted>) {
      norm.layer.weight.value = golden["w"]
      golden.expectLayer([("w", norm.layer.weight)]) { norm($0) }
    }
    guard let groups = golden.number("groups") else {
      return run(CosineNorm(Linear(5, 4, bias: false)))
    }
    run(
      CosineNorm(
        Conv2d(4, 6, kernel: 3, stride: 2, padding: 1, groups: Int(groups), bias: false)))
  }

  @Test func fileHasCases() { #expect(GoldenCase.all("normalization").count >= 55) }
}
