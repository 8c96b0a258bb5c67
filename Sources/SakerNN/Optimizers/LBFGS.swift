import SakerTensor

/// L-BFGS: steps along `−H g`, where H stands for the inverse of the second derivative, a matrix
/// (E43 of the catalogue) that is never stored: the last `history` steps and what they changed in
/// the gradient make it. Liu & Nocedal, "On the limited memory BFGS method for large scale
/// optimization", 1989; behaves as `torch.optim.LBFGS`.
///
/// For problems without noise, such as a picture in style transfer, where it needs far fewer
/// steps than gradient descent. The loss is computed several times a step, so a step gets the
/// way to compute it:
///
///     let optimizer = LBFGS([picture])
///     for _ in 0..<50 { optimizer.step { styleLoss(picture.value) } }
///
/// Memory: `2 · history + 5` times that of the parameters.
public final class LBFGS {
  public enum LineSearch: String, Codable, Hashable, Sendable, CaseIterable {
    /// Every step has the length `rate`, after the first.
    case none
    /// Lengths are tried until the strong Wolfe conditions hold; `rate` is the first one tried.
    case strongWolfe
  }

  public let parameters: [Parameter]
  public var rate: Double
  /// At most, in one `step`.
  public let iterations: Int
  /// How often one `step` may compute the loss; a line search ends what it has begun with 1 more.
  public let evaluations: Int
  /// It ends when no element of the gradient is larger.
  public let gradientTolerance: Double
  /// It ends when neither the loss nor an element of the parameters changes by more.
  public let changeTolerance: Double
  /// How many steps H is made of.
  public let history: Int
  public let lineSearch: LineSearch

  /// A step and what it changed: s, y and `1 / y·s`.
  private struct Pair {
    let step, change: FlatVector
    let inverse: Float
  }
  /// What the next iteration needs of the last one.
  private struct Last {
    var direction, gradient: FlatVector
    var length: Float
  }
  private var pairs: [Pair] = []
  private var last: Last?
  /// The diagonal that H starts from.
  private var scale: Float = 1
  /// Iterations and evaluations of the loss, over all steps.
  public private(set) var iterationCount = 0
  public private(set) var evaluationCount = 0

  /// - Parameters:
  ///   - parameters: float32; those that are frozen at this moment are left out.
  ///   - evaluations: 5/4 of the iterations if left out.
  public init(
    _ parameters: [Parameter], rate: Double = 1, iterations: Int = 20, evaluations: Int? = nil,
    gradientTolerance: Double = 1e-7, changeTolerance: Double = 1e-9, history: Int = 100,
    lineSearch: LineSearch = .none
  ) {
    check(iterations >= 1, op: "LBFGS", expected: "1 iteration or more", got: iterations)
    check(history >= 1, op: "LBFGS", expected: "a history of 1 step or more", got: history)
    self.parameters = parameters.filter { !$0.isFrozen }
    for parameter in self.parameters {
      check(
        parameter.dtype == .float32, op: "LBFGS", expected: "float32 parameters",
        got: parameter.dtype)
    }
    self.rate = rate
    self.iterations = iterations
    self.evaluations = evaluations ?? iterations * 5 / 4
    self.gradientTolerance = gradientTolerance
    self.changeTolerance = changeTolerance
    self.history = history
    self.lineSearch = lineSearch
  }

  /// All parameters of a model.
  public convenience init(
    _ model: some Module, rate: Double = 1, iterations: Int = 20, history: Int = 100,
    lineSearch: LineSearch = .none
  ) {
    self.init(
      model.parameters, rate: rate, iterations: iterations, history: history,
      lineSearch: lineSearch)
  }

  private var count: Int { parameters.reduce(0) { $0 + $1.shape.elements } }

