import CKernels
import SakerTensor

/// Losses whose forward pass also makes their slopes: one pass over the predictions for value and
/// gradient, reduction included. The backward pass only multiplies the slopes.
///
/// Inputs are predictions and targets, float32 and of one shape. Each loss belongs to `width`
/// numbers that lie next to each other: 1 for losses of single elements, 4 for those of
/// boxes. Targets have a gradient where the loss is symmetric; other callers must see to it
/// that they need none.
struct FusedLoss: TensorOperation {
  /// Writes the losses of `count` items and their slopes by x, where wanted, and returns the
  /// sum of the losses.
  typealias Body =
    @Sendable (
      _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ factor: UnsafePointer<Float>?,
      _ loss: UnsafeMutablePointer<Float>?, _ slope: UnsafeMutablePointer<Float>?, _ count: Int
    ) -> Double

  let name: String
  var width = 1
  let reduction: Reduction
  /// One number an item.
  var factors: Tensor?
  let body: Body

  /// Items of one part. Sums of parts are added in their order, whatever thread computed them.
  private static let part = 8192

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let shape = losses(of: inputs[0].shape)
    var total = 0.0
    var losses: Tensor?
    let slopes = FusedLoss.writing(saved.isRecording ? inputs[0].shape : nil) { slope in
      losses = FusedLoss.writing(reduction == .none ? shape : nil) { loss in
        total = run(inputs[0], inputs[1], loss, slope)
      }
    }
    if let slopes { saved.keep(slopes) }
    if saved.needs[1] {
      let others = FusedLoss.writing(inputs[1].shape) { slope in
        _ = run(inputs[1], inputs[0], nil, slope)
      }
      if let others { saved.keep(others) }
    }
    return losses ?? Tensor(Float(total * Double(reduction.factor(shape))))
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let shape = losses(of: saved.shapes[0])
    let factor =
      switch reduction {
      case .none: width == 1 ? gradient : gradient.unsqueeze(gradient.rank)
      default: gradient * reduction.factor(shape)
      }
    return (0..<2).map { saved.needs[$0] ? saved[$0] * factor : nil }
  }

  private func losses(of shape: Shape) -> Shape { width == 1 ? shape : Shape(shape.dropLast()) }

  private func run(
    _ x: Tensor, _ y: Tensor, _ loss: UnsafeMutablePointer<Float>?,
    _ slope: UnsafeMutablePointer<Float>?
  ) -> Double {
    let count = x.count / width
    let parts = (count + FusedLoss.part - 1) / FusedLoss.part
    var sums = [Double](repeating: 0, count: parts)
    x.withElements(of: Float.self) { x in
      y.withElements(of: Float.self) { y in
        (factors ?? Tensor(0)).withElements(of: Float.self) { factor in
          let factor = factors == nil ? nil : factor.baseAddress
          sums.withUnsafeMutableBufferPointer { sums in
            guard let x = x.baseAddress, let y = y.baseAddress else { return }
            Parallel.run(parts) { range in
              for part in range {
                let first = part * FusedLoss.part
                sums[part] = body(
                  x + first * width, y + first * width, factor.map { $0 + first },
                  loss.map { $0 + first }, slope.map { $0 + first * width },
                  min(FusedLoss.part, count - first))
              }
            }
          }
        }
      }
    }
    return sums.reduce(0, +)
  }

  /// A tensor that `body` writes; without a shape, `body` gets nothing to write.
  private static func writing(
    _ shape: Shape?, _ body: (UnsafeMutablePointer<Float>?) -> Void
  ) -> Tensor? {
    guard let shape else {
      body(nil)
      return nil
    }
    return Tensor(shape, of: Float.self) { body($0.baseAddress) }
  }
}

extension FusedLoss {
  /// The losses of single elements, in float32; with weights, broadcast to the predictions' shape,
  /// they are weighed before the reduction.
  static func ofElements(
    _ name: String, _ x: Tensor, _ targets: Tensor, factors: Tensor? = nil, weight: Tensor? = nil,
    _ reduction: Reduction, _ body: @escaping Body
  ) -> Tensor {
    check(
      targets.shape == x.shape && !targets.isRecorded, op: name,
      expected: "targets \(x.shape) without a gradient", got: targets.shape)
    checkWeight(weight, x.shape, op: name)
    let inner: Reduction = weight == nil ? reduction : .none
    let result = apply(
      FusedLoss(name: name, reduction: inner, factors: factors, body: body),
      x.converted(to: .float32), targets.converted(to: .float32))
    return weight.map { reduction(result * $0.converted(to: .float32)) } ?? result
  }
}

/// Stops unless the weights are broadcast to the shape of the losses.
func checkWeight(_ weight: Tensor?, _ shape: Shape, op: String) {
  guard let weight else { return }
  check(
    weight.shape.broadcast(with: shape) == shape, op: op,
    expected: "weights that broadcast to \(shape)", got: weight.shape)
}
