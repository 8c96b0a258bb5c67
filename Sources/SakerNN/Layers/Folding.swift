import SakerTensor

/// The convolution that gives what `conv` and then `norm` give in evaluation: with
/// `s = γ / √(variance + ε)`, its weight is `s · weight` and its bias `s · (bias − mean) + β`.
/// Stops if `norm` has no running statistics or other channels.
public func fold(_ conv: Conv2d, _ norm: BatchNorm) -> Conv2d {
  checkFolding(norm, outputs: conv.weight.shape[0])
  let folded = FoldedConvolution(conv, norm)
  let (height, width) = (conv.weight.shape[2], conv.weight.shape[3])
  let result = Conv2d(
    conv.weight.shape[1] * conv.groups, conv.weight.shape[0], kernel: (height, width),
    stride: conv.stride, padding: conv.padding, mode: conv.paddingMode, dilation: conv.dilation,
    groups: conv.groups)
  result.weight.value = folded.weight
  result.bias?.value = folded.bias
  return result
}

/// The linear layer that gives what `linear` and then `norm` give in evaluation.
public func fold(_ linear: Linear, _ norm: BatchNorm) -> Linear {
  checkFolding(norm, outputs: linear.weight.shape[0])
  let (scale, shift) = norm.scaleAndShift
  let result = Linear(linear.weight.shape[1], linear.weight.shape[0])
  withoutGradients {
    result.weight.value = linear.weight.value * scale.reshape([norm.channels, 1])
    result.bias?.value = linear.bias.map { $0.value * scale + shift } ?? shift
  }
  return result
}

private func checkFolding(_ norm: BatchNorm, outputs: Int) {
  check(
    norm.runningMean != nil && norm.channels == outputs, op: "fold",
    expected: "a batch norm of \(outputs) channels with running statistics",
    got: "\(norm.channels) channels, \(norm.runningMean == nil ? "no" : "with") statistics")
}

extension BatchNorm {
  /// What evaluation multiplies each channel by, and then adds: `s = γ / √(variance + ε)` and
  /// `β − mean · s`, `[C]`.
  fileprivate var scaleAndShift: (scale: Tensor, shift: Tensor) {
    withoutGradients {
      let variance = runningVar?.value ?? .ones([channels])
      let scale = (weight?.value ?? .ones([channels])) / sqrt(variance + epsilon)
      let moved = (runningMean?.value ?? .zeros([channels])) * scale
      return (scale, (bias?.value ?? .zeros([channels])) - moved)
    }
  }

  /// The depthwise 1×1 convolution that gives what this gives in evaluation. Stops without
  /// running statistics.
  public var convolution: Conv2d {
    checkFolding(self, outputs: channels)
    let (scale, shift) = scaleAndShift
    let result = Conv2d(channels, channels, kernel: 1, groups: channels)
    result.weight.value = scale.reshape([channels, 1, 1, 1])
    result.bias?.value = shift
    return result
  }
}

extension Sequential {
  /// For evaluation: the same layers without the batch norms behind convolutions and linear layers,
  /// which take them in; also of sequences inside. Layers that are not changed are shared.
  public func foldingBatchNorms() -> Sequential {
    var result: [any Layer] = []
    for layer in layers {
      if let norm = layer as? BatchNorm, norm.runningMean != nil {
        if let conv = result.last as? Conv2d, conv.weight.shape[0] == norm.channels {
          result[result.count - 1] = fold(conv, norm)
          continue
        }
        if let linear = result.last as? Linear, linear.weight.shape[0] == norm.channels {
          result[result.count - 1] = fold(linear, norm)
          continue
        }
      }
      result.append((layer as? Sequential)?.foldingBatchNorms() ?? layer)
    }
    return Sequential(result)
  }
}
