import SakerTensor

/// `activation(body(x) + shortcut(x))`. He et al., "Deep Residual Learning for Image
/// Recognition", arXiv:1512.03385.
///
/// A body that ends in a convolution with batch norm adds and activates in the pass that
/// normalizes, in evaluation in that which convolves.
public final class Residual: Layer {
  public let body: Sequential
  /// What makes the input fit the body's output, such as a 1x1 convolution with batch norm; the
  /// input itself if `nil`.
  public let shortcut: (any Layer)?
  /// Over the sum; nothing if `nil`.
  public let activation: (any Layer)?

  public init(
    _ body: Sequential, shortcut: (any Layer)? = nil, activation: (any Layer)? = nil
  ) {
    self.body = body
    self.shortcut = shortcut
    self.activation = activation
  }

  /// Any input of `body`, to its output's shape.
  public func forward(_ x: Tensor) -> Tensor {
    let residual = shortcut?(x) ?? x
    if let fused = fusedActivation {
      return body.forward(x, adding: consume residual, fused)
    }
    let sum = body(x) + residual
    return activation?(sum) ?? sum
  }

  /// What the body's last operation can apply to the sum; `nil` if it can't, or if a hook or a
  /// graph wants to see the body's output or the sum.
  private var fusedActivation: Activation? {
    guard LayerHooks.of(body) == nil, !Capture.isRunning else { return nil }
    guard let activation else { return .identity }
    return activation.asActivation
  }
}
