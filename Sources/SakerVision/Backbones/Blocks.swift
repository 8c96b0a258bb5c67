import SakerNN
import SakerTensor

/// A residual block whose layers bear the names that published weights have for them: `conv1`,
/// `bn1`, ..., and beside them the shortcut, `downsample`.
final class ResidualBlock: Layer {
  let residual: Residual
  private let shortcutName: String

  /// - Parameters:
  ///   - body: layers with their names.
  ///   - shortcut: what makes the input fit; `nil` if it fits.
  ///   - activation: over the sum.
  init(
    _ body: [(name: String, layer: any Layer)], shortcut: (any Layer)? = nil,
    named shortcutName: String = "downsample", activation: (any Layer)? = nil
  ) {
    residual = Residual(Sequential(named: body), shortcut: shortcut, activation: activation)
    self.shortcutName = shortcutName
  }

  var members: [(name: String, value: Any)] {
    residual.body.members + (residual.shortcut.map { [(shortcutName, $0 as Any)] } ?? [])
  }

  func forward(_ x: Tensor) -> Tensor { residual(x) }
}

extension Sequential {
  /// Convolution without bias, batch norm and, if there is one, an activation; padded so that
  /// stride 1 keeps the size.
  static func normalized(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    epsilon: Float = 1e-5, momentum: Float = 0.1, _ activation: (any Layer)? = nil
  ) -> Sequential {
    Sequential(
      [
        Conv2d(
          inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups,
          bias: false),
        BatchNorm2d(outputs, epsilon: epsilon, momentum: momentum),
      ] + (activation.map { [$0] } ?? []))
  }
}

extension Module {
  /// Starts the weights of all convolutions inside anew, and their biases as zeros.
  func startConvolutions(_ initializer: Initializer) {
    for case let conv as Conv2d in namedModules.map(\.module) {
      conv.weight.start(initializer)
      conv.bias?.start(.zeros)
    }
  }

  /// Starts the weights of all linear layers inside anew, and their biases as zeros.
  func startLinears(_ initializer: Initializer) {
    for case let linear as Linear in namedModules.map(\.module) {
      linear.weight.start(initializer)
      linear.bias?.start(.zeros)
    }
  }
}

extension Tensor {
  /// The mean of each map: `[N, C, H, W]` to `[N, C]`.
  func globalAverage() -> Tensor { adaptiveAveragePool2d(self, (1, 1)).flatten(from: 1) }

  /// Stops unless these are pictures `[N, 3, H, W]` of at least `side` pixels a side.
  func checkPictures(_ model: String, side: Int, channels: Int = 3) {
    check(
      rank == 4 && shape[1] == channels && shape[2] >= side && shape[3] >= side, op: model,
      expected: "[N, \(channels), H, W], at least \(side) high and wide", got: shape)
  }
}
