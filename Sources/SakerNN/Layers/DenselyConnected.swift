import SakerTensor

/// Layers of which each sees the maps of all before it, and adds its own:
/// `x = concatenate([x, layer(x)])`. Each is batch norm, ReLU, 1x1 convolution, batch norm, ReLU,
/// 3x3 convolution. Huang et al., arXiv:1608.06993. In training they run as one operation, which
/// copies nothing and keeps a fraction of the memory (`denselyConnected`). Names of the state are
/// those of torchvision: `denselayer1.norm1`, ..., `denselayer1.conv2`.
public final class DenselyConnected: Layer {
  /// `norm1`, `relu1`, `conv1`, `norm2`, `relu2`, `conv2`
  public let layers: [Sequential]

  /// - Parameters:
  ///   - growth: channels that a layer adds.
  ///   - width: channels between its two convolutions.
  public convenience init(_ inputs: Int, growth: Int, width: Int, depth: Int) {
    self.init(inputs, Array(repeating: (width, growth), count: depth))
  }

  /// - Parameter layers: of each, the channels between its two convolutions, and those that it
  ///   adds.
  public init(_ inputs: Int, _ layers: [(width: Int, growth: Int)]) {
    var channels = inputs
    self.layers = layers.map { width, growth in
      defer { channels += growth }
      return Sequential(named: [
        ("norm1", BatchNorm2d(channels)), ("relu1", ReLU()),
        ("conv1", Conv2d(channels, width, kernel: 1, bias: false)),
        ("norm2", BatchNorm2d(width)), ("relu2", ReLU()),
        ("conv2", Conv2d(width, growth, kernel: 3, padding: 1, bias: false)),
      ])
    }
  }

  public var members: [(name: String, value: Any)] {
    layers.enumerated().map { ("denselayer\($0.offset + 1)", $0.element) }
  }

  /// `[N, inputs, H, W]` to `[N, inputs + depth · growth, H, W]`
  public func forward(_ x: Tensor) -> Tensor {
    if let result = fused(x) { return result }
    return layers.reduce(x) { concatenate([$0, $1($0)], axis: 1) }
  }

  /// As one operation, where each batch norm normalizes by its batch and nobody watches a layer.
  private func fused(_ x: Tensor) -> Tensor? {
    guard LayerHooks.isEmpty, !Capture.isRunning, BatchNorm.DryRun.current == nil, !layers.isEmpty,
      x.rank == 4, x.dtype == .float32, x.count > 0, Convolutions.setting != .direct,
      x.shape[1] == (layers[0].layers[0] as? BatchNorm)?.channels
    else { return nil }
    var connections: [DenseConnection] = []
    for layer in layers {
      guard let first = (layer.layers[0] as? BatchNorm)?.connection,
        let narrowing = layer.layers[2] as? Conv2d,
        let second = (layer.layers[3] as? BatchNorm)?.connection,
        let adding = layer.layers[5] as? Conv2d
      else { return nil }
      connections.append(
        DenseConnection(
          first: first, narrowing: narrowing.weight.value, second: second,
          adding: adding.weight.value))
    }
    return denselyConnected(x, connections)
  }
}

extension BatchNorm {
  /// Nothing if it normalizes by other statistics than those of the whole batch.
  fileprivate var connection: DenseConnection.Norm? {
    guard !splitsBatch, let weight, let bias, case .batch(let report) = statistics
    else { return nil }
    return DenseConnection.Norm(
      scale: weight.value, shift: bias.value, epsilon: epsilon, report: report)
  }
}
