import SakerNN
import SakerTensor

/// Branches of named convolutions whose maps are joined. A branch may fork at its end, and may
/// begin with a pooling.
final class InceptionBranches: Layer {
  struct Branch {
    var pool: (any Layer)?
    /// One after the other, with their names.
    var steps: [(name: String, conv: BasicConv2d)]
    /// Side by side behind the steps, or none.
    var fork: [(name: String, conv: BasicConv2d)] = []
  }

  private let branches: [Branch]
  private let runs: [Sequential]

  init(_ branches: [Branch]) {
    self.branches = branches
    runs = branches.map { branch in
      Sequential(
        named: (branch.pool.map { [("pool", $0)] } ?? []) + branch.steps.map { ($0.name, $0.conv) })
    }
  }

  var members: [(name: String, value: Any)] {
    branches.flatMap { branch in
      (branch.pool.map { [("pool", $0 as Any)] } ?? [])
        + (branch.steps + branch.fork).map { ($0.name, $0.conv as Any) }
    }
  }

  /// Channels of the joined map, of an input of so many.
  func channels(from inputs: Int) -> Int {
    branches.reduce(0) { sum, branch in
      let ends = branch.fork.isEmpty ? branch.steps.suffix(1) : branch.fork[...]
      return sum + (ends.isEmpty ? inputs : ends.reduce(0) { $0 + $1.conv.outputs })
    }
  }

  /// What the branches make of the channels of a map, in the order in which they are joined.
  func follow(_ input: ChannelTrace.Map, _ name: String, _ trace: inout ChannelTrace)
    -> ChannelTrace.Map
  {
    var joined: ChannelTrace.Map = []
    for branch in branches {
      var map = input
      for step in branch.steps { map = trace.basic("\(name).\(step.name)", step.conv, map) }
      if branch.fork.isEmpty { joined += map }
      for end in branch.fork { joined += trace.basic("\(name).\(end.name)", end.conv, map) }
    }
    return joined
  }

  func forward(_ x: Tensor) -> Tensor {
    let maps = zip(branches, runs).flatMap { branch, run in
      let y = run(x)
      return branch.fork.isEmpty ? [y] : branch.fork.map { $0.conv(y) }
    }
    return concatenate(maps, axis: 1)
  }
}

extension InceptionBranches {
  /// With stride 2 nothing is padded.
  static func conv(
    _ inputs: Int, _ outputs: Int, _ kernel: (Int, Int), stride: Int = 1
  ) -> BasicConv2d {
    let padding = stride == 1 ? (kernel.0 / 2, kernel.1 / 2) : (0, 0)
    return BasicConv2d(inputs, outputs, kernel: kernel, stride: stride, padding: padding)
  }
}

extension InceptionBranches.Branch {
  /// Convolutions one after the other: how many channels each makes, its kernel and its
  /// stride; named `name.0`, `name.1`, ... as in a sequence, of which a pooling is the
  /// first, or `name` alone.
  init(
    _ name: String, _ inputs: Int, pool: (any Layer)? = nil,
    _ convolutions: [(outputs: Int, kernel: (Int, Int), stride: Int)]
  ) {
    let isAlone = pool == nil && convolutions.count == 1
    var (channels, first) = (inputs, pool == nil ? 0 : 1)
    self.pool = pool
    steps = convolutions.map { conv in
      defer { (channels, first) = (conv.outputs, first + 1) }
      return (
        isAlone ? name : "\(name).\(first)",
        InceptionBranches.conv(channels, conv.outputs, conv.kernel, stride: conv.stride)
      )
    }
  }

  /// A convolution's name, the channels that it was published with, its kernel and stride.
  typealias Step = (name: String, published: Int, kernel: (Int, Int), stride: Int)

  /// Convolutions one after the other, then others side by side.
  ///
  /// - Parameter widths: how many channels a layer has, of its name and how many it
  ///   was published with.
  init(
    _ inputs: Int, pool: (any Layer)? = nil, _ steps: [Step], fork: [Step] = [],
    _ widths: (_ layer: String, _ published: Int) -> Int
  ) {
    var channels = inputs
    func conv(_ step: Step) -> (name: String, conv: BasicConv2d) {
      let outputs = widths(step.name, step.published)
      return (
        step.name,
        InceptionBranches.conv(channels, outputs, step.kernel, stride: step.stride)
      )
    }
    self.pool = pool
    self.steps = steps.map { step in
      let made = conv(step)
      channels = made.conv.outputs
      return made
    }
    self.fork = fork.map(conv)
  }

  /// Maxima at half the size.
  static var halving: Self { Self(pool: MaxPool2d(kernel: 3, stride: 2), steps: []) }
}
