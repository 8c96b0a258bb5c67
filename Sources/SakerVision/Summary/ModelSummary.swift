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
    /// Products that are added up, of convolutions, linear layers and attentions, for one run
    /// of the whole batch.
    public var multiplyAdds: Int
    /// How many rows and columns of the input one output can see, not counting the input's edges;
    /// `nil` where layers that are not recognized lie between.
    public var receptiveField: [Int]?
    /// How many rows and columns of the input lie between neighbouring outputs.
    public var stride: [Int]?
    /// The row and column of the input in the middle of what the first output sees; 0 is the
    /// first pixel's centre.
    public var center: [Double]?
  }

  public var name: String
  public var inputShape: [Int]
  public var rows: [Row]
  /// Parameters of the whole model, including layers that did not run.
  public var parameters: Int
  public var multiplyAdds: Int

  /// - Parameters:
  ///   - input: what `run` gives the model; only its shape matters.
  ///   - run: one forward pass.
  public init(
    _ model: any Module, name: String, input: Tensor, run: (Tensor) -> Void
  ) {
    let recorder = Recorder(input, model)
    // Only shapes matter: what is most of the work isn't done.
    let skipped = model.namedModules.compactMap { named -> HookHandle? in
      switch named.module {
      case let layer as Conv2d:
        layer.replacingForward { x in
          layer.outputShape(of: x.shape).map { Tensor.zeros($0, x.dtype) }
        }
      case let layer as Linear:
        layer.replacingForward { x in
          guard x.rank > 0, x.shape[x.rank - 1] == layer.weight.shape[1] else { return nil }
          return .zeros(Shape(x.shape.sizes.dropLast() + [layer.weight.shape[0]]), x.dtype)
        }
      default: nil
      }
    }
    defer { for handle in skipped { handle.remove() } }
    let handles = model.namedModules.compactMap { named -> HookHandle? in
      guard let layer = named.module as? any Layer else { return nil }
      // What only holds layers would count them twice.
      return layer.holdsNoLayer || layer.computesItself
        ? layer.onForward { recorder.record(named.name, layer, $0, $1) }
        : layer.onForward { recorder.pass(layer, $0, $1) }
    }
    defer { for handle in handles { handle.remove() } }
    model.evaluating { run(recorder.input) }
    self.name = name
    inputShape = input.shape.sizes
    rows = recorder.rows
    parameters = model.parameterCount
    multiplyAdds = rows.reduce(0) { $0 + $1.multiplyAdds }
  }

  /// Summarizes a detector for `batch` images of the size that its card names.
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
/// Each output is replaced by a constant of its own, so that the input of the next layer,
/// whatever was done to it in between (views, rectifying, joining), tells where it comes from. A
/// sum or a product tells nothing, but the layer that computed it does: its output sees what the
/// layers inside see.
private final class Recorder {
  /// Of rows and columns.
  struct View: Equatable {
    var rows = ReceptiveField()
    var columns = ReceptiveField()

    func union(_ other: View) -> View {
      View(rows: rows.union(other.rows), columns: columns.union(other.columns))
    }
  }

  /// What a layer gave when it last ran.
  private struct Result {
    var view: View?
    var shape: Shape
  }

  let input: Tensor
  var rows: [ModelSummary.Row] = []
  private var views: [Int: View?] = [:]
  private var results: [ObjectIdentifier: Result] = [:]
  /// What the last output of a shape sees.
  private var latest: [Shape: View?] = [:]
  private var counted: Set<ObjectIdentifier> = []
  /// Layers that run along the places of the picture, or on what does.
  private let wide: Set<ObjectIdentifier>

  init(_ input: Tensor, _ model: any Module) {
    self.input = .full(input.shape, Double(Recorder.value(0)))
    views[0] = View()
    wide = Set(
      model.namedModules.flatMap { named -> [ObjectIdentifier] in
        switch named.module {
        case let block as MLPMixerBlock:
          [block.mlpTokens.fc1, block.mlpTokens.fc2, block.norm2].map(ObjectIdentifier.init)
        case let attention as MultiheadAttention: [ObjectIdentifier(attention.outProj)]
        default: []
        }
      })
  }

  /// What sees all of the picture; `nil` for inputs that are none.
  private var everything: View? {
    input.shape.places.map {
      View(rows: ReceptiveField(all: $0[0]), columns: ReceptiveField(all: $0[1]))
    }
  }

