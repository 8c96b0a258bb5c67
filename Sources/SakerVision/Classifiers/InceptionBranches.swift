import SakerNN
import SakerTensor

/// Branches of named convolutions whose maps are joined. A branch may fork at its end, and may begin with a pooling.
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
  /// Convolutions one after the other: how many channels each makes, its kernel and its stride; named `name.0`, `name.1`, ... as
  /// in a sequence, of which a pooling is the first, or `name` alone.
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

  /// Maxima at half the size.
  static var halving: Self { Self(pool: MaxPool2d(kernel: 3, stride: 2), steps: []) }
}
