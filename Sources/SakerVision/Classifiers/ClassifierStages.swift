import SakerNN
import SakerTensor

/// A part of a network, one after the other from the picture to the head: what is frozen, or learns
/// at a rate of its own.
public struct ClassifierStage: Hashable, Sendable {
  /// Of its first layer with a kernel: `layer2`, `features.4`.
  public let name: String
  /// Names of the modules and parameters in it.
  public let keys: [String]

  /// Whether a parameter, buffer or module belongs to it, by its name.
  public func contains(_ name: String) -> Bool {
    keys.contains { name == $0 || name.hasPrefix($0 + ".") }
  }
}

extension Classifier {
  /// Whether a parameter, buffer or module belongs to the head, by its name.
  public func isHead(_ name: String) -> Bool {
    head.contains { name == $0 || name.hasPrefix($0 + ".") }
  }

  /// The network in order of depth, without its heads: the members that hold layers (`conv1`,
  /// `layer1`, ...). A member that holds nearly everything, such as `features` or `blocks`, is told
  /// apart by its own members. Normalizations and tokens go with the layer before them.
  public var stages: [ClassifierStage] {
    let entries = namedParameters.map {
      (path: $0.name.split(separator: ".").map(String.init), parameter: $0.parameter)
    }
    .filter { entry in
      let name = entry.path.joined(separator: ".")
      return !isHead(name) && !isAuxiliary(name)
    }
    let groups = divide(entries, depth: 0, total: entries.count)
    // What has no kernel goes with what is before it, or, at the beginning, with what comes after.
    var stages: [ClassifierStage] = []
    var waiting: [String] = []
    for group in groups {
      if group.hasKernel {
        stages.append(ClassifierStage(name: group.key, keys: waiting + [group.key]))
        waiting = []
      } else if let last = stages.popLast() {
        stages.append(ClassifierStage(name: last.name, keys: last.keys + [group.key]))
      } else {
        waiting.append(group.key)
      }
    }
    return stages
  }

  private typealias Entry = (path: [String], parameter: Parameter)

  private func divide(
    _ entries: [Entry], depth: Int, total: Int
  ) -> [(key: String, hasKernel: Bool)] {
    var order: [String] = []
    var members: [String: [Entry]] = [:]
    for entry in entries {
      let key = entry.path.prefix(depth + 1).joined(separator: ".")
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(entry)
    }
    return order.flatMap { key -> [(key: String, hasKernel: Bool)] in
      let inside = members[key] ?? []
      let holdsNearlyAll = Double(inside.count) > 0.8 * Double(total) || order.count <= 2
      let isContainer = inside.contains { $0.path.count > depth + 2 }
      if depth < 8 && holdsNearlyAll && isContainer {
        return divide(inside, depth: depth + 1, total: total)
      }
      return [(key, inside.contains { $0.parameter.shape.rank >= 2 && $0.path.last == "weight" })]
    }
  }
}
