import SakerTensor

/// Keras's weights as this library's, which are PyTorch's: other names, kernels in another order of
/// axes, and batch norms whose statistics mean something else (docs/errata.md, E3 and E4).
///
/// Keras's own files (`.keras`, `.h5`) are HDF5, which Saker does not read. In Python
/// `numpy.savez("w.npz", **{v.path: v.numpy() for v in model.variables})` writes a
/// file that it does.
public struct KerasWeights: Sendable {
  /// Under the layers' own names: `conv1/kernel` is `conv1.weight`, `bn/moving_variance`
  /// is `bn.running_var`.
  public let state: [NamedTensor]

  /// - Parameters:
  ///   - variables: by path, `conv1/kernel` or `conv1/kernel:0`. Kernels that are called
  ///     `depthwise_kernel` are turned as such.
  ///   - epsilon: of Keras's batch norms; its default is 0.001.
  ///   - own: of the batch norms that take the statistics; this library's default is 0.00001. Where
  ///     they differ the variance is moved, so that evaluation gives the same.
  public init(_ variables: [NamedTensor], epsilon: Float = 1e-3, own: Float = 1e-5) {
    state = variables.map { variable in
      var path = variable.name
      if let colon = path.lastIndex(of: ":") { path = String(path[..<colon]) }
      var parts = path.split(separator: "/").map(String.init)
      let last = parts.popLast() ?? ""
      let tensor = variable.tensor
      let (name, value) =
        switch last {
        case "kernel": ("weight", KerasWeights.kernel(tensor))
        case "depthwise_kernel": ("weight", KerasWeights.depthwiseKernel(tensor))
        case "gamma": ("weight", tensor)
        case "beta": ("bias", tensor)
        case "moving_mean": ("running_mean", tensor)
        case "moving_variance":
          ("running_var", KerasWeights.variance(tensor, epsilon: epsilon, own: own))
        default: (last, tensor)
        }
      return NamedTensor((parts + [name]).joined(separator: "."), value)
    }
  }

  /// `[kernel..., in, out]` as `[out, in, kernel...]`; of a dense layer `[in, out]` as `[out, in]`.
  /// Others as they are.
  public static func kernel(_ kernel: Tensor) -> Tensor {
    guard kernel.rank >= 2 else { return kernel }
    let last = kernel.rank - 1
    return kernel.permute([last, last - 1] + Array(0..<last - 1)).contiguous()
  }

  /// `[height, width, in, multiplier]` as `[in · multiplier, 1, height, width]`.
  public static func depthwiseKernel(_ kernel: Tensor) -> Tensor {
    guard kernel.rank == 4 else { return kernel }
    let shape = kernel.shape
    return kernel.permute([2, 3, 0, 1]).contiguous()
      .reshape([shape[2] * shape[3], 1, shape[0], shape[1]])
  }

  /// A running variance for a batch norm with another ε: `variance + epsilon − own`, with which
  /// evaluation divides by the same.
  public static func variance(_ variance: Tensor, epsilon: Float = 1e-3, own: Float = 1e-5)
    -> Tensor
  {
    variance + (epsilon - own)
  }

  /// What PyTorch would have collected where Keras collected `variance`: Keras notes the
  /// biased variance of its batches, PyTorch the unbiased, n/(n − 1) of it. Not for
  /// evaluation, which it changes by as much: for training that goes on where Keras stopped,
  /// and for comparing statistics.
  ///
  /// - Parameter count: n, the values of a channel in a batch: pictures · height ·
  ///   width, at least 2.
  public static func unbiased(_ variance: Tensor, count: Int) -> Tensor {
    check(count >= 2, op: "KerasWeights.unbiased", expected: "at least 2 values", got: count)
    return variance * Float(Double(count) / Double(count - 1))
  }

  /// The share of the newest batch in the running statistics, as PyTorch counts it; Keras's is the
  /// share of the old.
  public static func momentum(_ momentum: Float) -> Float { 1 - momentum }
}
