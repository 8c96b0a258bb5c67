import SakerNN
import SakerTensor

/// What is known of a network without building it: measured once by `init(measuring:)`, kept in a
/// table (`ClassifierFacts+Table.swift`, which `saker models --table FILE` writes), and compared
/// with the network itself by the tests that run each.
public struct ClassifierFacts: Hashable, Codable, Sendable {
  /// For as many classes as the published network has.
  public var parameters: Int
  /// Products that are added up for one picture, of convolutions, linear layers and attentions.
  public var multiplyAdds: Int
  /// Pixels a side that a place of the last map can see, not counting the picture's edges; `nil`
  /// for all of the picture.
  public var receptiveField: Int?
  /// Those of `Classifier.levels`, the finest first.
  public var stages: [Stage]

  /// What ends in one of a network's levels.
  public struct Stage: Hashable, Codable, Sendable {
    public var stride: Int
    public var channels: Int
    /// Height and width of its map for pictures of the network's own size.
    public var side: Int
    /// The layers that compute it, those of one kind counted: `3x3 conv x 3, 1x1 conv x 7`.
    public var layers: String
  }

  /// Builds and runs the network twice on a picture of zeros.
  public init(measuring entry: ClassifierEntry) {
    let input = entry.input
    let model = withoutStarts { entry.build(entry.classes) }
    let picture = Tensor.zeros([1, input.channels, input.side, input.side])
    let summary = ModelSummary(model, name: entry.name, input: picture) { _ = model($0) }
    let sides = model.evaluating {
      withoutGradients { model.features(picture).map { $0.shape[2] } }
    }
    self.init(of: model, summary, side: input.side, sides: sides)
  }

  /// - Parameters:
  ///   - summary: of the network's run.
  ///   - side: of the picture it ran on.
  ///   - sides: of the maps that `features` gives for it.
  init(of model: any Classifier, _ summary: ModelSummary, side: Int, sides: [Int]) {
    parameters = summary.parameters
    multiplyAdds = summary.multiplyAdds
    let modules = Dictionary(
      model.namedModules.map { ($0.name, $0.module) }, uniquingKeysWith: { first, _ in first })
    let attentions = modules.filter { $0.value is MultiheadAttention }.map { $0.key + "." }
    let rows = summary.rows
    let places = ClassifierFacts.stages(
      of: rows, sides: sides, channels: model.levels.map(\.channels))
    var counts = sides.map { _ in [(kind: String, count: Int)]() }
    var last = 0
    var field: [Int]?
    for (row, place) in zip(rows, places) {
      let isTokens = row.outputShape.count == 3
      if let place {
        last = place
        field = row.receptiveField
      }
      guard let layer = modules[row.name] as? any Layer else { continue }
      // An attention's own projections are part of it.
      guard !attentions.contains(where: row.name.hasPrefix) else { continue }
      // Beside the maps only gates are told, by the first of their two layers.
      let isGate = row.name.hasSuffix("fc1") || row.name.hasSuffix("conv_reduce")
      let kind = place != nil || isTokens ? layer.kindInFacts : isGate ? "gate" : nil
      guard let kind else { continue }
      if let index = counts[last].firstIndex(where: { $0.kind == kind }) {
        counts[last][index].count += 1
      } else {
        counts[last].append((kind, 1))
      }
    }
    // Tokens see all of the picture from the first attention on.
    let seen = field?.max()
    receptiveField =
      sides.count == 1 || seen ?? 0 >= side && field == [side, side] ? nil : seen
    stages = zip(zip(model.levels, sides), counts).map { level, layers in
      Stage(
        stride: level.0.stride, channels: level.0.channels, side: level.1,
        layers: layers.map { $0.count > 1 ? "\($0.kind) x \($0.count)" : $0.kind }
          .joined(separator: ", "))
    }
  }
}

