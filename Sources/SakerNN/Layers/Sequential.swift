import SakerTensor
import Synchronization

/// Layers one after the other, named by their positions, `0`, `1`, …, or as they are given names.
///
/// What belongs together runs as one operation, which reads and writes memory fewer times:
/// convolutions with their batch norms, activations and pooling. A layer with a hook runs apart, so
/// that the hook sees what it expects.
public final class Sequential: Layer {
  public let layers: [any Layer]
  private let names: [String]
  private let run: LayerRun
  /// The runs between the positions that somebody asked for.
  private let parts = Mutex<[[Int]: [LayerRun]]>([:])

  public convenience init(_ layers: [any Layer]) {
    self.init(named: layers.enumerated().map { ("\($0.offset)", $0.element) })
  }
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  /// With names of their own, `conv1`, `bn1`, …, for weights that are published under these.
  public init(named layers: [(name: String, layer: any Layer)]) {
    self.layers = layers.map(\.layer)
    names = layers.map(\.name)
    run = LayerRun(self.layers)
  }

  public var members: [(name: String, value: Any)] {
    zip(names, layers).map { ($0, $1) }
  }

  public subscript(index: Int) -> any Layer { layers[index] }
  public var count: Int { layers.count }

  public func forward(_ x: Tensor) -> Tensor { run(x) }

  /// What the layers at `positions` put out, for positions in ascending order; later layers don't
  /// run. Runs no hooks of its own.
  public func outputs(of positions: [Int], _ x: Tensor) -> [Tensor] {
    let ascend = zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 }
    check(
      ascend && positions.allSatisfy(layers.indices.contains), op: "Sequential.outputs",
      expected: "ascending positions in 0..<\(count)", got: positions)
    let runs = parts.withLock { parts in
      if let runs = parts[positions] { return runs }
      let starts = [0] + positions.map { $0 + 1 }
      let runs = zip(starts, positions).map { LayerRun(Array(layers[$0...$1])) }
      parts[positions] = runs
      return runs
    }
    var x = x
    return runs.map { run in
      x = run(x)
      return x
    }
  }

  /// `activation(self(x) + residual)`, if possible as part of the last layers' operation. Runs no
  /// hooks of its own.
  func forward(
    _ x: Tensor, adding residual: consuming Tensor, _ activation: Activation
  ) -> Tensor {
    run(x, adding: consume residual, activation)
  }
}

extension Array where Element: Layer {
  /// One layer after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor { reduce(x) { $1($0) } }
}
