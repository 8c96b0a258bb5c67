import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Attention, transformers and mixers against PyTorch's forward and gradients
/// (Scripts/golden/attention.py).
struct AttentionGoldenTests {
  @Test(arguments: GoldenCase.all("attention", "sdpa"))
  func scaledDotProduct(_ golden: GoldenCase) {
    let inputs = ["q", "k", "v"].map { Parameter(golden[$0]) }
    var mask = golden.tensors["mask"]
    if golden.flag("bool") { mask = (mask! .> 0.5) }
    // The fused way, and that for masks that learn.
    for mask in [mask, golden.flag("bool") ? nil : Parameter(mask ?? .zeros([1])).value]
    where mask != nil || golden.tensors["mask"] == nil {
      for input in inputs { input.gradient = nil }
      let y = scaledDotProductAttention(
        inputs[0].value, inputs[1].value, inputs[2].value, mask: mask,
        causal: golden.flag("causal"))
      expectClose(y, golden["y"], "\(golden.name) y")
      y.backward(golden["gy"])
      for (name, input) in zip(["q", "k", "v"], inputs) {
        expectClose(
          input.gradient!, golden["g\(name)"],
          absolute: 2e-6 + 1e-5 * abs(golden["g\(name)"]).max().item,
          "\(golden.name) gradient of \(name)")
      }
    }
  }

  @Test(arguments: GoldenCase.all("attention", "mha"))
  func multihead(_ golden: GoldenCase) {
    let shapes = ["key", "value"].map { golden.tensors[$0]?.shape[2] }
    let layer = MultiheadAttention(
      8, heads: 2, bias: golden.tensors["w.in_proj_bias"] != nil, keyWidth: shapes[0],
      valueWidth: shapes[1] ?? shapes[0])
    let names = ["x", "key", "value"].filter { golden.tensors[$0] != nil }
    golden.expectModule(layer, names) { inputs in
      layer.attend(
        inputs[0], inputs.count > 1 ? inputs[1] : nil, inputs.count > 2 ? inputs[2] : nil,
        mask: golden.tensors["mask"].map { $0 .> 0.5 },
        keyPadding: golden.tensors["padding"].map { $0 .> 0.5 })
    }
  }

  private func options(_ golden: GoldenCase) -> TransformerOptions {
    TransformerOptions(
      feedforward: 12, activation: golden.text("activation") == "gelu" ? .gelu : .relu,
      normFirst: golden.flag("pre"))
  }

  @Test(arguments: GoldenCase.all("attention", "encoder", "encoders"))
  func encoder(_ golden: GoldenCase) {
    let padding = golden.tensors["padding"].map { $0 .> 0.5 }
    if golden.text("op") == "encoder" {
      let layer = TransformerEncoderLayer(8, heads: 2, options(golden))
      layer.eval()
      golden.expectModule(layer, ["x"]) { layer.encode($0[0], padding: padding) }
    } else {
      let stack = TransformerEncoder(
        8, heads: 2, layers: 2, .init(feedforward: 12, normFirst: true))
      stack.eval()
      golden.expectModule(stack, ["x"]) { stack($0[0]) }
    }
  }

  @Test(arguments: GoldenCase.all("attention", "decoder", "decoders"))
  func decoder(_ golden: GoldenCase) {
    let padding = golden.tensors["padding"].map { $0 .> 0.5 }
    if golden.text("op") == "decoder" {
      let layer = TransformerDecoderLayer(8, heads: 2, options(golden))
      layer.eval()
      golden.expectModule(layer, ["x", "memory"]) {
        layer($0[0], memory: $0[1], memoryPadding: padding)
      }
    } else {
      let stack = TransformerDecoder(8, heads: 2, layers: 2, .init(feedforward: 12))
      stack.eval()
      golden.expectModule(stack, ["x", "memory"]) { stack($0[0], memory: $0[1]) }
    }
  }

  @Test(arguments: GoldenCase.all("attention", "transformer"))
  func transformer(_ golden: GoldenCase) {
    let model = Transformer(
      8, heads: 2, encoderLayers: 1, decoderLayers: 1, .init(feedforward: 12))
    model.eval()
    golden.expectModule(model, ["x", "target"]) {
      model($0[0], $0[1], padding: golden["padding"] .> 0.5)
    }
  }

  @Test(arguments: GoldenCase.all("attention", "mixer", "patches", "squeeze", "convmixer"))
  func mixers(_ golden: GoldenCase) {
    let layer: any Layer =
      switch golden.text("op") {
      case "mixer": MLPMixerBlock(6, tokens: 5)
      case "patches": PatchEmbedding(3, 6, patch: 4)
      case "squeeze": SqueezeExcitation(6, squeezed: 4, hard: golden.flag("hard"))
      default: ConvMixerBlock(4, kernel: 3)
      }
    layer.eval()
    golden.expectModule(layer, ["x"]) { layer($0[0]) }
  }
}
