import SakerTensor

/// A convolution and the batch norm behind it as one convolution, for evaluation: with
/// `s = γ / √(variance + ε)`, the weight is `s · weight` and the bias `s · (bias − mean) + β`.
struct FoldedConvolution: Sendable {
  let weight, bias: Tensor
  private let versions: [Int]

  init(_ conv: Conv2d, _ norm: BatchNorm) {
    (weight, bias) = withoutGradients {
      let zeros = Tensor.zeros([norm.channels])
      let mean = norm.runningMean?.value ?? zeros
      let variance = norm.runningVar?.value ?? .ones([norm.channels])
      let scale = (norm.weight?.value ?? .ones([norm.channels])) / sqrt(variance + norm.epsilon)
      let shift = ((conv.bias?.value ?? zeros) - mean) * scale
      return (
        conv.weight.value * scale.reshape([norm.channels, 1, 1, 1]),
        norm.bias.map { shift + $0.value } ?? shift
      )
    }
    versions = Self.versions(conv, norm)
  }

  /// Whether nothing has changed since.
  func isFresh(_ conv: Conv2d, _ norm: BatchNorm) -> Bool {
    versions == Self.versions(conv, norm)
  }

  private static func versions(_ conv: Conv2d, _ norm: BatchNorm) -> [Int] {
    let parameters = [conv.weight, conv.bias, norm.weight, norm.bias]
    return parameters.map { $0?.version ?? 0 }
      + [norm.runningMean, norm.runningVar].map { $0?.version ?? 0 }
  }
}

extension BatchNorm {
  /// Whether it multiplies and adds the same numbers whatever comes in: it evaluates, by
  /// running statistics.
  var isConstant: Bool {
    runningMean != nil && !mode.isTraining && DryRun.current == nil
  }
}
