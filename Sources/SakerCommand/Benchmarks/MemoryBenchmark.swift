import Foundation
import Saker

/// The mode `memory` of `saker benchmark`: whether training steps of each layer leave memory
/// behind.
enum MemoryBenchmark {
  struct Row: Encodable {
    var layer: String
    /// What tensors hold after a tenth of the steps and after all.
    var bytesEarly, bytesLate: Int
  }

  struct Report: Encodable {
    var mode = "memory"
    var steps: Int
    var rows: [Row]
    /// What the process holds after the first layers and at the end.
    var residentEarly, residentLate: Int
  }

  /// A layer and what it takes.
  private struct Case {
    let layer: any Layer
    let shape: Shape
  }

  private static func cases() -> [Case] {
    let map: Shape = [2, 8, 8, 8]
    let row: Shape = [4, 8]
    let sequence: Shape = [2, 8, 12]
    let volume: Shape = [2, 4, 4, 6, 6]
    let maps: [any Layer] = [
      Conv2d(8, 8, kernel: 3, padding: 1), Conv2d(8, 8, kernel: 1),
      Conv2d(8, 8, kernel: 3, stride: 2, padding: 1, groups: 8),
      ConvTranspose2d(8, 4, kernel: 4, stride: 2, padding: 1),
      DeformConv2d(8, 4, kernel: 3, padding: 1, modulated: true),
      DepthwiseSeparableConv2d(8, 8, kernel: 3, padding: 1),
      DynamicConv2d(8, 8, kernel: 3, padding: 1), NonLocalBlock2d(8),
      InterleavedGroupConv2d(groups: 2, width: 4, kernel: 3, padding: 1),
      ChannelShuffle(groups: 2), PixelShuffle(2), SqueezeExcitation(8),
      ConvMixerBlock(8, kernel: 3),
      PatchEmbedding(8, 6, patch: 4), LPPool2d(p: 2, kernel: 2),
      CornerPoolingModule(8, corner: .topLeft, width: 4), BatchNorm2d(8), BatchRenorm(8),
      GroupNorm(2, 8), InstanceNorm(8, affine: true, trackingStatistics: true),
      LocalResponseNorm(3), WeightNorm(Conv2d(8, 8, kernel: 3)),
      CosineNorm(Conv2d(8, 8, kernel: 3, bias: false)), MaxPool2d(kernel: 2),
      AvgPool2d(kernel: 3, stride: 2, padding: 1), AdaptiveAvgPool2d(3), AdaptiveMaxPool2d(3),
      SpatialPyramidPooling(), SPPBlock(kernels: [3, 5]),
      Upsample(scale: 2, mode: .linear), SpatialDropout(0.3), DropBlock(0.1, size: 3),
      StochasticDepth(0.3), PReLU(8), ReLU(), ReLU6(), LeakyReLU(), SiLU(), Flatten(),
      Residual(Sequential(Conv2d(8, 8, kernel: 3, padding: 1), BatchNorm2d(8)), activation: ReLU()),
      Sequential(
        Conv2d(8, 16, kernel: 3, padding: 1), BatchNorm2d(16), ReLU(), MaxPool2d(kernel: 2)),
      Checkpointed(Sequential(Conv2d(8, 8, kernel: 3, padding: 1), BatchNorm2d(8), Dropout(0.2))),
    ]
    let rows: [any Layer] = [
      Linear(8, 6), BatchNorm1d(8), LayerNorm(8), RMSNorm(8), Dropout(0.3), GaussianDropout(0.3),
      UniformDropout(), AlphaDropout(0.3), Sigmoid(), Tanh(), ELU(), SELU(), GELU(), GELU(.tanh),
      Mish(), Softplus(), Softsign(), HardSigmoid(), HardSwish(), HardTanh(), LogSigmoid(),
      Softmax(), LogSoftmax(), GLU(), Swish(learning: 1),
    ]
    let sequences: [any Layer] = [
      Conv1d(8, 4, kernel: 3), ConvTranspose1d(8, 4, kernel: 3, stride: 2), MaxPool1d(kernel: 2),
      AvgPool1d(kernel: 2), AdaptiveAvgPool1d(3), AdaptiveMaxPool1d(3),
    ]
    let volumes: [any Layer] = [
      Conv3d(4, 4, kernel: 3), ConvTranspose3d(4, 2, kernel: (2, 2, 2), stride: (2, 2, 2)),
      BatchNorm3d(4),
      MaxPool3d(kernel: 2), AvgPool3d(kernel: 2), AdaptiveAvgPool3d((2, 2, 2)),
      AdaptiveMaxPool3d((2, 2, 2)),
    ]
    let tokens: [any Layer] = [
      RNN(8, 6), LSTM(8, 6), GRU(8, 6, RecurrentOptions(bidirectional: true)),
      MultiheadAttention(8, heads: 2), SinusoidalPositions(8),
      TransformerEncoderLayer(8, heads: 2, TransformerOptions(feedforward: 16)),
      MLP(8, hidden: 16), MLPMixerBlock(8, tokens: 12), FourierMixing(), FNetBlock(8, hidden: 16),
    ]
    return tokens.map { Case(layer: $0, shape: [2, 12, 8]) }
      + maps.map { Case(layer: $0, shape: map) } + rows.map { Case(layer: $0, shape: row) }
      + sequences.map { Case(layer: $0, shape: sequence) }
      + volumes.map { Case(layer: $0, shape: volume) }
  }

  static func run(steps: Int = 1000, json: Bool) throws {
    var rows: [Row] = []
    var residentEarly = 0
    let cases = withSeed(1) { self.cases() }
    let progress = ProgressLine("memory", total: cases.count, isQuiet: json)
    for (index, item) in cases.enumerated() {
      let optimizer = Optimizer(AdamW(), item.layer, rate: 1e-3)
      let input = Parameter(item.shape, .normal())
      var early = 0
      for step in 1...steps {
        square(item.layer(input.value)).mean().backward()
        if !item.layer.parameters.isEmpty { optimizer.step() }
        optimizer.zeroGradients()
        input.gradient = nil
        if step == steps / 10 { early = MemoryPool.shared.use.inUse }
      }
      rows.append(
        Row(
          layer: String(describing: type(of: item.layer)), bytesEarly: early,
          bytesLate: MemoryPool.shared.use.inUse))
      // The first layers warm libraries up.
      if index == 4 { residentEarly = ProcessMemory.resident }
      progress.update(index + 1)
    }
    progress.finish()
    let report = Report(
      steps: steps, rows: rows, residentEarly: residentEarly,
      residentLate: ProcessMemory.resident)
    if json { return try printJSON(report) }
    for row in rows {
      print(
        "\(row.layer): \(row.bytesEarly) bytes after \(steps / 10) steps, \(row.bytesLate) after \(steps)"
      )
    }
    print(
      "resident: \(report.residentEarly >> 10) KiB after five layers, \(report.residentLate >> 10) KiB after all"
    )
  }
}
