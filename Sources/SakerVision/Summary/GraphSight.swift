import SakerTensor

/// What one element of a value can see of the picture that goes into a graph.
public struct ValueSight: Hashable, Sendable {
  /// Along the picture's height and width.
  public var rows, columns: ReceptiveField
  /// Where in the value the places of the picture lie.
  var places: Places

  /// Numbers in row-major order that belong to places: `size` steps of `inner` elements each.
  /// Reshaping changes neither.
  struct Run: Hashable {
    var inner, size: Int
  }

  enum Places: Hashable {
    /// Of a map.
    case map(rows: Run, columns: Run)
    /// Places one after the other, some of which may be of no picture: a class token.
    case line(Run)
    /// None: each element sees the same.
    case none
  }
}

extension Graph {
  /// The receptive field of each value, by its number: which part of the picture an element depends
  /// on. Values that depend on no input, and those of which it can't be said (positions that the
  /// input chooses, sizes that grow), have none. A number that scales a whole map, as a gate does,
  /// does not widen what the map sees; nor do a normalization's statistics.
  ///
  /// - Parameter batch: how many pictures, where the graph leaves that open.
  /// - Returns: nothing unless the first input is `[N, C, H, W]`.
  public func sights(batch: Int = 1) -> [Int: ValueSight] {
    guard let input = inputs.first, input.shape.count == 4 else { return [:] }
    var walk = SightWalk(graph: self, batch: batch, picture: input.shape(batch: batch))
    for step in steps { walk.take(step) }
    return walk.known.compactMapValues { $0 }
  }
}

/// Goes through a graph's steps and finds what each result sees from what its inputs see.
private struct SightWalk {
  /// By number: what a value sees; `nil` where that can't be said. Constants are missing.
  var known: [Int: ValueSight?] = [:]
  private let shapes: [Shape]
  private let picture: Shape

  init(graph: Graph, batch: Int, picture: Shape) {
    self.picture = picture
    shapes = graph.values.map { $0.shape(batch: batch) }
    for input in graph.inputs {
      let shape = shapes[input.id]
      known[input.id] = .some(
        shape.rank == 4
          ? ValueSight(rows: ReceptiveField(), columns: ReceptiveField(), places: .map(of: shape))
          : nil)
    }
  }

  private var everything: ValueSight {
    ValueSight(
      rows: ReceptiveField(all: picture[2]), columns: ReceptiveField(all: picture[3]),
      places: .none)
  }

  private func isEverything(_ sight: ValueSight) -> Bool {
    sight.rows == everything.rows && sight.columns == everything.columns
  }

  mutating func take(_ step: Graph.Step) {
    let traced = step.inputs.filter { known.keys.contains($0) }
    guard !traced.isEmpty else { return }
    let inputs = traced.map { (shape: shapes[$0], sight: known[$0]!) }
    known[step.output.id] = .some(
      inputs.contains { $0.sight == nil }
        ? nil
        : through(step, inputs.map { ($0.shape, $0.sight!) }, shapes[step.output.id]))
  }

  /// Those that leave each element at its place, or mix only elements of one place.
  private static let local: Set = [
    "add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "clamp", "where",
    "relu", "leakyRelu", "elu", "tanh", "sigmoid", "exp", "log", "sqrt", "abs", "square",
    "geluTanh", "swish", "hardSwish", "clip", "erf", "sin", "cos", "gelu", "softplus", "mish",
    "selu", "softsign", "hardSigmoid", "prelu", "negate", "reciprocal", "rsqrt", "convert",
    "reorder", "probe", "batchNorm", "groupNorm", "layerNorm", "rmsNorm", "localResponseNorm",
    "channelShuffle", "channelScale", "expand",
  ]

  private typealias Input = (shape: Shape, sight: ValueSight)

  private func through(_ step: Graph.Step, _ inputs: [Input], _ y: Shape) -> ValueSight? {
    let (x, sight) = inputs[0]
    switch step.operation {
    case "convolution2d", "maxPool2d", "averagePool2d": return window(step, sight, x, y)
    case "reshape": return sight
    case "permute":
      guard let axes = step.attributes["axes"]?.ints else { return nil }
      return moved(sight, x, y) { axis in axes.firstIndex(of: axis) }
    case "slice": return part(step, sight, x, y)
    case "pad": return padded(step, sight, x, y)
    case "sum", "max", "min": return reduced(step, sight, x, y)
    case "resample": return resampled(step, sight, x)
    case "concatenate": return joined(step, inputs, y)
    case "matrixProduct": return product(inputs, y)
    case "softmax", "logSoftmax":
      return crosses(sight, x, axis: step.attributes["axis"]?.int ?? x.rank - 1)
        ? everything : sight
    case "attention": return everything
    case "fourierTransform":
      return crosses(sight, x, axis: x.rank - 2) ? everything : sight
    case let name where SightWalk.local.contains(name): return met(inputs, y)
    default: return nil
    }
  }

