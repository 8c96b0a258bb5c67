import Synchronization

/// Which kernels compute which 3x3 convolution: docs/decisions/0015.
///
/// The choice follows from the case, the instruction sets, the table of constants and, where
/// there is one, the file of corrections: nothing is timed in passing, so that a run gives the
/// same bits each time.
public enum ConvolutionChooser {
  /// A method with what it is expected to take.
  public struct Estimate: Sendable {
    public let method: ConvolutionMethod
    public let nanoseconds: Double
  }

  private struct State {
    var corrections: ConvolutionCorrections
    var chosen: [ConvolutionCase: ConvolutionMethod] = [:]
  }

  /// The file of corrections, read once.
  private static let file: (corrections: ConvolutionCorrections, problem: String?) = {
    guard let path = ConvolutionCorrections.path else { return (.none, nil) }
    do {
      return (try ConvolutionCorrections(file: path), nil)
    } catch {
      return (.none, "\(error); it is ignored")
    }
  }()
  private static let state = Mutex(State(corrections: file.corrections))

  /// Why the file of corrections is not used, though there is one.
  public static var problem: String? { file.problem }

  /// Measurements that estimates and choices go by from now on.
  public static var corrections: ConvolutionCorrections {
    get { state.withLock { $0.corrections } }
    set { state.withLock { $0 = State(corrections: newValue) } }
  }

  /// What computes a case.
  public static func method(
    for work: ConvolutionCase, _ setting: ConvolutionSetting = Convolutions.setting
  ) -> ConvolutionMethod {
    switch setting {
    case .direct: .direct
    case .winograd:
      ConvolutionMethods.tiles(for: work).first.map { .winograd(tile: $0) } ?? .direct
    case .auto: fastest(for: work)
    }
  }

  /// The same for any convolution, `x` the input's shape. What is not 3x3 of stride 1 in
  /// float32 is direct.
  static func method(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType
  ) -> ConvolutionMethod {
    guard dtype == .float32, let work = ConvolutionCase(pass, x, weight, attributes, dtype)
    else { return .direct }
    return method(for: work)
  }

  /// The method of the least estimate; direct unless that is less by a margin, or was measured.
  public static func fastest(for work: ConvolutionCase) -> ConvolutionMethod {
    state.withLock { state in
      if let known = state.chosen[work] { return known }
      let chosen = fastest(for: work, state.corrections)
      // Pictures of ever new sizes would fill the memory otherwise.
      if state.chosen.count >= 4096 { state.chosen = [:] }
      state.chosen[work] = chosen
      return chosen
    }
  }

  static func fastest(for work: ConvolutionCase, _ corrections: ConvolutionCorrections)
    -> ConvolutionMethod
  {
    let estimates = estimates(for: work, corrections)
    let margin = corrections.measured(work) == nil ? margin(work, estimates[0]) : 1
    let least = estimates.min { $0.nanoseconds < $1.nanoseconds }!
    return least.nanoseconds < margin * estimates[0].nanoseconds ? least.method : .direct
  }

  /// What share of the direct kernel's time ours may take at most by estimate. Estimates are off by
  /// 20 %, those of weights' gradients and of the smallest cases by more: so that no choice costs
  /// time, they have to promise more.
  private static func margin(_ work: ConvolutionCase, _ direct: Estimate) -> Double {
    let isSmall = direct.nanoseconds < 50_000
    return work.pass == .weights ? (isSmall ? 0.6 : 0.8) : (isSmall ? 0.75 : 0.9)
  }

  /// Estimates of all methods that can compute a case, direct first.
  public static func estimates(for work: ConvolutionCase) -> [Estimate] {
    estimates(for: work, corrections)
  }

  static func estimates(for work: ConvolutionCase, _ corrections: ConvolutionCorrections)
    -> [Estimate]
  {
    var alone = work
    alone.isInBlock = false
    return ConvolutionMeasurement.methods(for: alone).map { method in
      let time = corrections.time(alone, method, modelled: modelled(alone, method))
      return Estimate(
        method: method,
        nanoseconds: time + (work.isInBlock && method == .direct ? passes(work) : 0))
    }
  }

  /// Nanoseconds of the passes over maps that direct kernels need in a block and ours do on the
  /// way: the map that is convolved written out normalized, the result's gradient written out,
  /// statistics and sums in passes of their own.
  private static func passes(_ work: ConvolutionCase) -> Double {
    // Of reading or writing a number, at 25 GB/s.
    let touch = 0.16
    let (x, y) = (Double(work.x.elements), Double(work.y.elements))
    return touch * (2 * x + y)
  }

  /// Nanoseconds by the cost model alone.
  static func modelled(
    _ work: ConvolutionCase, _ method: ConvolutionMethod, ours: InstructionSet = .ours,
    oneDNN: InstructionSet = .oneDNN
  ) -> Double {
    let lanes = method == .direct ? oneDNN.lanes : ours.lanes
    let cost = ConvolutionConstants.cost(work.pass, method, ours: ours, oneDNN: oneDNN)
    return cost.time(ConvolutionCost.Work(work, method, lanes: lanes))
  }
}
