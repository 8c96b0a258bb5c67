import SakerTensor

/// CornerNet's block before a corner's heads: two convolutions whose maps are pooled toward the
/// corner and added, joined with a projection of the input, and a convolution over the sum. Law &
/// Deng, "CornerNet", arXiv:1808.01244, figure 7. State names are the authors'.
public final class CornerPoolingModule: Layer {
  public enum Corner: String, CaseIterable, Sendable { case topLeft, bottomRight }

  public let corner: Corner
  /// Pooled along the columns.
  public let vertical: ConvolutionUnit
  /// Pooled along the rows.
  public let horizontal: ConvolutionUnit
  public let pooledConv: Conv2d
  public let pooledNorm: BatchNorm
  public let skipConv: Conv2d
  public let skipNorm: BatchNorm
  public let output: ConvolutionUnit

  /// - Parameter width: channels of the maps that are pooled.
  public init(_ channels: Int, corner: Corner, width: Int = 128) {
    self.corner = corner
    vertical = ConvolutionUnit(channels, width)
    horizontal = ConvolutionUnit(channels, width)
    pooledConv = Conv2d(width, channels, kernel: 3, padding: 1, bias: false)
    pooledNorm = BatchNorm(channels)
    skipConv = Conv2d(channels, channels, kernel: 1, bias: false)
    skipNorm = BatchNorm(channels)
    output = ConvolutionUnit(channels, channels)
  }

  public var members: [(name: String, value: Any)] {
    [
      ("p1_conv1", vertical), ("p2_conv1", horizontal), ("p_conv1", pooledConv),
      ("p_bn1", pooledNorm), ("conv1", skipConv), ("bn1", skipNorm), ("conv2", output),
    ]
  }

  /// `[N, C, H, W]`, of the same shape.
  public func forward(_ x: Tensor) -> Tensor {
    let (columns, rows) = (vertical(x), horizontal(x))
    let pooled =
      switch corner {
      case .topLeft: topLeftPool(columns, rows)
      case .bottomRight: bottomRightPool(columns, rows)
      }
    let sum = pooledNorm(pooledConv(pooled)) + skipNorm(skipConv(x))
    return output(relu(sum))
  }

  /// A 3×3 convolution with batch norm and ReLU.
  public final class ConvolutionUnit: Layer {
    public let conv: Conv2d
    public let bn: BatchNorm
    private let run: Sequential

    init(_ inputs: Int, _ outputs: Int) {
      conv = Conv2d(inputs, outputs, kernel: 3, padding: 1, bias: false)
      bn = BatchNorm(outputs)
      run = Sequential(conv, bn, ReLU())
    }

    public var members: [(name: String, value: Any)] { [("conv", conv), ("bn", bn)] }

    public func forward(_ x: Tensor) -> Tensor { run(x) }
  }
}
