import SakerTensor

/// `activation(body(x) + shortcut(x))`. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385.
///
/// A body that ends in a convolution with batch norm adds and activates in the pass that normalizes.
public final class Residual: Layer {
  public let body: Sequential
  /// What makes the input fit the body's output, such as a 1x1 convolution with batch norm; the input itself if `nil`.
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
    let isPlain =
      LayerHooks.of(body) == nil && (activation.map { LayerHooks.of($0) == nil } ?? true)
    if isPlain, activation == nil || activation is ReLU {
      return body.forward(x, adding: residual, activation == nil ? .identity : .relu)
    }
    let sum = body(x) + residual
    return activation?(sum) ?? sum
  }
}
