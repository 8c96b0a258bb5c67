import SakerNN
import SakerTensor

/// Which places of its input an output of a layer sees.
enum LayerSight {
  /// Just the same place.
  case place
  /// A window, rows and columns.
  case windows(ReceptiveField.Window, ReceptiveField.Window)
  /// All of it.
  case everything
  /// Something else: places that the input chooses, or places between.
  case other
}

extension Layer {
  /// Whether it computes from its own parameters although there are layers inside it.
  var computesItself: Bool {
    self is DeformConv2d || self is DynamicConv2d || self is NonLocalBlock2d
      || self is MultiheadAttention
  }

  func sight(_ x: Shape, _ y: Shape) -> LayerSight {
    func windows(
      _ kernel: (Int, Int), _ stride: (Int, Int), _ padding: (Int, Int),
      _ dilation: (Int, Int) = (1, 1)
    ) -> LayerSight {
      .windows(
        ReceptiveField.Window(
          kernel.0, stride: stride.0, dilation: dilation.0, padding: padding.0),
        ReceptiveField.Window(
          kernel.1, stride: stride.1, dilation: dilation.1, padding: padding.1))
    }
    switch self {
    case let layer as Conv2d:
      let kernel = (layer.weight.shape[2], layer.weight.shape[3])
      return windows(
        kernel, layer.stride, layer.padding.before(kernel, layer.dilation), layer.dilation)
    case let layer as DynamicConv2d:
      let kernel = (layer.weight.shape[3], layer.weight.shape[4])
      return windows(
        kernel, layer.stride, layer.padding.before(kernel, layer.dilation), layer.dilation)
    case let layer as MaxPool2d:
      return windows(layer.kernel, layer.stride, layer.padding, layer.dilation)
    case let layer as AvgPool2d: return windows(layer.kernel, layer.stride, layer.padding)
    case is PaddedShortcut: return windows((1, 1), (2, 2), (0, 0))
    case is AdaptiveMaxPool2d, is AdaptiveAvgPool2d:
      return windows(
        ((x[2] + y[2] - 1) / y[2], (x[3] + y[3] - 1) / y[3]), (x[2] / y[2], x[3] / y[3]), (0, 0))
    case let layer as SPPBlock:
      let side = layer.kernels.max() ?? 1
      return windows((side, side), (1, 1), (side / 2, side / 2))
    case is MultiheadAttention, is FourierMixing: return .everything
    case is DeformConv2d, is NonLocalBlock2d, is ConvTranspose2d, is Upsample, is PixelShuffle,
      is SpatialPyramidPooling, is Conv1d, is Conv3d, is ConvTranspose1d, is ConvTranspose3d,
      is MaxPool1d, is AvgPool1d, is MaxPool3d, is AvgPool3d, is AdaptiveAvgPool1d,
      is AdaptiveMaxPool1d, is AdaptiveAvgPool3d, is AdaptiveMaxPool3d:
      return .other
    default: return .place
    }
  }

  /// Products that are added up, without those of layers inside.
  func multiplyAdds(_ x: Shape, _ y: Shape) -> Int {
    func each(_ weight: Parameter, _ first: Int) -> Int {
      weight.shape.dropFirst(first).reduce(1, *)
    }
    switch self {
    case let layer as Conv2d: return y.elements * each(layer.weight, 1)
    case let layer as Conv1d: return y.elements * each(layer.weight, 1)
    case let layer as Conv3d: return y.elements * each(layer.weight, 1)
    case let layer as DeformConv2d: return y.elements * each(layer.weight, 1)
    // Each input value lays its kernel over the result.
    case let layer as ConvTranspose1d: return x.elements * each(layer.weight, 1)
    case let layer as ConvTranspose2d: return x.elements * each(layer.weight, 1)
    case let layer as ConvTranspose3d: return x.elements * each(layer.weight, 1)
    // The convolution, and the mean of the kernels for each picture.
    case let layer as DynamicConv2d:
      return y.elements * each(layer.weight, 2) + x[0] * layer.weight.shape.elements
    case let layer as NonLocalBlock2d:
      let places = x[2] * x[3]
      let others = layer.isSubsampled ? (x[2] / 2) * (x[3] / 2) : places
      let inner = layer.g.weight.shape[0]
      let compared = layer.theta == nil ? x[1] : inner
      let similarity =
        layer.similarity == .concatenation
        ? (places + others) * inner : places * others * compared
      return x[0] * (similarity + places * others * inner)
    case let layer as Linear: return y.elements * layer.weight.shape[1]
    // Projections and the two products of self-attention; the last projection is a
    // layer of its own.
    case is MultiheadAttention: return y.elements * (3 * y[2] + 2 * x[1])
    default: return 0
    }
  }
}

extension Padding {
  /// Rows above and columns left.
  fileprivate func before(_ kernel: (Int, Int), _ dilation: (Int, Int)) -> (Int, Int) {
    let reach = (dilation.0 * (kernel.0 - 1), dilation.1 * (kernel.1 - 1))
    switch self {
    case .same: return (reach.0 / 2, reach.1 / 2)
    case .valid: return (0, 0)
    case .full: return reach
    case .edges(let top, _, let left, _): return (top, left)
    }
  }
}
