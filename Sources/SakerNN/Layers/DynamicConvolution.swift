import SakerTensor

/// A convolution whose kernel is, for each picture, a mean of K kernels: the weights of the mean
/// come from the picture by an attention like squeeze-and-excitation. Little more products than one
/// convolution, K times its parameters. Chen et al., "Dynamic convolution: attention over
/// convolution kernels", arXiv:1912.03458.
public final class DynamicConv2d: Layer {
  /// `[K, out, in / groups, height, width]`
  public let weight: Parameter
  /// `[K, out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  /// From channels to a quarter of them, and on to K logits.
  public let fc1, fc2: Linear
  public let stride, dilation: (Int, Int)
  public let padding: Padding
  public let groups: Int
  /// The logits are divided by it. High, the mean is nearly even, so that all kernels learn: the
  /// paper goes from 30 to 1 in the first 10 epochs.
  public var temperature: Float

  /// Weights start as in `Conv2d`.
  /// - Parameters:
  ///   - kernels: K.
  ///   - reduction: of the channels in the attention.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0,
    dilation: Int = 1, groups: Int = 1, kernels: Int = 4, reduction: Int = 4,
    temperature: Float = 30, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "DynamicConv2d")
    checkSame(padding == .same, stride: [stride], op: "DynamicConv2d")
    let start = Initializer.uniform(1 / Float(inputs / groups * kernel * kernel).squareRoot())
    weight = Parameter([kernels, outputs, inputs / groups, kernel, kernel], start)
    self.bias = bias ? Parameter([kernels, outputs], start) : nil
    let hidden = max(1, inputs / reduction)
    fc1 = Linear(inputs, hidden)
    fc2 = Linear(hidden, kernels)
    (self.stride, self.dilation) = ((stride, stride), (dilation, dilation))
    (self.padding, self.groups, self.temperature) = (padding, groups, temperature)
  }

  /// How much each kernel counts for each picture, `[N, K]`: positive, with sum 1.
  public func attention(_ x: Tensor) -> Tensor {
    softmax(fc2(relu(fc1(x.mean(axes: [2, 3])))) / temperature)
  }

  /// `[N, in, H, W]` to `[N, out, H', W']`
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 4 && x.shape[0] >= 1 && x.shape[1] == weight.shape[2] * groups,
      op: "DynamicConv2d", expected: "[N, \(weight.shape[2] * groups), H, W]", got: x.shape)
    let attention = attention(x).converted(to: .float32)
    let (kernels, shape) = (weight.shape[0], Shape(weight.shape.dropFirst()))
    let weights = matmul(attention, weight.value.reshape([kernels, -1]))
    let biases = bias.map { matmul(attention, $0.value) }
    let edges = padding.edges(
      reach: (dilation.0 * (shape[2] - 1), dilation.1 * (shape[3] - 1)))
    // Picture by picture: each has a kernel of its own.
    let results = (0..<x.shape[0]).map { n in
      conv2d(
        x.narrow(0, n..<n + 1), weights.select(axis: 0, at: n).reshape(shape),
        bias: biases?.select(axis: 0, at: n), stride: stride, padding: edges, dilation: dilation,
        groups: groups)
    }
    return concatenate(results, axis: 0)
  }
}
