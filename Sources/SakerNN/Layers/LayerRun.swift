import SakerTensor
import Synchronization

/// Layers one after the other, where what belongs together runs as one operation, which reads and
/// writes memory fewer times:
///
/// - while learning, runs of [convolution, batch norm, activation], in float32 with the 2x2 max
///   pooling behind the last;
/// - in evaluation without gradients, a convolution with the batch norm, the activation and the 2x2
///   max pooling behind it;
/// - else a batch norm with the ReLU behind it.
///
/// A layer with a hook runs apart, so that the hook sees what it expects, and all do while a
/// graph is captured. Threads may share a run as they may share its layers: what it keeps for
/// itself is guarded.
final class LayerRun: @unchecked Sendable {
  /// What runs, those of nested sequences among them, so that fusion does not end
  /// where a sequence does.
  private let layers: [any Layer]
  private let nested: [Sequential]
  /// The same with nested sequences as they are, for when somebody watches one of them.
  private let apart: LayerRun?
  /// For convolutions by position.
  private let folded = Mutex<[Int: FoldedConvolution]>([:])

  convenience init(_ layers: [any Layer]) { self.init(layers, flattening: true) }

  private init(_ given: [any Layer], flattening: Bool) {
    nested = flattening ? given.flatMap(LayerRun.sequences) : []
    layers = nested.isEmpty ? given : given.flatMap(LayerRun.flat)
    apart = nested.isEmpty ? nil : LayerRun(given, flattening: false)
  }

  /// The sequences in `layer`, itself included.
  private static func sequences(_ layer: any Layer) -> [Sequential] {
    guard let sequence = layer as? Sequential else { return [] }
    return [sequence] + sequence.layers.flatMap(sequences)
  }

  private static func flat(_ layer: any Layer) -> [any Layer] {
    guard let sequence = layer as? Sequential else { return [layer] }
    return sequence.layers.flatMap(flat)
  }

  /// `layers` applied to `x`; the sum with a residual, and its activation, as part of the last
  /// layers' operation if they allow.
  func callAsFunction(
    _ x: Tensor, adding residual: consuming Tensor? = nil, _ activation: Activation = .identity
  ) -> Tensor {
    if Capture.isRunning { return unfused(x, adding: consume residual, activation) }
    if let apart, !LayerHooks.isEmpty, nested.contains(where: { LayerHooks.of($0) != nil }) {
      return apart(x, adding: consume residual, activation)
    }
    var x = x
    var index = 0
    while index < layers.count {
      guard let fusion = block(at: index, x) ?? inference(at: index, x) else {
        (x, index) = single(at: index, x)
        continue
      }
      if fusion.end == layers.count, fusion.isLinear, residual?.dtype == x.dtype {
        return fusion(x, adding: consume residual, activation)
      }
      x = fusion(x, adding: nil, .identity)
      index = fusion.end
    }
    guard let added = residual.take() else { return activation(x) }
    return sum(x, added, activation: activation)
  }

  /// Each layer by itself, nested sequences as such: what a graph consists of.
  private func unfused(
    _ x: Tensor, adding residual: consuming Tensor?, _ activation: Activation
  ) -> Tensor {
    let result = (apart ?? self).layers.reduce(x) { $1($0) }
    guard let added = residual.take() else { return activation(result) }
    return activation(result + added)
  }

  /// The layer there, or a batch norm with its ReLU, and the position behind.
  private func single(at index: Int, _ x: Tensor) -> (Tensor, Int) {
    if let norm = plain(index, BatchNorm.self), plain(index + 1, ReLU.self) != nil {
      return (norm(x, relu: true), index + 2)
    }
    return (layers[index](x), index + 1)
  }

  /// The layer there, if it is one of that type and without hooks.
  private func plain<L: Layer>(_ index: Int, _: L.Type) -> L? {
    guard index < layers.count, let layer = layers[index] as? L, LayerHooks.of(layer) == nil
    else { return nil }
    return layer
  }

  /// What the layer there applies, if it is an activation and without hooks.
  private func activation(at index: Int) -> Activation? {
    index < layers.count ? layers[index].asActivation : nil
  }

  /// The position from there on of a layer that changes its input, as dropout in
  /// evaluation doesn't.
  private func skipIdle(_ index: Int) -> Int {
    var index = index
    while index < layers.count, let layer = layers[index] as? any IdleLayer, layer.isIdle,
      LayerHooks.of(layer) == nil
    {
      index += 1
    }
    return index
  }

  /// Whether 2x2 max pooling is there, without hooks.
  private func halves(at index: Int) -> Bool { plain(index, MaxPool2d.self)?.halves ?? false }
}

/// Layers that run as one operation.
private protocol Fusion {
  /// The position behind them.
  var end: Int { get }
  /// Whether a residual can be added, because no activation or pooling comes last.
  var isLinear: Bool { get }
  /// - Parameters:
  ///   - residual: only if it is linear.
  ///   - activation: of the sum with the residual.
  func callAsFunction(
    _ x: Tensor, adding residual: consuming Tensor?, _ activation: Activation
  ) -> Tensor
}

