import Synchronization

/// Which kernels compute which 3x3 convolution: docs/decisions/0015.
///
/// The choice follows from the case, the instruction sets, the table of constants and, where there is one, the file of
/// corrections: nothing is timed in passing, so that a run gives the same bits each time.
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

  /// What computes a case, as `Convolutions.setting` says.
  public static func method(for work: ConvolutionCase) -> ConvolutionMethod {
    switch Convolutions.setting {
    case .direct: .direct
    case .winograd: ConvolutionMethods.tiles(for: work).first.map { .winograd(tile: $0) } ?? .direct
    case .auto: fastest(for: work)
    }
  }

  /// The same for any convolution, `x` the input's shape. What is not 3x3 of stride 1 in float32 is direct.
  static func method(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType
  ) -> ConvolutionMethod {
    guard dtype == .float32, let work = ConvolutionCase(pass, x, weight, attributes, dtype)
    else { return .direct }
    return method(for: work)
  }

  /// The method of the least estimate.
  public static func fastest(for work: ConvolutionCase) -> ConvolutionMethod {
    state.withLock { state in
      if let known = state.chosen[work] { return known }
      let chosen = estimates(for: work, state.corrections)
        .min { $0.nanoseconds < $1.nanoseconds }!.method
      // Pictures of ever new sizes would fill the memory otherwise.
      if state.chosen.count >= 4096 { state.chosen = [:] }
      state.chosen[work] = chosen
      return chosen
    }
  }

  /// Of all methods that can compute a case, direct first.
  public static func estimates(for work: ConvolutionCase) -> [Estimate] {
    estimates(for: work, corrections)
  }

  private static func estimates(for work: ConvolutionCase, _ corrections: ConvolutionCorrections)
    -> [Estimate]
  {
    ConvolutionMeasurement.methods(for: work).map { method in
      let modelled = modelled(work, method)
      return Estimate(
        method: method, nanoseconds: corrections.time(work, method, modelled: modelled))
    }
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
