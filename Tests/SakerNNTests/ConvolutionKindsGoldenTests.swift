import SakerNN
import SakerTensor
import TestSupport
import Testing

/// PyTorch's and torchvision's results and gradients for every case of
/// `Scripts/golden/convolutions.py`.
@Suite struct ConvolutionKindsGoldenTests {
  @Test(arguments: GoldenCase.all("convolutions", "conv1d", "conv3d"))
  func convolution(_ golden: GoldenCase) throws {
    let shape = golden["w"].shape
    let (stride, dilation) = (golden.integers("stride"), golden.integers("dilation"))
    let (groups, hasBias) = (Int(golden.number("groups")!), golden.tensors["b"] != nil)
    let layer: any Layer & HasWeights
    if shape.rank == 3 {
      let padding: Padding =
        switch golden.text("padding_name") {
        case "same": .same
        case "valid": .valid
        case "full": .full
        default: .each(0, golden.integers("padding")[0])
        }
      layer = Conv1d(
        shape[1] * groups, shape[0], kernel: shape[2], stride: stride[0], padding: padding,
        mode: golden.padMode, dilation: dilation[0], groups: groups, bias: hasBias)
    } else {
      let padding: VolumePadding =
        switch golden.text("padding_name") {
        case "same": .same
        case "valid": .valid
        case "full": .full
        default: VolumePadding.of(golden.integers("padding"))
        }
      layer = Conv3d(
        shape[1] * groups, shape[0], kernel: (shape[2], shape[3], shape[4]),
        stride: three(stride), padding: padding, mode: golden.padMode, dilation: three(dilation),
        groups: groups, bias: hasBias)
    }
    golden.expect(layer)
  }

  /// Functions take the words that layers take: an even kernel's odd row goes last, as PyTorch has
  /// it.
  @Test(
    arguments: GoldenCase.all("convolutions", "conv1d", "conv2d", "conv3d").filter {
      $0.padMode == .constant(0) && $0.text("padding_name") != ""
    })
  func functionsPadByName(_ golden: GoldenCase) throws {
    let words: [String: (Padding, VolumePadding)] = [
      "same": (.same, .same), "valid": (.valid, .valid), "full": (.full, .full),
    ]
    let (padding, volume) = try #require(words[golden.text("padding_name") ?? ""])
    let (s, d) = (golden.integers("stride"), golden.integers("dilation"))
    golden.expectGradients(["x", "w", "b"]) { t in
      let (x, w) = (t["x"]!, t["w"]!)
      switch w.rank {
      case 3:
        return conv1d(x, w, bias: t["b"], stride: s[0], padding: padding, dilation: d[0])
      case 4:
        return conv2d(x, w, bias: t["b"], stride: two(s), padding: padding, dilation: two(d))
      default:
        return conv3d(x, w, bias: t["b"], stride: three(s), padding: volume, dilation: three(d))
      }
    }
  }

