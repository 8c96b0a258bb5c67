import CKernels
import SakerTensor
import Synchronization

extension Module {
  /// Takes values for all parameters and buffers by name, whole or not at all.
  ///
  /// Floating types convert to the module's own. `num_batches_tracked`, which old files do not
  /// have, may be missing, of any type, and of the shape `[1]`. A shared parameter may appear under
  /// all of its names.
  ///
  /// - Parameters:
  ///   - file: what messages call the state.
  ///   - strict: whether names that are missing or unexpected are problems; shapes
  ///     always have to fit.
  /// - Returns: the names that were missing, and those that were not expected.
  /// - Throws: `CheckpointError` with every name that is missing, unexpected, of another shape or
  ///   type, or has elements that are infinite or not a number.
  @discardableResult
  public func load(
    state: [NamedTensor], file: String = "state", strict: Bool = true
  ) throws -> (missing: [String], unexpected: [String]) {
    var options = PartialLoading.whole
    (options.allowsMissing, options.allowsUnexpected) = (!strict, !strict)
    let report = try load(state: state, file: file, options)
    return (report.missing, report.unexpected)
  }

  /// The same with a say in what may be left out, and under which names: see `PartialLoading`.
  /// Nothing is taken if anything is wrong that the options do not allow.
  ///
  /// - Returns: what was taken and what was not.
  /// - Throws: `CheckpointError` with everything that is wrong, at once; also if nothing at all
  ///   would be taken, or two of the state's names become one.
  @discardableResult
  public func load(
    state: [NamedTensor], file: String = "state", _ options: PartialLoading
  ) throws -> LoadReport {
    let walk = Walk(self)
    var report = LoadReport()
    var given: [String: Tensor] = [:]
    var seen: Set<String> = []
    // In the order of the state, then of the model.
    var problems: [String] = []
    let own = Set(walk.entries.map(\.name))
    for named in state where !options.ignoring.contains(where: named.name.matches(glob:)) {
      let name = options.renaming.lazy.compactMap { $0(named.name) }.first ?? named.name
      if !seen.insert(name).inserted { problems.append("\(name): given twice") }
      guard let known = own.contains(name) ? name : walk.aliases[name] else {
        // A head that is kept may have other layers in the state.
        if !options.keeping.contains(where: name.matches(glob:)) { report.unexpected.append(name) }
        continue
      }
      given[known] = named.tensor
    }
    var fitting: [(item: Walk.Item, tensor: Tensor)] = []
    for (name, item) in walk.entries {
      if options.keeping.contains(where: name.matches(glob:)) {
        report.kept.append(name)
      } else if let tensor = given[name] {
        let tensor = name.isCounter ? tensor.asCounter : tensor
        if let problem = item.misfit(tensor) {
          report.misshapen.append("\(name): \(problem)")
          if !options.allowsMisshapen { problems.append("\(name): \(problem)") }
          continue
        }
        let bad = tensor.nonFiniteCount
        if bad > 0 {
          let problem =
            "\(name): \(bad) of \(tensor.count) elements are infinite or not a number"
          report.nonFinite.append(problem)
          if !options.allowsNonFinite { problems.append(problem) }
        }
        report.loaded.append(name)
        fitting.append((item, tensor))
      } else if !name.isCounter {
        report.missing.append(name)
      }
    }
    if !options.allowsMissing { problems += report.missing.map { "\($0): missing" } }
    if !options.allowsUnexpected { problems += report.unexpected.map { "\($0): unexpected" } }
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "does not fit the model", problems)
    }
    guard !report.loaded.isEmpty || report.missing.isEmpty && report.misshapen.isEmpty else {
      throw CheckpointError(
        file: file, "has no tensor that fits the model", report.strangeness(state))
    }
    for (item, tensor) in fitting { item.take(tensor) }
    return report
  }
}

extension LoadReport {
  /// Why nothing of a state fits, with examples of both sides' names.
  fileprivate func strangeness(_ state: [NamedTensor]) -> [String] {
    guard misshapen.isEmpty else { return misshapen }
    func examples(_ names: [String]) -> String {
      names.isEmpty ? "none" : names.prefix(3).joined(separator: ", ")
    }
    return ["expected names such as \(examples(missing)), got \(examples(state.map(\.name)))"]
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
    return nil
  }

  fileprivate func take(_ tensor: Tensor) {
    switch self {
    case .parameter(let parameter): parameter.value = tensor.converted(to: parameter.dtype)
    case .buffer(let buffer): buffer.value = tensor.converted(to: buffer.value.dtype)
    }
  }
}

extension String {
  /// Whether it names a batch norm's count of batches.
  fileprivate var isCounter: Bool { split(separator: ".").last == "num_batches_tracked" }
}

extension Tensor {
  /// One number of any type, in any shape that has one, as batch norms count: int64 `[]`. Anything
  /// else as it is.
  fileprivate var asCounter: Tensor {
    guard count == 1, rank <= 1, nonFiniteCount == 0 else { return self }
    return converted(to: .int64).reshape([])
  }

  /// How many elements are infinite or not a number.
  public var nonFiniteCount: Int {
    guard dtype.isFloating else { return 0 }
    return detached().converted(to: .float32).withElements(of: Float.self) { elements in
      guard let start = elements.baseAddress else { return 0 }
      nonisolated(unsafe) let first = start
      let total = Mutex(0)
      Parallel.run(elements.count, grain: 1 << 20) { part in
        let found = saker_count_nonfinite_f32(first + part.lowerBound, part.count)
        if found > 0 { total.withLock { $0 += found } }
      }
      return total.withLock { $0 }
    }
  }
}
