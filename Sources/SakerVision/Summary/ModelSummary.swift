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
    /// Products that are added up, of convolutions, linear layers and attentions, for one run of the whole batch.
    public var multiplyAdds: Int
    /// How many rows and columns of the input one output can see, not counting the input's edges; `nil` where layers that
    /// are not recognized lie between.
    public var receptiveField: [Int]?
    /// How many rows and columns of the input lie between neighbouring outputs.
    public var stride: [Int]?
    /// The row and column of the input in the middle of what the first output sees; 0 is the first pixel's centre.
    public var center: [Double]?
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
    // What only holds layers would count them twice.
    let handles = model.namedModules.compactMap { named -> HookHandle? in
      guard let layer = named.module as? any Layer, layer.holdsNoLayer || layer.computesItself
      else { return nil }
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
  /// Of rows and columns.
  struct View {
    var rows = ReceptiveField()
    var columns = ReceptiveField()
  }

  let input: Tensor
  var rows: [ModelSummary.Row] = []
  private var views: [Float: View] = [:]
  private var counted: Set<ObjectIdentifier> = []
  private var next: Float = 1

  init(_ input: Tensor) {
    self.input = .full(input.shape, 1)
    views[1] = View()
  }

  func record(_ name: String, _ layer: any Layer, _ x: Tensor, _ y: Tensor) -> Tensor {
    let view = view(of: x).flatMap { $0.through(layer, x.shape, y.shape) }
    let isNew = counted.insert(ObjectIdentifier(layer)).inserted
    rows.append(
      ModelSummary.Row(
        name: name, kind: String(describing: type(of: layer)), outputShape: y.shape.sizes,
        parameters: isNew ? layer.ownParameterCount : 0,
        multiplyAdds: layer.multiplyAdds(x.shape, y.shape),
        receptiveField: view.map { [$0.rows.size, $0.columns.size] },
        stride: view.map { [$0.rows.stride, $0.columns.stride] },
        center: view.map { [$0.rows.center, $0.columns.center] }))
    next += 1
    views[next] = view
    return .full(y.shape, Double(next), .float32)
  }

  /// The widest of the views that meet in `x`.
  private func view(of x: Tensor) -> View? {
    // Outputs are constants, joined along channels at most: one place of each map tells.
    let corner = x.rank == 4 && x.count > 0 ? x[0, 0..., 0, 0] : x
    let values = Set(corner.converted(to: .float32).floats)
    guard values.count <= 64 else { return nil }
    let known = values.compactMap { views[$0] }
    guard known.count == values.count else { return nil }
    return known.max { ($0.rows.size, $0.rows.stride) < ($1.rows.size, $1.rows.stride) }
  }
}

extension Recorder.View {
  /// What an output of the layer sees; `nil` where that cannot be said.
  fileprivate func through(_ layer: any Layer, _ x: Shape, _ y: Shape) -> Recorder.View? {
    switch layer.sight(x, y) {
    case .place: self
    case .windows(let rows, let columns):
      Recorder.View(rows: self.rows.through(rows), columns: self.columns.through(columns))
    case .other: nil
    }
  }
}

extension Layer {
  fileprivate var holdsNoLayer: Bool {
    namedModules.dropFirst().allSatisfy { !($0.module is any Layer) }
  }

  /// Without the parameters of layers inside, which have rows of their own.
  fileprivate var ownParameterCount: Int {
    let inside = namedModules.dropFirst().compactMap { $0.module as? any Layer }
    let others = Set(inside.flatMap(\.parameters).map(ObjectIdentifier.init))
    return parameters.filter { !others.contains(ObjectIdentifier($0)) }
      .reduce(0) { $0 + $1.shape.elements }
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