  /// Goes down as far as `iterations` and the tolerances let it. Gradients of the
  /// parameters are overwritten.
  ///
  /// A loss that is not finite at the start moves nothing; one that a line search meets
  /// counts as too high.
  /// - Parameter loss: computes the loss, one number, from the parameters' values.
  /// - Returns: the loss before the step.
  @discardableResult
  public func step(_ loss: () -> Tensor) -> Float {
    var (value, gradient) = evaluate(loss)
    let first = value
    var spent = 1
    guard value.isFinite, count > 0, gradient.largestMagnitude > gradientTolerance else {
      return value
    }
    for iteration in 1...iterations {
      iterationCount += 1
      let direction = nextDirection(gradient)
      let slope = gradient.dot(direction)
      let length =
        iterationCount == 1 ? Float(min(1, 1 / gradient.sumOfMagnitudes) * rate) : Float(rate)
      last = Last(direction: direction, gradient: gradient, length: length)
      // Not downhill, or hardly, or no number.
      guard slope <= -changeTolerance else { break }
      let before = value
      switch lineSearch {
      case .strongWolfe:
        let found = search(
          loss, from: length, along: direction, value, gradient, slope, limit: evaluations - spent)
        last?.length = found.point.length
        (value, gradient) = (Float(found.point.loss), found.point.gradient)
        spent += found.tried
      case .none:
        FlatVector(valuesOf: parameters).adding(length, direction).store(in: parameters)
        // Nobody looks at the loss after the last step.
        if iteration == iterations { return first }
        (value, gradient) = evaluate(loss)
        spent += 1
      }
      let change = direction.largestMagnitude * Double(abs(last?.length ?? length))
      if spent >= evaluations || !value.isFinite || gradient.largestMagnitude <= gradientTolerance
        || change <= changeTolerance || abs(Double(value) - Double(before)) < changeTolerance
      {
        break
      }
    }
    return first
  }

  private func evaluate(_ loss: () -> Tensor) -> (Float, FlatVector) {
    evaluationCount += 1
    for parameter in parameters { parameter.gradient = nil }
    let value = loss()
    check(value.count == 1, op: "LBFGS.step", expected: "a loss of one number", got: value.shape)
    value.backward()
    return (value.detached().item, FlatVector(gradientsOf: parameters))
  }

  /// `−H g`, by the recursion in two loops of Nocedal 1980, after the last step has
  /// become a part of H.
  private func nextDirection(_ gradient: FlatVector) -> FlatVector {
    guard let last else { return gradient.scaled(by: -1) }
    let change = gradient.adding(-1, last.gradient)
    let step = last.direction.scaled(by: last.length)
    let curvature = change.dot(step)
    // H stays positive only by steps along which the slope grew.
    if curvature > 1e-10 {
      if pairs.count == history { pairs.removeFirst() }
      pairs.append(Pair(step: step, change: change, inverse: Float(1 / curvature)))
      scale = Float(curvature / change.dot(change))
    }
    let direction = gradient.scaled(by: -1)
    var weights: [Float] = []
    for pair in pairs.reversed() {
      let weight = Float(pair.step.dot(direction)) * pair.inverse
      direction.add(-weight, pair.change)
      weights.append(weight)
    }
    let result = direction.scaled(by: scale)
    for (pair, weight) in zip(pairs, weights.reversed()) {
      result.add(weight - Float(pair.change.dot(result)) * pair.inverse, pair.step)
    }
    return result
  }

  /// Tries lengths, and leaves the parameters at the best.
  private func search(
    _ loss: () -> Tensor, from length: Float, along direction: FlatVector, _ value: Float,
    _ gradient: FlatVector, _ slope: Double, limit: Int
  ) -> (point: WolfeSearch.Point, tried: Int) {
    let start = FlatVector(valuesOf: parameters)
    return withoutActuallyEscaping(loss) { loss in
      let search = WolfeSearch(
        start: .init(length: 0, loss: Double(value), gradient: gradient, slope: slope),
        limit: limit, tolerance: changeTolerance, directionSize: direction.largestMagnitude
      ) { length in
        start.adding(length, direction).store(in: self.parameters)
        let (value, gradient) = self.evaluate(loss)
        return .init(
          length: length, loss: value.isNaN ? .infinity : Double(value), gradient: gradient,
          slope: gradient.dot(direction))
      }
      let found = search.run(from: length)
      start.adding(found.point.length, direction).store(in: parameters)
      return found
    }
  }
}