// MARK: - Evaluation

extension LayerRun {
  /// A convolution with what follows it, where no gradient is wanted.
  private struct Inference: Fusion {
    let conv: Conv2d
    var weight: Tensor
    var bias: Tensor?
    var activation = Activation.identity
    var pooling = false
    var end: Int

    var isLinear: Bool { !pooling && activation == .identity }

    func callAsFunction(
      _ x: Tensor, adding residual: consuming Tensor?, _ activation: Activation
    ) -> Tensor {
      let last = residual == nil ? self.activation : activation
      return conv.inference(x, weight, bias, adding: consume residual, last, pooling: pooling)
    }
  }

  private func inference(at index: Int, _ x: Tensor) -> (any Fusion)? {
    guard !isRecordingGradients, let conv = plain(index, Conv2d.self) else { return nil }
    var result = Inference(
      conv: conv, weight: conv.weight.value, bias: conv.bias?.value, end: index + 1)
    if let norm = plain(result.end, BatchNorm.self), norm.isConstant,
      norm.channels == conv.outputs
    {
      let fold = fold(conv, norm, index)
      (result.weight, result.bias) = (fold.weight, fold.bias)
      result.end += 1
    }
    if let activation = activation(at: result.end) {
      result.activation = activation
      result.end += 1
    }
    // Only kernels in float32 pool on their way.
    if x.dtype == .float32, halves(at: result.end) {
      result.pooling = true
      result.end += 1
    }
    result.end = skipIdle(result.end)
    return result
  }

  private func fold(_ conv: Conv2d, _ norm: BatchNorm, _ index: Int) -> FoldedConvolution {
    folded.withLock { cache in
      if let fold = cache[index], fold.isFresh(conv, norm) { return fold }
      let fold = FoldedConvolution(conv, norm)
      cache[index] = fold
      return fold
    }
  }
}

// MARK: - While learning

extension LayerRun {
  /// Layers that run as one `convolutionBlock`.
  private struct Block: Fusion {
    var stages: [ConvolutionStage] = []
    var pooling = false
    var end: Int

    var isLinear: Bool { !pooling && stages.last?.activation == .identity }

    func callAsFunction(
      _ x: Tensor, adding residual: consuming Tensor?, _ activation: Activation
    ) -> Tensor {
      guard let residual else { return convolutionBlock(x, stages, pooling: pooling) }
      var stages = stages
      stages[stages.count - 1].activation = activation
      return convolutionBlock(x, stages, residual: residual, pooling: pooling)
    }
  }

  /// The longest block that begins there; none where a convolution can take its batch
  /// norm into its weight.
  private func block(at index: Int, _ x: Tensor) -> (any Fusion)? {
    let hasKernels =
      x.dtype == .float32 || (x.dtype == .bfloat16 && KernelLibrary.hasBFloat16)
    guard x.rank == 4, hasKernels, x.count > 0, BatchNorm.DryRun.current == nil
    else { return nil }
    var block = Block(end: index)
    var channels = x.shape[1]
    while let conv = plain(block.end, Conv2d.self), conv.inputs == channels,
      let norm = plain(block.end + 1, BatchNorm.self), norm.channels == conv.outputs,
      isRecordingGradients || !norm.isConstant, !norm.splitsBatch,
      var stage = conv.stage(norm.statistics)
    {
      stage.scale = norm.weight?.value
      stage.shift = norm.bias?.value
      stage.epsilon = norm.epsilon
      block.end += 2
      if let activation = activation(at: block.end) {
        stage.activation = activation
        block.end += 1
      }
      block.stages.append(stage)
      channels = norm.channels
    }
    guard !block.stages.isEmpty else { return nil }
    if x.dtype == .float32, halves(at: block.end) {
      block.pooling = true
      block.end += 1
    }
    block.end = skipIdle(block.end)
    return block
  }
}

extension Conv2d {
  fileprivate var inputs: Int { weight.shape[1] * groups }
  fileprivate var outputs: Int { weight.shape[0] }

  /// As part of a block, unless something other than zeros lies around the picture.
  fileprivate func stage(_ statistics: ConvolutionStage.Statistics) -> ConvolutionStage? {
    guard paddingMode == .constant(0) else { return nil }
    var stage = ConvolutionStage(weight: weight.value, statistics: statistics)
    stage.bias = bias?.value
    stage.stride = stride
    stage.padding = edges
    stage.dilation = dilation
    stage.groups = groups
    return stage
  }
}

extension MaxPool2d {
  /// Whether it takes the largest of each 2x2 window, 2 apart.
  fileprivate var halves: Bool {
    kernel == (2, 2) && stride == (2, 2) && padding == (0, 0) && dilation == (1, 1) && !ceil
  }
}