  @Test(
    arguments: GoldenCase.all(
      "convolutions", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"))
  func transposed(_ golden: GoldenCase) {
    let w = golden["w"].shape
    let (stride, padding) = (golden.integers("stride"), golden.integers("padding"))
    let (added, dilation) = (golden.integers("output_padding"), golden.integers("dilation"))
    let (groups, hasBias) = (Int(golden.number("groups")!), golden.tensors["b"] != nil)
    let layer: any Layer & HasWeights =
      switch w.rank {
      case 3:
        ConvTranspose1d(
          w[0], w[1] * groups, kernel: w[2], stride: stride[0], padding: padding[0],
          outputPadding: added[0], dilation: dilation[0], groups: groups, bias: hasBias)
      case 4:
        ConvTranspose2d(
          w[0], w[1] * groups, kernel: (w[2], w[3]), stride: two(stride), padding: two(padding),
          outputPadding: two(added), dilation: two(dilation), groups: groups, bias: hasBias)
      default:
        ConvTranspose3d(
          w[0], w[1] * groups, kernel: (w[2], w[3], w[4]), stride: three(stride),
          padding: three(padding), outputPadding: three(added), dilation: three(dilation),
          groups: groups, bias: hasBias)
      }
    golden.expect(layer)
  }

  @Test(arguments: GoldenCase.all("convolutions", "deform_conv2d"))
  func deformable(_ golden: GoldenCase) {
    golden.expectGradients(["x", "offset", "w", "mask", "b"]) { t in
      deformConv2d(
        t["x"]!, offset: t["offset"]!, t["w"]!, mask: t["mask"], bias: t["b"],
        stride: golden.pair("stride")!, padding: golden.pair("padding")!,
        dilation: golden.pair("dilation")!, groups: Int(golden.number("groups")!))
    }
  }

  @Test(arguments: GoldenCase.all("convolutions", "max_pool1d", "max_pool2d", "max_pool3d"))
  func maxPoolWithIndices(_ golden: GoldenCase) {
    let (k, s) = (Int(golden.number("kernel")!), Int(golden.number("stride")!))
    let (p, d) = (Int(golden.number("padding")!), Int(golden.number("dilation")!))
    let ceil = golden.flag("ceil")
    var indices = Tensor(0)
    golden.expectGradients(["x"]) { t in
      let x = t["x"]!
      let (plain, pair): (Tensor, (values: Tensor, indices: Tensor)) =
        switch x.rank {
        case 3:
          (
            maxPool1d(x, kernel: k, stride: s, padding: p, dilation: d, ceil: ceil),
            maxPool1dWithIndices(x, kernel: k, stride: s, padding: p, dilation: d, ceil: ceil)
          )
        case 4:
          (
            maxPool2d(
              x, kernel: (k, k), stride: (s, s), padding: (p, p), dilation: (d, d), ceil: ceil),
            maxPool2dWithIndices(
              x, kernel: (k, k), stride: (s, s), padding: (p, p), dilation: (d, d), ceil: ceil)
          )
        default:
          (
            maxPool3d(
              x, kernel: (k, k, k), stride: (s, s, s), padding: (p, p, p), dilation: (d, d, d),
              ceil: ceil),
            maxPool3dWithIndices(
              x, kernel: (k, k, k), stride: (s, s, s), padding: (p, p, p), dilation: (d, d, d),
              ceil: ceil)
          )
        }
      indices = pair.indices
      // Half of each: both ways have the gradient.
      return 0.5 * plain + 0.5 * pair.values
    }
    expectClose(indices, golden["i"], relative: 0, "\(golden.name) positions")
  }

  @Test(arguments: GoldenCase.all("convolutions", "max_unpool"))
  func maxUnpooling(_ golden: GoldenCase) {
    golden.expectGradients(["x"]) {
      maxUnpool($0["x"]!, golden["i"].converted(to: .int64), size: golden.integers("size"))
    }
  }

  @Test(arguments: GoldenCase.all("convolutions", "avg_pool1d", "avg_pool3d"))
  func averagePool(_ golden: GoldenCase) {
    let (k, s) = (Int(golden.number("kernel")!), Int(golden.number("stride")!))
    let (p, ceil) = (Int(golden.number("padding")!), golden.flag("ceil"))
    let counting = golden.flag("count")
    let layer: any Layer =
      golden["x"].rank == 3
      ? AvgPool1d(kernel: k, stride: s, padding: p, countingPadding: counting, ceil: ceil)
      : AvgPool3d(kernel: k, stride: s, padding: p, countingPadding: counting, ceil: ceil)
    golden.expectLayer { layer($0) }
  }

  @Test(
    arguments: GoldenCase.all(
      "convolutions", "adaptive_avg_pool1d", "adaptive_max_pool1d", "adaptive_avg_pool3d",
      "adaptive_max_pool3d"))
  func adaptivePool(_ golden: GoldenCase) {
    let size = golden.integers("size")
    let layer: any Layer =
      switch golden.text("op") {
      case "adaptive_avg_pool1d": AdaptiveAvgPool1d(size[0])
      case "adaptive_max_pool1d": AdaptiveMaxPool1d(size[0])
      case "adaptive_avg_pool3d": AdaptiveAvgPool3d(three(size))
      default: AdaptiveMaxPool3d(three(size))
      }
    golden.expectLayer { layer($0) }
  }

  @Test(arguments: GoldenCase.all("convolutions", "interpolate"), [false, true])
  func resampling(_ golden: GoldenCase, channelsLast: Bool) {
    let mode: ResamplingMode =
      switch golden.text("mode") {
      case "nearest": .nearest
      case "nearest-exact": .nearestExact
      case "area": .area
      case "bicubic": .cubic
      default: .linear
      }
    let (align, antialias) = (golden.flag("align"), golden.flag("antialias"))
    golden.expectGradients(["x"]) { t in
      let x = channelsLast ? t["x"]!.channelsLast() : t["x"]!
      if let scale = golden.numbers("scale_factor") {
        return interpolate(
          x, scale: scale, mode: mode, aligningCorners: align, antialias: antialias)
      }
      return interpolate(
        x, size: golden.integers("size"), mode: mode, aligningCorners: align, antialias: antialias)
    }
  }

  @Test(arguments: GoldenCase.all("convolutions", "grid_sample"))
  func gridSampling(_ golden: GoldenCase) {
    let border: GridBorder =
      switch golden.text("border") {
      case "border": .border
      case "reflection": .reflection
      default: .zeros
      }
    golden.expectGradients(["x", "grid"]) {
      gridSample(
        $0["x"]!, $0["grid"]!, nearest: golden.flag("nearest"), border: border,
        aligningCorners: golden.flag("align"))
    }
  }

  @Test(
    arguments: GoldenCase.all(
      "convolutions", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"), [false, true])
  func shuffles(_ golden: GoldenCase, channelsLast: Bool) {
    golden.expectGradients(["x"]) { t in
      let x = channelsLast ? t["x"]!.channelsLast() : t["x"]!
      return switch golden.text("op") {
      case "pixel_shuffle": pixelShuffle(x, 2)
      case "pixel_unshuffle": pixelUnshuffle(x, 2)
      default: ChannelShuffle(groups: 3)(x)
      }
    }
  }

  @Test(arguments: GoldenCase.all("convolutions", "roi_align", "roi_pool", "ps_roi_align"))
  func regionsOfInterest(_ golden: GoldenCase) {
    let (size, scale) = (golden.pair("size")!, golden.number("scale")!)
    let sampling = Int(golden.number("sampling_ratio") ?? 0)
    golden.expectGradients(["x"]) { t in
      switch golden.text("op") {
      case "roi_align":
        roiAlign(
          t["x"]!, golden["rois"], size: size, scale: scale, samplingRatio: sampling,
          aligned: golden.flag("aligned"))
      case "roi_pool": roiPool(t["x"]!, golden["rois"], size: size, scale: scale)
      default:
        positionSensitiveRoIAlign(
          t["x"]!, golden["rois"], size: size, scale: scale, samplingRatio: sampling)
      }
    }
  }

  @Test(arguments: GoldenCase.all("convolutions", "corner_pool"))
  func cornerPooling(_ golden: GoldenCase) throws {
    let direction = try #require(CornerDirection(rawValue: golden.text("direction")!))
    golden.expectGradients(["x"]) { cornerPool($0["x"]!, direction) }
  }

  @Test(arguments: GoldenCase.all("convolutions", "dynamic"))
  func dynamic(_ golden: GoldenCase) {
    let layer = DynamicConv2d(
      4, 6, kernel: 3, stride: 2, padding: 1, groups: 2, kernels: 3, reduction: 2, temperature: 4)
    let parameters = [
      ("w", layer.weight), ("b", layer.bias), ("w1", layer.fc1.weight), ("b1", layer.fc1.bias),
      ("w2", layer.fc2.weight), ("b2", layer.fc2.bias),
    ]
    for (name, parameter) in parameters { parameter?.value = golden[name] }
    golden.expectLayer(parameters) { layer($0) }
  }

  @Test(arguments: GoldenCase.all("convolutions", "non_local"))
  func nonLocal(_ golden: GoldenCase) throws {
    let similarity = try #require(
      NonLocalBlock2d.Similarity(rawValue: golden.text("similarity")!))
    let layer = NonLocalBlock2d(
      4, similarity: similarity, subsampled: golden.flag("subsampled"), norm: false)
    var parameters = [
      ("g", layer.g.weight), ("bg", layer.g.bias), ("out", layer.out.weight),
      ("bout", layer.out.bias), ("theta", layer.theta?.weight), ("btheta", layer.theta?.bias),
      ("phi", layer.phi?.weight), ("bphi", layer.phi?.bias), ("w", layer.concatProject?.weight),
    ]
    for (name, parameter) in parameters { parameter?.value = golden[name] }
    parameters.removeAll { golden.tensors["g\($0.0)"] == nil }
    golden.expectLayer(parameters) { layer($0) }
  }

  /// Without its file a golden test would pass by testing nothing.
  @Test func fileHasCases() {
    #expect(GoldenCase.all("convolutions").count >= 230)
  }
}

// MARK: - Reading the cases

private func two(_ n: [Int]) -> (Int, Int) { (n[0], n[1]) }
private func three(_ n: [Int]) -> (Int, Int, Int) { (n[0], n[1], n[2]) }

extension VolumePadding {
  fileprivate static func of(_ n: [Int]) -> VolumePadding { .each(n[0], n[1], n[2]) }
}

/// Layers with `w` and `b` of a golden case.
private protocol HasWeights {
  var weight: Parameter { get }
  var bias: Parameter? { get }
}
extension Conv1d: HasWeights {}
extension Conv3d: HasWeights {}
extension ConvTranspose1d: HasWeights {}
extension ConvTranspose2d: HasWeights {}
extension ConvTranspose3d: HasWeights {}

extension GoldenCase {
  fileprivate func integers(_ key: String) -> [Int] { (numbers(key) ?? []).map { Int($0) } }

  fileprivate var padMode: PadMode {
    switch text("mode") {
    case "reflect": .reflect
    case "replicate": .replicate
    case "circular": .circular
    default: .constant(0)
    }
  }

  fileprivate func expect(
    _ layer: any Layer & HasWeights, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    layer.weight.value = self["w"]
    if let bias = tensors["b"] { layer.bias?.value = bias }
    expectLayer(
      [("w", layer.weight), ("b", layer.bias)], function: { layer($0) },
      sourceLocation: sourceLocation)
  }

  /// Expects `function` of those of `names` that the case has to give `y`, and `gy` to give the
  /// gradients of all of them.
  fileprivate func expectGradients(
    _ names: [String], sourceLocation: SourceLocation = #_sourceLocation,
    function: ([String: Tensor]) -> Tensor
  ) {
    let names = names.filter { tensors[$0] != nil }
    let leaves = names.map { Parameter(self[$0]) }
    let y = function(Dictionary(uniqueKeysWithValues: zip(names, leaves.map(\.value))))
    expectClose(
      y, self["y"], absolute: tolerance("y"), "\(name) y", sourceLocation: sourceLocation)
    y.backward(self["gy"])
    for (key, leaf) in zip(names, leaves) {
      guard let gradient = leaf.gradient else {
        Issue.record("\(name): no gradient of \(key)", sourceLocation: sourceLocation)
        continue
      }
      expectClose(
        gradient, self["g\(key)"], absolute: tolerance("g\(key)"), "\(name) gradient of \(key)",
        sourceLocation: sourceLocation)
    }
  }
}