// MARK: - Stored and restored

extension LBFGS {
  /// What H is made of, and where the last iteration was: tensors of all parameters as one vector.
  public var state: [NamedTensor] {
    var result = [
      NamedTensor("n_iter", Tensor([Int64(iterationCount)], [])),
      NamedTensor("func_evals", Tensor([Int64(evaluationCount)], [])),
      NamedTensor("h_diag", Tensor([scale], [])),
    ]
    if let last {
      result.append(NamedTensor("d", last.direction.tensor))
      result.append(NamedTensor("prev_flat_grad", last.gradient.tensor))
      result.append(NamedTensor("t", Tensor([last.length], [])))
    }
    for (index, pair) in pairs.enumerated() {
      result.append(NamedTensor("old_stps.\(index)", pair.step.tensor))
      result.append(NamedTensor("old_dirs.\(index)", pair.change.tensor))
      result.append(NamedTensor("ro.\(index)", Tensor([pair.inverse], [])))
    }
    return result
  }

  /// Goes on from a stored state, bit for bit.
  /// - Throws: `CheckpointError` with everything that does not fit; then nothing has changed.
  public func restore(_ state: [NamedTensor], file: String = "optimizer state") throws {
    var reader = StateReader(state)
    let iterations = reader.count("n_iter")
    let evaluations = reader.count("func_evals")
    let scale = reader.number("h_diag")
    var last: Last?
    if reader.has("d") {
      last = Last(
        direction: reader.vector("d", count), gradient: reader.vector("prev_flat_grad", count),
        length: reader.number("t"))
    }
    var pairs: [Pair] = []
    while reader.has("old_stps.\(pairs.count)") {
      let index = pairs.count
      pairs.append(
        Pair(
          step: reader.vector("old_stps.\(index)", count),
          change: reader.vector("old_dirs.\(index)", count), inverse: reader.number("ro.\(index)")))
    }
    if pairs.count > history {
      reader.problems.append("history: expected at most \(history) steps, got \(pairs.count)")
    }
    let problems = reader.allProblems
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "does not fit the optimizer", problems)
    }
    (self.pairs, self.last, self.scale) = (pairs, last, scale)
    (iterationCount, evaluationCount) = (iterations, evaluations)
  }
}

/// Reads tensors by name and keeps what is wrong with them.
private struct StateReader {
  private var tensors: [String: Tensor]
  var problems: [String] = []

  init(_ state: [NamedTensor]) {
    tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
  }

  /// With what nobody asked for.
  var allProblems: [String] { problems + tensors.keys.sorted().map { "\($0): unexpected" } }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  private mutating func take(_ name: String, _ dtype: DType, _ shape: Shape) -> Tensor? {
    guard let tensor = tensors.removeValue(forKey: name) else {
      problems.append("\(name): missing")
      return nil
    }
    guard tensor.dtype == dtype, tensor.shape == shape else {
      problems.append("\(name): expected \(dtype) \(shape), got \(tensor.dtype) \(tensor.shape)")
      return nil
    }
    return tensor
  }

  mutating func count(_ name: String) -> Int {
    Int(take(name, .int64, [])?.scalars(as: Int64.self).first ?? 0)
  }
  mutating func number(_ name: String) -> Float { take(name, .float32, [])?.item ?? 0 }
  mutating func vector(_ name: String, _ count: Int) -> FlatVector {
    FlatVector(take(name, .float32, [count]) ?? .zeros([0]))
  }
}
