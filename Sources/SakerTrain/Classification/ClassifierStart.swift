import SakerNN
import SakerTensor
import SakerVision

/// What became of the weights that a classifier starts from.
public struct ClassifierStart: Hashable, Sendable {
  /// Names of the head's tensors that start anew, in whole or in part; empty where all were taken.
  public var replaced: [String] = []
  /// Classes whose rows of the head were taken because the names are the same.
  public var reusedClasses: [String] = []
  /// Auxiliary heads of which the weights have nothing: they start anew.
  public var newAuxiliaryHeads: [String] = []
  /// How many of the network's tensors took values of the weights, wholly or by rows, and how many
  /// it has (without counters of batches that the weights lack).
  public var loaded = 0, total = 0
  /// Names of the weights that the network has no use for: those of auxiliary heads that it lacks.
  public var notUsed: [String] = []
}

extension Classifier {
  /// Takes weights that were trained for other classes, or the same: the body whole, and of the
  /// head the rows of the classes that both know by name. The other rows stay as they are. Without
  /// names, a head of the same size is taken as it is, another one not at all; without a head, this
  /// one stays as it is.
  ///
  /// - Parameters:
  ///   - state: under the network's names; tensors of auxiliary heads that it lacks are left out,
  ///     and heads that the state lacks stay as they are.
  ///   - names: of the classes that the weights tell apart, in order; `nil` if nobody knows.
  ///   - classNames: of this network.
  ///   - file: what messages call the state.
  /// - Throws: `CheckpointError` with every tensor that is missing, unexpected, of another shape or
  ///   no numbers; then nothing has changed.
  @discardableResult
  public func start(
    from state: [NamedTensor], names: [String]?, classNames: [String], file: String
  ) throws -> ClassifierStart {
    var start = ClassifierStart()
    let own = Dictionary(self.state.map { ($0.name, $0.tensor) }) { first, _ in first }
    let auxiliary = (self as? any AuxiliaryClassifier)?.namesOfAllAuxiliaryHeads ?? []
    var rows: [(from: Int, to: Int)] = []
    if let names {
      for (to, name) in classNames.enumerated() {
        if let from = names.firstIndex(of: name) { rows.append((from, to)) }
      }
    }
    var fitted: [NamedTensor] = []
    // Tensors that start from what they are.
    var anew = 0
    for named in state {
      if own[named.name] == nil, auxiliary.contains(where: { named.name.hasPrefix($0 + ".") }) {
        start.notUsed.append(named.name)
        continue
      }
      guard isHead(named.name), let fresh = own[named.name],
        named.tensor.shape != fresh.shape || (names != nil && names != classNames)
      else {
        fitted.append(named)
        continue
      }
      start.replaced.append(named.name)
      // Another body, too: its rows would mean something else, and loading tells.
      let isRowwise =
        named.tensor.rank > 0 && fresh.rank == named.tensor.rank
        && named.tensor.shape.sizes.dropFirst() == fresh.shape.sizes.dropFirst()
        && named.tensor.shape[0] == names?.count
      fitted.append(
        NamedTensor(named.name, isRowwise ? fresh.taking(rows, of: named.tensor) : fresh))
      if isRowwise { start.reusedClasses = rows.map { classNames[$0.to] } } else { anew += 1 }
    }
    // A body without its head, as features are published: the head starts anew. Without anything
    // else it is another network's.
    let given = Set(fitted.map(\.name))
    let heads = self.state.filter { isHead($0.name) }
    if !fitted.isEmpty, !heads.isEmpty, heads.allSatisfy({ !given.contains($0.name) }) {
      start.replaced += heads.map(\.name)
      fitted += heads
      anew += heads.count
    }
    for head in namesOfAuxiliaryHeads
    where !state.contains(where: { $0.name.hasPrefix(head + ".") }) {
      start.newAuxiliaryHeads.append(head)
      let fresh = self.state.filter { $0.name.hasPrefix(head + ".") }
      fitted += fresh
      anew += fresh.count
    }
    let report = try load(state: fitted, file: file, .whole)
    (start.loaded, start.total) = (report.loaded.count - anew, report.total)
    return start
  }
}

extension Tensor {
  /// With rows of another tensor.
  fileprivate func taking(_ rows: [(from: Int, to: Int)], of other: Tensor) -> Tensor {
    let size = count / Swift.max(shape[0], 1)
    var values = converted(to: .float32).floats
    let given = other.converted(to: .float32).floats
    for (from, to) in rows {
      for i in 0..<size { values[to * size + i] = given[from * size + i] }
    }
    return Tensor(values, shape)
  }
}
