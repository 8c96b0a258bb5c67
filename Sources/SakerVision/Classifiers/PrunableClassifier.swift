import SakerNN
import SakerTensor

/// A classifier of which channels can be taken away, so that smaller layers remain.
public protocol PrunableClassifier: Classifier {
  /// All channels that can go, as many as there are now.
  var channelGroups: [ChannelGroup] { get }
}

/// How many channels groups have that have fewer than published, by the groups' names.
public struct ChannelWidths: Sendable {
  private let widths: [String: Int]

  public init(_ widths: [String: Int] = [:]) { self.widths = widths }

  /// Of a group that was published with `full` channels.
  public func callAsFunction(_ name: String, _ full: Int) -> Int { widths[name] ?? full }
}

extension ClassifierCard {
  /// Channels taken away from a network of this card.
  ///
  /// - Parameters:
  ///   - model: of this card; it stays as it is.
  ///   - kept: channels that stay, by the group's name; groups that are not named stay whole.
  /// - Returns: what describes the smaller network, and the network with the weights that remain.
  /// - Throws: `ModelCardError` for a network of which no channels can be taken.
  public func narrowed(
    _ model: any Classifier, keeping kept: [String: [Int]]
  ) throws -> (card: ClassifierCard, model: any Classifier) {
    guard let prunable = model as? any PrunableClassifier else { throw notPrunable }
    var card = self
    var widths = widths ?? [:]
    for (name, channels) in kept { widths[name] = channels.count }
    card.widths = widths
    let small = try withoutStarts { try card.build() }
    try small.load(state: ChannelGroup.narrow(model.state, prunable.channelGroups, keeping: kept))
    return (card, small)
  }

  var notPrunable: ModelCardError {
    let families = Set(
      ClassifierCatalog.all.filter { $0.abilities.contains(.channels) }.map(\.family)
    ).sorted()
    return ModelCardError(
      description:
        "\(architecture): channels can be taken only of \(families.joined(separator: ", "))"
    )
  }

  /// The network with the widths of the card.
  func buildNarrow(
    _ entry: ClassifierEntry, _ plan: ClassifierPlan, _ widths: [String: Int]
  ) throws(ModelCardError) -> any Classifier {
    guard entry.abilities.contains(.channels),
      let full = withoutStarts({ entry.build(plan) }) as? any PrunableClassifier
    else { throw notPrunable }
    let groups = Dictionary(uniqueKeysWithValues: full.channelGroups.map { ($0.name, $0) })
    for (name, width) in widths.sorted(by: { $0.key < $1.key }) {
      guard let group = groups[name] else {
        throw ModelCardError(description: "widths: \(architecture) has no channels '\(name)'")
      }
      guard (1...group.channels).contains(width) else {
        throw ModelCardError(
          description: "widths: expected 1...\(group.channels) channels of \(name), got \(width)")
      }
      guard width % group.block == 0 else {
        throw ModelCardError(
          description:
            "widths: expected a multiple of \(group.block) channels of \(name), got \(width)")
      }
    }
    var plan = plan
    plan.widths = ChannelWidths(widths)
    return entry.build(plan)
  }
}

extension Module {
  /// The number of outputs of the convolution or linear layer of that name.
  func outputs(of name: String) -> Int {
    namedParameters.first { $0.name == name + ".weight" && $0.parameter.shape.rank >= 2 }?
      .parameter.shape[0] ?? 0
  }

  /// The number of inputs of a group of the convolution of that name.
  func inputs(of name: String) -> Int {
    namedParameters.first { $0.name == name + ".weight" && $0.parameter.shape.rank >= 2 }?
      .parameter.shape[1] ?? 0
  }
}
