import SakerTensor

/// Channels that can only go together: what puts them out, what passes them on one by one, and what
/// reads them. In a chain, one layer and the next; through a residual sum, all that add to it. Fang
/// et al., "DepGraph", arXiv:2301.12900.
///
/// Layers are named by their paths, as in a state: `layer1.0.conv1`.
public struct ChannelGroup: Hashable, Sendable {
  /// Of the first layer that puts the channels out: the key by which a narrowed
  /// network is described.
  public var name: String
  public var channels: Int
  /// Convolutions and linear layers whose outputs these are. More than one where their
  /// results are added.
  public var producers: [String]
  /// Batch norms over the channels.
  public var norms: [String] = []
  /// Batch norms over joined maps, of which the channels are a part.
  public var joinedNorms: [Reader] = []
  /// How many channels, one after the other, can only go together: those of a group of a
  /// grouped convolution.
  public var block = 1
  /// Layers with an output for each channel that aren't asked which matter: depthwise convolutions,
  /// the last layer of a gate.
  public var followers: [String] = []
  public var readers: [Reader]
  /// Whether results are added in these channels: a residual stream.
  public var isStream = false

  /// A layer that takes the channels in.
  public struct Reader: Hashable, Sendable {
    public var layer: String
    /// Its inputs before the first of the channels: where several results are joined.
    public var offset: Int
    /// Its inputs for each channel: the pixels of a map that is flattened.
    public var each: Int

    public init(_ layer: String, offset: Int = 0, each: Int = 1) {
      self.layer = layer
      self.offset = offset
      self.each = each
    }
  }

  public init(
    _ name: String, channels: Int, norms: [String] = [], followers: [String] = [],
    readers: [Reader]
  ) {
    self.name = name
    self.channels = channels
    producers = [name]
    self.norms = norms
    self.followers = followers
    self.readers = readers
  }
}

/// What says which channels matter.
public enum ChannelCriterion: Hashable, Sendable {
  /// Σ|w| of what makes a channel. Li et al., "Pruning Filters for Efficient
  /// ConvNets", arXiv:1608.08710.
  case l1
  /// √Σw².
  case l2
  /// |γ| of the batch norms behind it, compared over the whole network. Liu et al., "Network Slimming", arXiv:1708.06519. Only says
  /// something where training had `slimmingPenalty`.
  case slimming
  /// Drawn: what any other way has to beat.
  case random(seed: UInt64)
}

/// Where most channels of a network go.
public struct ChannelPruning: Hashable, Sendable {
  public var criterion: ChannelCriterion
  /// The share that goes, 0..<1: of each group, by `slimming` of all groups together.
  public var amount: Double
  /// What stays of a group is rounded up to a multiple, as kernels compute 8 or 16
  /// channels at a time.
  public var multiple = 1
  /// Whether channels of residual streams go, too, and not only those inside of blocks.
  public var includesStreams = false

  public init(_ criterion: ChannelCriterion, amount: Double) {
    self.criterion = criterion
    self.amount = amount
  }

  /// The channels that stay, in order, by the group's name. At least one of each.
  ///
  /// - Parameter state: of the network. Groups without what the criterion looks at are left out.
  public func kept(_ groups: [ChannelGroup], in state: [NamedTensor]) -> [String: [Int]] {
    check(
      (0..<1).contains(amount), op: "ChannelPruning", expected: "an amount in 0..<1", got: amount)
    check(multiple > 0, op: "ChannelPruning", expected: "a multiple of 1 or more", got: multiple)
    let tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
    var random: Random? = if case .random(let seed) = criterion { Random(seed: seed) } else { nil }
    let scored = groups.filter { includesStreams || !$0.isStream }.compactMap { group in
      scores(group, tensors, &random).map { (group: group, scores: group.joiningBlocks($0)) }
    }
    let all = scored.map(\.scores).flatMap(\.self)
    let together = Pruning.kept(all, removing: Pruning.number(amount, of: all.count))
    var start = 0
    var result: [String: [Int]] = [:]
    for (group, scores) in scored {
      var remaining: Int
      if criterion == .slimming {
        remaining = together[start..<start + scores.count].count(where: \.self)
        start += scores.count
      } else {
        remaining = scores.count - Pruning.number(amount, of: scores.count)
      }
      // The least number of blocks that makes a multiple of channels.
      let step = (1...multiple).first { $0 * group.block % multiple == 0 } ?? multiple
      remaining = max(1, (remaining + step - 1) / step * step)
      let kept = Pruning.kept(scores, removing: max(0, scores.count - remaining))
      result[group.name] = kept.indices.filter { kept[$0] }.flatMap {
        $0 * group.block..<($0 + 1) * group.block
      }
    }
    return result
  }

  /// How much each channel matters; `nil` if the criterion cannot say.
  private func scores(
    _ group: ChannelGroup, _ tensors: [String: Tensor], _ random: inout Random?
  ) -> [Float]? {
    /// The sum over rows of a function of the elements.
    func sums(_ names: [String], _ of: (Float) -> Float) -> [Float]? {
      var sums = [Float](repeating: 0, count: group.channels)
      for name in names {
        guard let tensor = tensors[name + ".weight"] else { return nil }
        check(
          tensor.rank > 0 && tensor.shape[0] == group.channels, op: "ChannelPruning",
          expected: "\(group.channels) channels of \(name)", got: tensor.shape)
        let values = tensor.converted(to: .float32).floats
        let size = values.count / group.channels
        for channel in sums.indices {
          for index in channel * size..<(channel + 1) * size { sums[channel] += of(values[index]) }
        }
      }
      return names.isEmpty ? nil : sums
    }
    return switch criterion {
    case .l1: sums(group.producers, abs)
    case .l2: sums(group.producers) { $0 * $0 }
    case .slimming:
      sums(group.norms, abs).map { $0.map { $0 / Float(group.norms.count) } }
    case .random: (0..<group.channels).map { _ in Float(random?.uniform() ?? 0) }
    }
  }
}

