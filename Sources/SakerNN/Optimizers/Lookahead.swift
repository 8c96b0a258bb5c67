import CKernels
import SakerTensor

/// Another rule, followed at a distance: after every `interval` of its steps the slow weights go
/// `share` of the way to where it has come, and it goes on from there, `φ = φ + α (θ − φ)`,
/// `θ = φ`. What the rule itself remembers stays. Zhang et al., "Lookahead optimizer: k steps
/// forward, 1 step back", arXiv:1907.08610.
///
///     Optimizer(Lookahead(AdamW()), model, rate: 1e-3)
public struct Lookahead<Rule: UpdateRule>: UpdateRule {
  public var rule: Rule
  /// k
  public let interval: Int
  /// α, in 0...1
  public let share: Double

  public init(_ rule: Rule, interval: Int = 5, share: Double = 0.5) {
    check(interval >= 1, op: "Lookahead", expected: "an interval of 1 or more", got: interval)
    check((0...1).contains(share), op: "Lookahead", expected: "a share in 0...1", got: share)
    self.rule = rule
    self.interval = interval
    self.share = share
  }

  public var slots: [String] { ["slow_weights"] + rule.slots }
  public func start(ofSlot index: Int) -> Double {
    index == 0 ? 0 : rule.start(ofSlot: index - 1)
  }
  public var scalar: String? { rule.scalar }
  public func advanced(_ scalar: Double, step: Int) -> Double {
    rule.advanced(scalar, step: step)
  }
  public var momentum: Double {
    get { rule.momentum }
    set { rule.momentum = newValue }
  }
  public var decay: Double { rule.decay }
  public var measures: Bool { rule.measures }
  public func measure(_ slice: UpdateSlice) -> SIMD2<Double> { rule.measure(slice.rest) }

  public func update(_ slice: UpdateSlice) {
    let slow = slice.slot(0)
    if slice.step == 1 { slow.update(from: slice.values, count: slice.count) }
    rule.update(slice.rest)
    if slice.step % interval == 0 {
      saker_lookahead_f32(slice.values, slow, slice.count, Float(share))
    }
  }
}

extension UpdateSlice {
  /// Without the first slot: what the rule inside sees.
  fileprivate var rest: UpdateSlice {
    UpdateSlice(
      parameter: parameter, slope: slope, memory: Array(memory.dropFirst()), range: range,
      rate: rate, decay: decay, step: step, scalar: scalar, sums: sums)
  }
}
