import CKernels
import SakerTensor

extension Module {
  /// Takes values for all parameters and buffers by name, whole or not at all.
  ///
  /// Floating types convert to the module's own. A missing `num_batches_tracked`, which old files do not have, is no
  /// problem. A shared parameter may appear under all of its names.
  ///
  /// - Parameters:
  ///   - file: what messages call the state.
  ///   - strict: whether names that are missing or unexpected are problems; shapes always have to fit.
  /// - Returns: the names that were missing, and those that were not expected.
  /// - Throws: `CheckpointError` with every name that is missing, unexpected, of another shape or type, or has elements
  ///   that are infinite or not a number.
  @discardableResult
  public func load(
    state: [NamedTensor], file: String = "state", strict: Bool = true
  ) throws -> (missing: [String], unexpected: [String]) {
    let walk = Walk(self)
    var given: [String: Tensor] = [:]
    var unexpected: [String] = []
    let own = Set(walk.entries.map(\.name))
    for named in state {
      if let name = own.contains(named.name) ? named.name : walk.aliases[named.name] {
        given[name] = named.tensor
      } else {
        unexpected.append(named.name)
      }
    }
    var missing: [String] = []
    var misfits: [String] = []
    var fitting: [(item: Walk.Item, tensor: Tensor)] = []
    for (name, item) in walk.entries {
      guard let tensor = given[name] else {
        if !name.hasSuffix("num_batches_tracked") { missing.append(name) }
        continue
      }
      if let problem = item.misfit(tensor) {
        misfits.append("\(name): \(problem)")
      } else {
        fitting.append((item, tensor))
      }
    }
    let strangers =
      strict
      ? missing.map { "\($0): missing" } + unexpected.map { "\($0): unexpected" } : []
    guard misfits.isEmpty, strangers.isEmpty else {
      throw CheckpointError(file: file, "does not fit the model", misfits + strangers)
    }
    for (item, tensor) in fitting { item.take(tensor) }
    return (missing, unexpected)
  }
}

extension Walk.Item {
  /// Why `tensor` cannot be this item's value, or `nil`.
  fileprivate func misfit(_ tensor: Tensor) -> String? {
    let own = value
    if tensor.shape != own.shape { return "expected \(own.shape), got \(tensor.shape)" }
    if tensor.dtype.isFloating != own.dtype.isFloating {
      return "expected \(own.dtype), got \(tensor.dtype)"
    }
    let bad = tensor.nonFiniteCount
    return bad == 0 ? nil : "\(bad) of \(tensor.count) elements are infinite or not a number"
  }

  fileprivate func take(_ tensor: Tensor) {
    switch self {
    case .parameter(let parameter): parameter.value = tensor.converted(to: parameter.dtype)
    case .buffer(let buffer): buffer.value = tensor.converted(to: buffer.value.dtype)
    }
  }
}

extension Tensor {
  /// How many elements are infinite or not a number.
  public var nonFiniteCount: Int {
    guard dtype.isFloating else { return 0 }
    return detached().converted(to: .float32).withElements(of: Float.self) {
      saker_count_nonfinite_f32($0.baseAddress, $0.count)
    }
  }
}
