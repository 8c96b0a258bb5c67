import SakerTensor
import Synchronization

/// Layers one after the other, where what belongs together runs as one operation, which reads and writes memory fewer times:
///
/// - while learning, runs of [convolution, batch norm, activation] with the 2x2 max pooling behind the last, in float32;
/// - in evaluation without gradients, a convolution with the batch norm and the ReLU behind it;
/// - else a batch norm with the ReLU behind it.
///
/// A layer with a hook runs apart, so that the hook sees what it expects.
final class LayerRun {
  private let layers: [any Layer]
  /// For convolutions by position.
  private let folded = Mutex<[Int: FoldedConvolution]>([:])

  init(_ layers: [any Layer]) { self.layers = layers }

  /// `layers` applied to `x`; the sum with a residual, and its activation, as part of the last layers' operation if they allow.
  func callAsFunction(
    _ x: Tensor, adding residual: Tensor? = nil, activation: Activation = .identity
  ) -> Tensor {
    var x = x
    var residual = residual
    var index = 0
    while index < layers.count {
      if let block = block(at: index, x) {
        let takesResidual = block.end == layers.count && block.isLinear && residual != nil
        x = block(x, adding: takesResidual ? residual : nil, activation)
        if takesResidual { return x }
        index = block.end
      } else {
        (x, index) = single(at: index, x)
      }
    }
    guard let added = residual.take() else { return activation(x) }
    return sum(x, added, activation: activation)
  }

  /// The layer there, or the two or three that run as one, and the position behind them.
  private func single(at index: Int, _ x: Tensor) -> (Tensor, Int) {
    let norm = plain(index + 1, BatchNorm.self).flatMap { $0.isConstant ? $0 : nil }
    let next = norm == nil ? index + 1 : index + 2
    let relu = plain(next, ReLU.self) != nil
    if !isRecordingGradients, norm != nil || relu, let conv = plain(index, Conv2d.self) {
      return (infer(conv, norm, relu: relu, index, x), relu ? next + 1 : next)
    }
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

  private func infer(
    _ conv: Conv2d, _ norm: BatchNorm?, relu: Bool, _ index: Int, _ x: Tensor
  ) -> Tensor {
    guard let norm else {
      return conv.inference(x, conv.weight.value, conv.bias?.value, relu: relu)
    }
    let fold = folded.withLock { cache in
      if let fold = cache[index], fold.isFresh(conv, norm) { return fold }
      let fold = FoldedConvolution(conv, norm)
      cache[index] = fold
      return fold
    }
    return conv.inference(x, fold.weight, fold.bias, relu: relu)
  }
}

// MARK: - Blocks

extension LayerRun {
  /// Layers that run as one `convolutionBlock`.
  private struct Block {
    var stages: [ConvolutionStage] = []
    var pooling = false
    /// The position behind them.
    var end: Int

    /// Whether it ends in a batch norm without activation.
    var isLinear: Bool { !pooling && stages.last?.activation == .identity }

    func callAsFunction(
      _ x: Tensor, adding residual: Tensor?, _ activation: Activation
    ) -> Tensor {
      guard let residual else { return convolutionBlock(x, stages, pooling: pooling) }
      var stages = stages
      stages[stages.count - 1].activation = activation
      return convolutionBlock(x, stages, residual: residual, pooling: pooling)
    }
  }

  /// The longest block that begins there; none where a convolution can take its batch norm into its weight.
  private func block(at index: Int, _ x: Tensor) -> Block? {
    guard x.rank == 4, x.dtype == .float32, x.count > 0, BatchNorm.DryRun.current == nil
    else { return nil }
    var block = Block(end: index)
    var channels = x.shape[1]
    while let conv = plain(block.end, Conv2d.self), conv.inputs == channels,
      let norm = plain(block.end + 1, BatchNorm.self), norm.channels == conv.outputs,
      isRecordingGradients || !norm.isConstant, var stage = conv.stage(norm.statistics)
    {
      stage.scale = norm.weight?.value
      stage.shift = norm.bias?.value
      stage.epsilon = norm.epsilon
      block.end += 2
      if plain(block.end, ReLU.self) != nil {
        stage.activation = .relu
        block.end += 1
      }
      block.stages.append(stage)
      channels = norm.channels
    }
    guard !block.stages.isEmpty else { return nil }
    if let pool = plain(block.end, MaxPool2d.self), pool.halves {
      block.pooling = true
      block.end += 1
    }
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
