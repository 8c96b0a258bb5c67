import Foundation
import SakerNN
import SakerTensor

/// What a model consists of, seen while it runs once: its layers in the order they compute.
public struct ModelSummary: Hashable, Codable, Sendable, CustomStringConvertible {
  /// One run of one layer.
  public struct Row: Hashable, Codable, Sendable {
    public var name: String
    public var kind: String
    public var outputShape: [Int]
    /// Numbers that learn; 0 when a shared layer runs again.
    public var parameters: Int
    /// Products that are added up, of convolutions and linear layers, for one run of the whole batch.
    public var multiplyAdds: Int
    /// How many rows and columns of the input one output can see, not counting the input's edges; `nil` where layers that
    /// are not recognized lie between.
    public var receptiveField: [Int]?
    /// How many rows and columns of the input lie between neighbouring outputs.
    public var stride: [Int]?
  }

  public var name: String
  public var inputShape: [Int]
  public var rows: [Row]
  /// Of the whole model, also what did not run.
  public var parameters: Int
  public var multiplyAdds: Int

  /// - Parameters:
  ///   - input: what `run` gives the model; only its shape matters.
  ///   - run: one forward pass.
  public init(
    _ model: any Module, name: String, input: Tensor, run: (Tensor) -> Void
  ) {
    let recorder = Recorder(input)
    // Layers inside layers would be counted twice.
    let handles = model.namedModules.compactMap { named -> HookHandle? in
      guard let layer = named.module as? any Layer, layer.holdsNoLayer else { return nil }
      return layer.onForward { recorder.record(named.name, layer, $0, $1) }
    }
    defer { for handle in handles { handle.remove() } }
    model.evaluating { run(recorder.input) }
    self.name = name
    inputShape = input.shape.sizes
    rows = recorder.rows
    parameters = model.parameterCount
    multiplyAdds = rows.reduce(0) { $0 + $1.multiplyAdds }
  }

  /// Of a detector, for `batch` pictures of the size its card names.
  public init(_ detector: any Detector, batch: Int = 1) {
    let size = detector.card.preprocessing
    self.init(
      detector, name: detector.card.architecture,
      input: .zeros([batch, 3, size.height, size.width])
    ) { _ = detector.rawOutputs($0) }
  }

  public var description: String {
    var table = [
      ["layer", "type", "output", "parameters", "multiply-adds", "receptive field", "stride"]
    ]
    func pair(_ sizes: [Int]?) -> String {
      guard let sizes else { return "?" }
      return Set(sizes).count == 1 ? "\(sizes[0])" : sizes.map(String.init).joined(separator: "x")
    }
    for row in rows {
      table.append([
        row.name, row.kind, row.outputShape.map(String.init).joined(separator: "x"),
        row.parameters == 0 ? "" : row.parameters.grouped,
        row.multiplyAdds == 0 ? "" : row.multiplyAdds.grouped, pair(row.receptiveField),
        pair(row.stride),
      ])
    }
    let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    var lines = table.map { cells in
      zip(cells, widths).enumerated().map { column, cell in
        let space = String(repeating: " ", count: cell.1 - cell.0.count)
        return column < 3 ? cell.0 + space : space + cell.0
      }.joined(separator: "  ")
    }
    lines.insert(String(repeating: "-", count: lines[0].count), at: 1)
    let input = inputShape.map(String.init).joined(separator: "x")
    lines.append(
      "\(name) on \(input): \(parameters.grouped) parameters, \(multiplyAdds.grouped) multiply-adds"
    )
    return lines.joined(separator: "\n")
  }
}

/// Notes the layers that run and follows what they see of the input.
///
/// Each output is replaced by a constant of its own, so that the input of the next layer, whatever was done to it in
/// between (views, rectifying, joining), tells where it comes from.
private final class Recorder {
  struct View {
    var field, stride: [Int]
  }

  let input: Tensor
  var rows: [ModelSummary.Row] = []
  private var views: [Float: View] = [:]
  private var counted: Set<ObjectIdentifier> = []
  private var next: Float = 1

  init(_ input: Tensor) {
    self.input = .full(input.shape, 1)
    views[1] = View(field: [1, 1], stride: [1, 1])
  }

  func record(_ name: String, _ layer: any Layer, _ x: Tensor, _ y: Tensor) -> Tensor {
    let view = view(of: x)?.through(layer, x.shape, y.shape)
    let isNew = counted.insert(ObjectIdentifier(layer)).inserted
    rows.append(
      ModelSummary.Row(
        name: name, kind: String(describing: type(of: layer)), outputShape: y.shape.sizes,
        parameters: isNew ? layer.parameterCount : 0, multiplyAdds: layer.multiplyAdds(y.shape),
        receptiveField: view?.field, stride: view?.stride))
    next += 1
    views[next] = view
    return .full(y.shape, Double(next), .float32)
  }

  /// The widest of the views that meet in `x`.
  private func view(of x: Tensor) -> View? {
    let values = Set(x.converted(to: .float32).floats)
    guard values.count <= 64 else { return nil }
    let known = values.compactMap { views[$0] }
    guard known.count == values.count else { return nil }
    return known.max { ($0.field[0], $0.stride[0]) < ($1.field[0], $1.stride[0]) }
  }
}

extension Recorder.View {
  fileprivate func through(_ layer: any Layer, _ x: Shape, _ y: Shape) -> Recorder.View {
    guard let window = layer.window(x, y) else { return self }
    var result = self
    for axis in 0..<2 {
      result.field[axis] += (window.reach[axis] - 1) * stride[axis]
      result.stride[axis] *= window.stride[axis]
    }
    return result
  }
}

extension Layer {
  fileprivate var holdsNoLayer: Bool {
    namedModules.dropFirst().allSatisfy { !($0.module is any Layer) }
  }

  /// How many rows and columns of its input one output sees, and how far they move for the next one; `nil` for layers
  /// that see just the same place.
  fileprivate func window(_ x: Shape, _ y: Shape) -> (reach: [Int], stride: [Int])? {
    func window(
      _ kernel: (Int, Int), _ stride: (Int, Int), _ dilation: (Int, Int) = (1, 1)
    ) -> (reach: [Int], stride: [Int]) {
      (
        [dilation.0 * (kernel.0 - 1) + 1, dilation.1 * (kernel.1 - 1) + 1], [stride.0, stride.1]
      )
    }
    switch self {
    case let layer as Conv2d:
      return window(
        (layer.weight.shape[2], layer.weight.shape[3]), layer.stride, layer.dilation)
    case let layer as MaxPool2d: return window(layer.kernel, layer.stride, layer.dilation)
    case let layer as AvgPool2d: return window(layer.kernel, layer.stride)
    case is AdaptiveMaxPool2d, is AdaptiveAvgPool2d:
      return window(
        ((x[2] + y[2] - 1) / y[2], (x[3] + y[3] - 1) / y[3]), (x[2] / y[2], x[3] / y[3]))
    default: return nil
    }
  }

  fileprivate func multiplyAdds(_ y: Shape) -> Int {
    switch self {
    case let layer as Conv2d: y.elements * layer.weight.shape.dropFirst().reduce(1, *)
    case let layer as Linear: y.elements * layer.weight.shape[1]
    default: 0
    }
  }
}

extension Int {
  /// With a comma every three digits.
  fileprivate var grouped: String {
    var digits = String(abs(self))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (self < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}
