/// What is computed of a convolution: the result, or a gradient.
public enum ConvolutionPass: String, CaseIterable, Sendable {
  /// The result, with weights that stay as they are: packed once, then kept.
  case inference
  /// The result in training, where every step packs weights anew.
  case forward
  /// The gradient of the input. Packs weights, too.
  case data
  /// The gradients of weight and bias.
  case weights
}

/// Zeros around a picture, in pixels.
public struct ConvolutionPadding: Hashable, Sendable {
  public var top, bottom, left, right: Int

  public init(top: Int, bottom: Int, left: Int, right: Int) {
    (self.top, self.bottom, self.left, self.right) = (top, bottom, left, right)
  }

  public init(_ all: Int) { self.init(top: all, bottom: all, left: all, right: all) }
}

/// A 3x3 convolution of stride 1, as far as the choice of its kernel depends on it.
public struct ConvolutionCase: Hashable, Sendable {
  public var pass: ConvolutionPass
  public var pictures: Int
  /// Channels of one group.
  public var inputs, outputs: Int
  public var groups: Int
  /// Size of the result.
  public var height, width: Int
  public var padding: ConvolutionPadding
  public var dtype: DType
  /// Part of a block that normalizes what convolutions load: see `ConvolutionBlock`.
  var isInBlock = false

  public init(
    _ pass: ConvolutionPass, pictures: Int, inputs: Int, outputs: Int, groups: Int = 1, height: Int,
    width: Int, padding: ConvolutionPadding = ConvolutionPadding(1), dtype: DType = .float32
  ) {
    self.pass = pass
    self.pictures = pictures
    self.inputs = inputs
    self.outputs = outputs
    self.groups = groups
    self.height = height
    self.width = width
    self.padding = padding
    self.dtype = dtype
  }

  /// Nothing if it is no 3x3 convolution of stride 1 without dilation.
  init?(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType
  ) {
    guard weight[2] == 3, weight[3] == 3, attributes.stride == [1, 1],
      attributes.dilation == [1, 1]
    else { return nil }
    let (before, after) = (attributes.before, attributes.after)
    self.init(
      pass, pictures: x[0], inputs: weight[1], outputs: weight[0] / attributes.groups,
      groups: attributes.groups, height: x[2] + before[0] + after[0] - 2,
      width: x[3] + before[1] + after[1] - 2,
      padding: ConvolutionPadding(
        top: before[0], bottom: after[0], left: before[1], right: after[1]), dtype: dtype)
  }

  /// `[N, C, H, W]` of the input.
  var x: Shape {
    [
      pictures, inputs * groups, height + 2 - padding.top - padding.bottom,
      width + 2 - padding.left - padding.right,
    ]
  }
  /// `[N, C, H, W]` of the result.
  var y: Shape { [pictures, outputs * groups, height, width] }
  var weight: Shape { [outputs * groups, inputs, 3, 3] }

  var attributes: ConvolutionAttributes {
    var attributes = ConvolutionAttributes()
    attributes.before = [padding.top, padding.left]
    attributes.after = [padding.bottom, padding.right]
    attributes.groups = groups
    return attributes
  }

  /// Floating-point operations of the direct form, edges counted in full as everybody does.
  public var operations: Double {
    2 * 9 * Double(pictures) * Double(height) * Double(width)
      * Double(inputs) * Double(outputs) * Double(groups)
  }
}

/// A way to compute a 3x3 convolution.
public enum ConvolutionMethod: Hashable, Sendable, CustomStringConvertible {
  /// oneDNN's kernels: all 9 products of each result.
  case direct
  /// Our kernels, by tiles of 4x4 or 2x2 results: see docs/decisions/0014.
  case winograd(tile: Int)

  static let all: [ConvolutionMethod] = [.direct, .winograd(tile: 4), .winograd(tile: 2)]

  public var description: String {
    switch self {
    case .direct: "direct"
    case .winograd(let tile): "winograd \(tile)"
    }
  }
}