extension ChannelGroup {
  /// How much each block matters: the mean of its channels, so that blocks of all sizes compare.
  fileprivate func joiningBlocks(_ scores: [Float]) -> [Float] {
    guard block > 1 else { return scores }
    check(
      channels % block == 0, op: "ChannelGroup", expected: "blocks of \(block) channels",
      got: channels)
    return stride(from: 0, to: channels, by: block).map { start in
      scores[start..<start + block].reduce(0, +) / Float(block)
    }
  }
}

// MARK: - Taking channels away

extension Module {
  /// Makes channels 0 that are not kept: weights, biases, γ and β of all that puts them out. The
  /// network computes as if they were gone.
  ///
  /// - Parameter kept: channels that stay, by the group's name; groups that are not
  ///   named stay whole.
  public func maskChannels(_ groups: [ChannelGroup], keeping kept: [String: [Int]]) {
    let parameters = Dictionary(
      uniqueKeysWithValues: namedParameters.map { ($0.name, $0.parameter) })
    for group in groups {
      guard let channels = kept[group.name].map(Set.init) else { continue }
      for layer in group.producers + group.followers + group.norms {
        for name in [layer + ".weight", layer + ".bias"] {
          guard let parameter = parameters[name] else { continue }
          parameter.update { values in
            let size = values.count / group.channels
            for channel in 0..<group.channels where !channels.contains(channel) {
              for index in channel * size..<(channel + 1) * size { values[index] = 0 }
            }
          }
        }
      }
      for norm in group.joinedNorms {
        for name in [norm.layer + ".weight", norm.layer + ".bias"] {
          parameters[name]?.update { values in
            for channel in 0..<group.channels where !channels.contains(channel) {
              values[norm.offset + channel] = 0
            }
          }
        }
      }
    }
  }
}

extension ChannelGroup {
  /// A state without the channels that are not kept: smaller tensors, for a network that is
  /// built with so many.
  ///
  /// - Parameter kept: channels that stay, by the group's name; groups that are not
  ///   named stay whole.
  public static func narrow(
    _ state: [NamedTensor], _ groups: [ChannelGroup], keeping kept: [String: [Int]]
  ) -> [NamedTensor] {
    var cuts: [String: [Cut]] = [:]
    for group in groups {
      guard let channels = kept[group.name] else { continue }
      for layer in group.producers + group.followers + group.norms {
        cuts[layer, default: []].append(Cut(axis: 0, kept: channels, of: group.channels))
      }
      for norm in group.joinedNorms {
        cuts[norm.layer, default: []].append(
          Cut(axis: 0, kept: channels, of: group.channels, offset: norm.offset))
      }
      for reader in group.readers {
        cuts[reader.layer, default: []].append(
          Cut(
            axis: 1, kept: channels, of: group.channels, offset: reader.offset, each: reader.each))
      }
    }
    return state.map { named in
      guard let dot = named.name.lastIndex(of: "."), let cuts = cuts[String(named.name[..<dot])]
      else { return named }
      var tensor = named.tensor
      // Later ones first: what stands before them keeps its place.
      for cut in cuts.sorted(by: { ($0.axis, $1.offset) < ($1.axis, $0.offset) })
      where cut.axis < tensor.rank {
        tensor = cut(tensor)
      }
      return NamedTensor(named.name, tensor)
    }
  }

  /// Rows or columns that stay.
  private struct Cut {
    let axis: Int
    let kept: [Int]
    let of: Int
    var offset = 0
    var each = 1

    func callAsFunction(_ tensor: Tensor) -> Tensor {
      let size = tensor.shape[axis]
      let places =
        Array(0..<offset)
        + kept.flatMap { offset + $0 * each..<offset + ($0 + 1) * each }
        + Array(offset + of * each..<size)
      let outer = tensor.shape.sizes[..<axis].reduce(1, *)
      let inner = tensor.shape.sizes[(axis + 1)...].reduce(1, *)
      let values = tensor.converted(to: .float32).floats
      var result: [Float] = []
      result.reserveCapacity(outer * places.count * inner)
      for row in 0..<outer {
        for place in places {
          let start = (row * size + place) * inner
          result += values[start..<start + inner]
        }
      }
      var sizes = tensor.shape.sizes
      sizes[axis] = places.count
      return Tensor(result, Shape(sizes)).converted(to: tensor.dtype)
    }
  }
}

// MARK: - While training

extension Module {
  /// `strength · Σ|γ|` over all batch norms, to be added to the loss: channels that don't help fade
  /// away. Liu et al., arXiv:1708.06519, equation 1; there 1e−4 or 1e−5.
  public func slimmingPenalty(strength: Float) -> Tensor {
    let scales = namedModules.compactMap { ($0.module as? BatchNorm)?.weight }
    return l1Penalty(scales, strength: strength)
  }
}