  // MARK: - Where places lie

  /// The axis that a run lies in, alone or with others around it.
  private func axis(_ run: ValueSight.Run, _ shape: Shape) -> Int? {
    var after = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      let end = after * shape[axis]
      if run.inner >= after && run.inner * run.size <= end { return axis }
      after = end
    }
    return nil
  }

  private func after(_ axis: Int, _ shape: Shape) -> Int {
    shape.dropFirst(axis + 1).reduce(1, *)
  }

  /// Whether an axis runs over places.
  private func crosses(_ sight: ValueSight, _ shape: Shape, axis: Int) -> Bool {
    let (low, high) = (after(axis, shape), after(axis, shape) * shape[axis])
    return sight.places.runs.contains { $0.size > 1 && $0.inner < high && $0.inner * $0.size > low }
  }

  /// The same view of places whose axes lie elsewhere now.
  private func moved(
    _ sight: ValueSight, _ x: Shape, _ y: Shape, _ target: (Int) -> Int?
  ) -> ValueSight? {
    func moved(_ run: ValueSight.Run) -> ValueSight.Run? {
      if run.size == 1 { return run }
      guard let axis = axis(run, x), let target = target(axis) else { return nil }
      return ValueSight.Run(
        inner: run.inner / after(axis, x) * after(target, y), size: run.size)
    }
    var result = sight
    switch sight.places {
    case .map(let rows, let columns):
      guard let rows = moved(rows), let columns = moved(columns) else { return nil }
      result.places = .map(rows: rows, columns: columns)
    case .line(let run):
      guard let run = moved(run) else { return nil }
      result.places = .line(run)
    case .none: break
    }
    return result
  }

  // MARK: - Operations

  private func window(_ step: Graph.Step, _ sight: ValueSight, _ x: Shape, _ y: Shape)
    -> ValueSight?
  {
    guard let stride = step.attributes["stride"]?.ints,
      let before = step.attributes["before"]?.ints,
      let dilation = step.attributes["dilation"]?.ints, y.rank == 4
    else { return nil }
    let kernel = step.attributes["kernel"]?.ints ?? Array(shapes[step.inputs[1]].suffix(2))
    if isEverything(sight) { return everything }
    // Of what sees the same everywhere a single element is left.
    guard sight.places == .map(of: x) || sight.places == .none else { return nil }
    if sight.places == .none {
      return kernel == [1, 1] || x.suffix(2).allSatisfy { $0 == 1 } ? sight : nil
    }
    func window(_ side: Int) -> ReceptiveField.Window {
      ReceptiveField.Window(
        kernel[side], stride: stride[side], dilation: dilation[side], padding: before[side])
    }
    return ValueSight(
      rows: sight.rows.through(window(0)), columns: sight.columns.through(window(1)),
      places: .map(of: y))
  }

  private func part(_ step: Graph.Step, _ sight: ValueSight, _ x: Shape, _ y: Shape)
    -> ValueSight?
  {
    guard let starts = step.attributes["starts"]?.ints, let steps = step.attributes["steps"]?.ints,
      let axes = step.attributes["axes"]?.ints
    else { return nil }
    func isWhole(_ axis: Int) -> Bool {
      guard let place = axes.firstIndex(of: axis) else { return false }
      return y[place] == x[axis]
    }
    let cut = x.indices.filter { !isWhole($0) && crosses(sight, x, axis: $0) }
    if cut.isEmpty { return moved(sight, x, y) { axis in axes.firstIndex(of: axis) } }
    if case .map(let rows, let columns) = sight.places, sight.places == .map(of: x), y.rank == 4,
      axes == Array(x.indices)
    {
      var result = sight
      let (down, right) = (axis(rows, x)!, axis(columns, x)!)
      result.rows = sight.rows.through(.init(1, stride: steps[down], padding: -starts[down]))
      result.columns = sight.columns.through(
        .init(1, stride: steps[right], padding: -starts[right]))
      result.places = .map(of: y)
      return result
    }
    // Single tokens, or some of them.
    guard case .line(let run) = sight.places, cut.count == 1 else { return nil }
    var result = sight
    guard let place = axes.firstIndex(of: cut[0]) else {
      result.places = .none
      return result
    }
    result.places = .line(
      .init(inner: after(place, y) * (run.inner / after(cut[0], x)), size: y[place]))
    return result
  }

  private func padded(_ step: Graph.Step, _ sight: ValueSight, _ x: Shape, _ y: Shape)
    -> ValueSight?
  {
    guard let before = step.attributes["before"]?.ints else { return nil }
    if sight.places == .map(of: x), x.rank == 4 {
      return ValueSight(
        rows: sight.rows.through(.init(1, padding: before[2])),
        columns: sight.columns.through(.init(1, padding: before[3])), places: .map(of: y))
    }
    return x.indices.contains { x[$0] != y[$0] && crosses(sight, x, axis: $0) }
      ? nil : moved(sight, x, y) { $0 }
  }

  private func reduced(_ step: Graph.Step, _ sight: ValueSight, _ x: Shape, _ y: Shape)
    -> ValueSight?
  {
    guard let axes = step.attributes["axes"]?.ints else { return nil }
    let crossed = axes.filter { crosses(sight, x, axis: $0) }
    if crossed.isEmpty {
      return moved(sight, x, y) { axis in
        y.rank == x.rank ? axis : axis - axes.count { $0 < axis }
      }
    }
    // All places of a map: one window.
    if case .map(let rows, let columns) = sight.places,
      [rows, columns].allSatisfy({ run in
        run.size == 1 || axis(run, x).map(axes.contains) ?? false
      })
    {
      return ValueSight(
        rows: sight.rows.through(.init(rows.size, stride: rows.size)),
        columns: sight.columns.through(.init(columns.size, stride: columns.size)), places: .none)
    }
    if case .line = sight.places { return everything }
    return isEverything(sight) ? everything : nil
  }

  /// One axis made smaller: windows as wide as the most elements that one result is made of.
  private func resampled(_ step: Graph.Step, _ sight: ValueSight, _ x: Shape) -> ValueSight? {
    guard let axis = step.attributes["axis"]?.int, let input = step.attributes["input"]?.int,
      let output = step.attributes["output"]?.int, let starts = step.attributes["starts"]?.ints,
      sight.places == .map(of: x), axis >= 2, output <= input, output > 0
    else { return nil }
    let taps = zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? 1
    let window = ReceptiveField.Window(taps, stride: input / output)
    var (result, y) = (sight, x.sizes)
    y[axis] = output
    if axis == 2 {
      result.rows = sight.rows.through(window)
    } else {
      result.columns = sight.columns.through(window)
    }
    result.places = .map(of: Shape(y))
    return result
  }

  private func joined(_ step: Graph.Step, _ inputs: [Input], _ y: Shape) -> ValueSight? {
    guard let axis = step.attributes["axis"]?.int else { return nil }
    // A map of a single place runs along whatever axis the others do.
    let isAlongPlaces = inputs.contains { crosses($0.sight, $0.shape, axis: axis) }
    let parts = inputs.map { input -> ValueSight? in
      guard isAlongPlaces else {
        return moved(input.sight, input.shape, y) { $0 }
      }
      // Tokens of several maps, or of maps and of none.
      var result = input.sight
      result.places = .line(.init(inner: after(axis, y), size: y[axis]))
      return result
    }
    return union(parts)
  }

  /// Along the last axis of the first matrix, and the axis before the last of the second, all
  /// meets.
  private func product(_ inputs: [Input], _ y: Shape) -> ValueSight? {
    guard inputs.count == 1 else { return everything }
    let (x, sight) = inputs[0]
    guard !crosses(sight, x, axis: x.rank - 1) else { return everything }
    return moved(sight, x, y) { $0 }
  }

  /// Element by element; what sees the same everywhere scales what doesn't.
  private func met(_ inputs: [Input], _ y: Shape) -> ValueSight? {
    let whole = inputs.filter { input in
      let isSame = input.sight.places == .none || input.sight.places == .point
      return !(isSame && input.shape.elements < y.elements)
    }
    let maps = whole.isEmpty ? inputs : whole
    let parts = maps.map { input -> ValueSight? in
      let added = y.rank - input.shape.rank
      return moved(input.sight, input.shape, y) { $0 + added }
    }
    return union(parts)
  }

  private func union(_ sights: [ValueSight?]) -> ValueSight? {
    guard let first = sights.first, var result = first else { return nil }
    for sight in sights.dropFirst() {
      guard let sight else { return nil }
      if isEverything(result) || isEverything(sight) {
        result = everything
        continue
      }
      guard result.places == sight.places else { return nil }
      result.rows = result.rows.union(sight.rows)
      result.columns = result.columns.union(sight.columns)
    }
    return result
  }
}

extension ValueSight.Places {
  /// Of `[N, C, H, W]`.
  static func map(of shape: Shape) -> ValueSight.Places {
    guard shape.rank == 4 else { return .none }
    return .map(
      rows: .init(inner: shape[3], size: shape[2]), columns: .init(inner: 1, size: shape[3]))
  }

  /// A map of one place.
  static let point = ValueSight.Places.map(
    rows: .init(inner: 1, size: 1), columns: .init(inner: 1, size: 1))

  var runs: [ValueSight.Run] {
    switch self {
    case .map(let rows, let columns): [rows, columns]
    case .line(let run): [run]
    case .none: []
    }
  }
}
