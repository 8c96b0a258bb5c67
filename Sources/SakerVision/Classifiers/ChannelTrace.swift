import SakerNN
import SakerTensor

/// Follows channels through a network whose maps are joined: which layer makes them, and where
/// among its inputs another reads them.
struct ChannelTrace {
  private(set) var groups: [ChannelGroup] = []

  /// Groups in the order in which their channels lie in a map, by their places in `groups`.
  typealias Map = [Int]

  /// The channels that a layer makes.
  ///
  /// - Parameter norm: the batch norm behind it.
  mutating func produce(_ layer: String, channels: Int, norm: String? = nil) -> Map {
    groups.append(
      ChannelGroup(layer, channels: channels, norms: norm.map { [$0] } ?? [], readers: []))
    return [groups.count - 1]
  }

  /// A layer takes a map in.
  ///
  /// - Parameter each: its inputs for each channel.
  mutating func read(_ layer: String, _ map: Map, each: Int = 1) {
    var offset = 0
    for group in map {
      groups[group].readers.append(.init(layer, offset: offset, each: each))
      offset += groups[group].channels * each
    }
  }

  /// A batch norm over a joined map.
  mutating func normalize(_ layer: String, _ map: Map) {
    var offset = 0
    for group in map {
      groups[group].joinedNorms.append(.init(layer, offset: offset))
      offset += groups[group].channels
    }
  }

  /// The channels of the last map go around the blocks: many layers read them.
  mutating func markStream(_ map: Map) {
    for group in map { groups[group].isStream = true }
  }

  /// A convolution with its batch norm reads a map and makes another.
  mutating func basic(_ name: String, _ layer: BasicConv2d, _ map: Map) -> Map {
    read(name + ".conv", map)
    return produce(name + ".conv", channels: layer.outputs, norm: name + ".bn")
  }

  /// The maps behind all layers of a sequence of convolutions, Inception blocks and poolings, which
  /// changes no channels.
  mutating func inceptions(_ body: Sequential) -> [Map] {
    var map: Map = []
    return zip(body.members, body.layers).map { member, layer in
      if let conv = layer as? BasicConv2d { map = basic(member.name, conv, map) }
      if let block = layer as? InceptionBranches { map = block.follow(map, member.name, &self) }
      return map
    }
  }
}