extension ClassifierFacts {
  /// The stage of each row of a summary; `nil` for what computes no maps: gates, the head, tokens.
  ///
  /// A map's size alone does not tell, as a stage may begin at the size of the one before and halve
  /// it later. It has begun when the map that the level before gives has been made, or with the
  /// first layer of a module whose last makes the smaller maps.
  private static func stages(
    of rows: [ModelSummary.Row], sides: [Int], channels: [Int]
  ) -> [Int?] {
    let maps = rows.map { row -> Int? in
      let shape = row.outputShape
      return shape.count == 4 && (shape[2] > 1 || sides.last == 1) ? shape[2] : nil
    }
    /// The sizes of what the modules make that contain a layer.
    var modules: [String: [Int]] = [:]
    func names(_ row: ModelSummary.Row) -> [String] {
      let parts = row.name.split(separator: ".")
      return parts.indices.map { parts[...$0].joined(separator: ".") }
    }
    for (row, side) in zip(rows, maps) {
      guard let side else { continue }
      for name in names(row) where modules[name]?.last != side {
        modules[name, default: []].append(side)
      }
    }
    /// Whether a layer's module goes from one of the sizes to the next; branches go back and
    /// forth between them.
    func begins(_ index: Int, _ place: Int) -> Bool {
      names(rows[index]).contains { name in
        guard let made = modules[name] else { return false }
        return made.last == sides[place + 1] && made.count > 1
          && Set(made) == [sides[place], sides[place + 1]]
      }
    }
    /// The last row of each stage at its size, where no module tells: what gives the level's map.
    let ends = sides.indices.map { place -> Int in
      func gives(_ row: ModelSummary.Row) -> Bool {
        row.outputShape.count == 4 && row.outputShape[1...2] == [channels[place], sides[place]]
      }
      // Where a pooling makes the next smaller maps, too, a stage ends in one; else it begins with
      // it.
      let next = rows.indices.first { place + 1 < sides.count && maps[$0] == sides[place + 1] }
      let pooled = rows.lastIndex { gives($0) && $0.kind == "MaxPool2d" }
      let isPooled = next.map { rows[$0].kind == "MaxPool2d" } ?? false
      return (isPooled ? pooled : nil) ?? rows.lastIndex(where: gives) ?? rows.count
    }
    let places = maps.map { side in
      side.map { side in sides.firstIndex { $0 <= side } ?? sides.count - 1 }
    }
    func isAtSize(_ index: Int) -> Bool {
      guard let place = places[index] else { return false }
      return maps[index] == sides[place] && place + 1 < sides.count
    }
    let told = Set(
      rows.indices.compactMap { index in
        isAtSize(index) ? places[index].flatMap { begins(index, $0) ? $0 : nil } : nil
      })
    return rows.indices.map { index in
      guard let place = places[index], isAtSize(index) else { return places[index] }
      return (told.contains(place) ? begins(index, place) : index > ends[place]) ? place + 1 : place
    }
  }
}

extension Layer {
  /// What a page calls this layer; `nil` for those that it leaves out.
  fileprivate var kindInFacts: String? {
    switch self {
    case let layer as Conv2d:
      let (rows, columns) = (layer.weight.shape[2], layer.weight.shape[3])
      let isDepthwise = layer.weight.shape[1] == 1 && layer.groups > 1
      let groups = layer.groups > 1 && !isDepthwise ? " in \(layer.groups) groups" : ""
      return "\(rows)x\(columns) \(isDepthwise ? "depthwise" : "conv")\(groups)"
    case is MaxPool2d: return "max pool"
    case is AvgPool2d: return "mean pool"
    case is MultiheadAttention: return "attention"
    case is FourierMixing: return "Fourier mixing"
    case is Linear: return "linear"
    default: return nil
    }
  }
}

// MARK: - As a line of the table

extension ClassifierFacts {
  /// `parameters|multiply-adds|field|stride channels side layers|...`
  public var line: String {
    let numbers = ["\(parameters)", "\(multiplyAdds)", receptiveField.map(String.init) ?? "all"]
    let stages = stages.map { "\($0.stride) \($0.channels) \($0.side) \($0.layers)" }
    return (numbers + stages).joined(separator: "|")
  }

  init?(line: Substring) {
    let parts = line.split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count >= 3, let parameters = Int(parts[0]), let multiplyAdds = Int(parts[1]) else {
      return nil
    }
    (self.parameters, self.multiplyAdds) = (parameters, multiplyAdds)
    receptiveField = Int(parts[2])
    stages = parts[3...].compactMap { text in
      let words = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      guard words.count == 4, let stride = Int(words[0]), let channels = Int(words[1]),
        let side = Int(words[2])
      else { return nil }
      return Stage(stride: stride, channels: channels, side: side, layers: String(words[3]))
    }
  }

  static let byName: [String: ClassifierFacts] = Dictionary(
    uniqueKeysWithValues: table.split(separator: "\n").compactMap { line in
      guard let bar = line.firstIndex(of: "|"),
        let facts = ClassifierFacts(line: line[line.index(after: bar)...])
      else { return nil }
      return (String(line[..<bar]), facts)
    })
}

extension ClassifierEntry {
  /// From the table, without building the network; measured where the table lacks it.
  public var facts: ClassifierFacts {
    ClassifierFacts.byName[name] ?? ClassifierFacts(measuring: self)
  }
}
