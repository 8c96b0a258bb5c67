import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Layers against PyTorch's forward and gradients (Scripts/golden/layers.py, convolution.py).
struct LayerGoldenTests {
  @Test(arguments: GoldenCase.all("layers", "linear"))
  func linear(_ golden: GoldenCase) {
    let shape = golden["w"].shape
    let layer = Linear(shape[1], shape[0], bias: golden.flag("bias"))
    layer.weight.value = golden["w"]
    if let bias = golden.tensors["b"] { layer.bias?.value = bias }
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
  }

  @Test(arguments: GoldenCase.all("convolution"))
  func convolution(_ golden: GoldenCase) {
    let shape = golden["w"].shape
    let groups = Int(golden.number("groups")!)
    let padding: Padding =
      switch golden.text("padding") {
      case "same": .same
      case "valid": .valid
      default: .each(golden.pair("padding")!.0, golden.pair("padding")!.1)
      }
    let mode: PadMode =
      switch golden.text("padding_mode") {
      case "reflect": .reflect
      case "replicate": .replicate
      case "circular": .circular
      default: .constant(0)
      }
    let layer = Conv2d(
      shape[1] * groups, shape[0], kernel: golden.pair("kernel")!, stride: golden.pair("stride")!,
      padding: padding, mode: mode, dilation: golden.pair("dilation")!, groups: groups,
      bias: golden.flag("bias"))
    layer.weight.value = golden["w"]
    if let bias = golden.tensors["b"] { layer.bias?.value = bias }
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
  }

  @Test(arguments: GoldenCase.all("layers", "max_pool"))
  func maxPool(_ golden: GoldenCase) {
    let layer = MaxPool2d(
      kernel: golden.pair("kernel")!, stride: golden.pair("stride")!,
      padding: golden.pair("padding")!, dilation: golden.pair("dilation")!,
      ceil: golden.flag("ceil"))
    golden.expectLayer { layer($0) }
  }

  @Test(arguments: GoldenCase.all("layers", "average_pool"))
  func averagePool(_ golden: GoldenCase) {
    let layer = AvgPool2d(
      kernel: golden.pair("kernel")!, stride: golden.pair("stride")!,
      padding: golden.pair("padding")!, countingPadding: golden.flag("count_include_pad"),
      ceil: golden.flag("ceil"))
    golden.expectLayer { layer($0) }
  }

  @Test(arguments: GoldenCase.all("layers", "adaptive_avg_pool", "adaptive_max_pool"))
  func adaptivePool(_ golden: GoldenCase) {
    let size = golden.pair("size")!
    let layer: any Layer =
      golden.text("op") == "adaptive_avg_pool" ? AdaptiveAvgPool2d(size) : AdaptiveMaxPool2d(size)
    golden.expectLayer { layer($0) }
  }

  @Test(arguments: GoldenCase.all("layers", "batch_norm"))
  func batchNorm(_ golden: GoldenCase) {
    let layer = BatchNorm(
      golden["x"].shape[1], epsilon: Float(golden.number("eps")!),
      momentum: golden.number("momentum").map { Float($0) }, affine: golden.flag("affine"),
      trackingStatistics: golden.flag("track_running_stats"))
    if let weight = golden.tensors["w"] { layer.weight?.value = weight }
    if let bias = golden.tensors["b"] { layer.bias?.value = bias }
    if let mean = golden.tensors["mean"] { layer.runningMean?.value = mean }
    if let variance = golden.tensors["var"] { layer.runningVar?.value = variance }
    if !golden.flag("train") { layer.eval() }
    golden.expectLayer([("w", layer.weight), ("b", layer.bias)]) { layer($0) }
    guard let mean1 = golden.tensors["mean1"] else { return }
    expectClose(layer.runningMean!.value, mean1, "mean after one batch")
    expectClose(layer.runningVar!.value, golden["var1"], "variance after one batch")
    for batch in ["x1", "x2"] { _ = layer(golden[batch]) }
    expectClose(layer.runningMean!.value, golden["mean3"], "mean after three batches")
    expectClose(layer.runningVar!.value, golden["var3"], "variance after three batches")
    #expect(layer.numBatchesTracked!.value.scalars(as: Int64.self) == [3])
  }

  @Test(arguments: GoldenCase.all("layers", "batch_norm_relu"))
  func batchNormWithReLU(_ golden: GoldenCase) {
    let norm = BatchNorm(golden["x"].shape[1], epsilon: Float(golden.number("eps")!))
    norm.weight?.value = golden["w"]
    norm.bias?.value = golden["b"]
    golden.expectLayer([("w", norm.weight), ("b", norm.bias)]) { Sequential(norm, ReLU())($0) }
  }

  /// Without its file a golden test would pass by testing nothing.
  @Test func filesHaveCases() {
    #expect(GoldenCase.all("layers").count >= 40)
    #expect(GoldenCase.all("convolution").count >= 100)
    #expect(GoldenCase.all("losses").count >= 50)
    #expect(GoldenCase.all("optimizers").count >= 25)
  }
}