  func record(_ name: String, _ layer: any Layer, _ x: Tensor, _ y: Tensor) -> Tensor {
    let view = through(layer, x, y.shape)
    let isNew = counted.insert(ObjectIdentifier(layer)).inserted
    rows.append(
      ModelSummary.Row(
        name: name, kind: String(describing: type(of: layer)), outputShape: y.shape.sizes,
        parameters: isNew ? layer.ownParameterCount : 0,
        multiplyAdds: layer.multiplyAdds(x.shape, y.shape),
        receptiveField: view.map { [$0.rows.size, $0.columns.size] },
        stride: view.map { [$0.rows.stride, $0.columns.stride] },
        center: view.map { [$0.rows.center, $0.columns.center] }))
    return note(layer, view, y.shape)
  }

  /// What holds other layers: replaces the output if nobody knows what it sees.
  func pass(_ layer: any Layer, _ x: Tensor, _ y: Tensor) -> Tensor? {
    let seen = views(in: y)
    if !seen.isEmpty {
      results[ObjectIdentifier(layer)] = Result(view: union(seen), shape: y.shape)
      return nil
    }
    let places = y.shape.places
    let inside = layer.namedModules.dropFirst()
      .compactMap { results[ObjectIdentifier($0.module)] }
      // Others are what it made the result of, or, of size 1x1, weights of the maps (gates).
      .filter { places == nil || $0.shape.places == places }
    var all = inside.map(\.view)
    if x.shape.places == places { all += views(in: x) }
    // Whatever else there is, no more can be seen than everything.
    return note(
      layer, everything != nil && all.contains(everything) ? everything : union(all), y.shape)
  }

  private func note(_ layer: any Layer, _ view: View?, _ shape: Shape) -> Tensor {
    let number = views.count
    views[number] = .some(view)
    results[ObjectIdentifier(layer)] = Result(view: view, shape: shape)
    latest[shape] = .some(view)
    return .full(shape, Double(Recorder.value(number)), .float32)
  }

  /// What an output of the layer sees; `nil` where that cannot be said.
  private func through(_ layer: any Layer, _ x: Tensor, _ y: Shape) -> View? {
    if wide.contains(ObjectIdentifier(layer)) { return everything }
    let seen = views(in: x)
    // What is added to what sees all of it, sees all of it: transformers' sums.
    let sum = seen.isEmpty ? latest[x.shape]?.flatMap { $0 } : nil
    let before = sum != nil && sum == everything ? sum : union(seen)
    switch layer.sight(x.shape, y) {
    case .place: return before
    case .windows(let rows, let columns):
      return before.map {
        View(rows: $0.rows.through(rows), columns: $0.columns.through(columns))
      }
    case .everything: return everything
    case .other: return nil
    }
  }

  /// `nil` if there is none or one is not known.
  private func union(_ views: [View?]) -> View? {
    guard let first = views.first else { return nil }
    return views.dropFirst().reduce(first) { a, b in a.flatMap { a in b.map { a.union($0) } } }
  }

  /// Those that meet in `x`, or nothing if there are values of unknown origin.
  private func views(in x: Tensor) -> [View?] {
    // Maps are constants, joined along channels at most: the place in the middle tells.
    let places = x.count > 0 ? x.shape.places : nil
    let center = places.map { x[0..., 0..., $0[0] / 2, $0[1] / 2] } ?? x
    var values: Set<Float> = []
    var last = Float.nan
    for value in center.converted(to: .float32).floats where value != last {
      values.insert(value)
      last = value
      if values.count > 1024 { return [] }
    }
    let known = values.map { value in Recorder.number(value).flatMap { views[$0] } }
    return known.contains { $0 == nil } ? [] : known.map { $0! }
  }

  private static let digits = 14
  private static let step: Float = 0x1p-18

  /// The constant that stands for a number: in 1..<1.0625, so that no sum, also a scaled one, and
  /// no product with a gate is another's constant.
  private static func value(_ number: Int) -> Float {
    // What is too much to tell apart is unknown.
    number >= 1 << digits ? 3 : 1 + Float(reversed(number)) * step
  }

  /// The number of a constant, which a mean may have changed by rounding.
  private static func number(_ value: Float) -> Int? {
    let place = (value - 1) / step
    let nearest = place.rounded()
    guard (0..<Float(1 << digits)).contains(nearest), abs(place - nearest) < 0.25 else {
      return nil
    }
    return reversed(Int(nearest))
  }

  private static func reversed(_ number: Int) -> Int {
    (0..<digits).reduce(0) { $0 << 1 | number >> $1 & 1 }
  }
}

extension Shape {
  /// Height and width of maps.
  fileprivate var places: [Int]? { rank == 4 ? [self[2], self[3]] : nil }
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
