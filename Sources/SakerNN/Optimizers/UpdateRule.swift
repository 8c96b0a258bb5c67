import SakerTensor

/// How a rule changes one parameter. A value: what it remembers of each parameter lies
/// in the optimizer.
public protocol UpdateRule: Sendable {
  /// What it remembers of a parameter, tensors of the parameter's shape, as the field's
  /// checkpoints call them.
  var slots: [String] { get }
  /// What the elements of a slot start as; 0 unless the rule says otherwise.
  func start(ofSlot index: Int) -> Double

  /// What it calls one number that it remembers of a parameter beside the count of its
  /// steps, if there is one.
  var scalar: String? { get }
  /// That number in a step, from what it was in the step before; 1 before the first.
  func advanced(_ scalar: Double, step: Int) -> Double

  /// The share of the past in the direction, which schedules may cycle. A rule without momentum
  /// has 0 and keeps it.
  var momentum: Double { get set }
  /// What parameters of groups without a decay of their own decay by.
  var decay: Double { get }

  /// Whether `measure` has to see a whole parameter before `update` may change any of it.
  var measures: Bool { get }
  /// Two sums over a stretch, which `update` gets as `sums`, added up over the whole parameter.
  func measure(_ slice: UpdateSlice) -> SIMD2<Double>

  /// Updates a stretch in one pass.
  func update(_ slice: UpdateSlice)
}

extension UpdateRule {
  public func start(ofSlot index: Int) -> Double { 0 }
  public var scalar: String? { nil }
  public func advanced(_ scalar: Double, step: Int) -> Double { scalar }
  public var momentum: Double {
    get { 0 }
    set {}
  }
  public var measures: Bool { false }
  public func measure(_ slice: UpdateSlice) -> SIMD2<Double> { .zero }
}

/// A stretch of one parameter with its gradient, and what a rule needs to update it.
public struct UpdateSlice {
  let parameter: UnsafeMutablePointer<Float>
  let slope: UnsafePointer<Float>
  let memory: [UnsafeMutablePointer<Float>]
  let range: Range<Int>
  /// The learning rate of the parameter's group.
  public let rate: Double
  /// The decay of the parameter's group.
  public let decay: Double
  /// 1 in a parameter's first update.
  public let step: Int
  /// The rule's own number; see `UpdateRule.scalar`.
  public let scalar: Double
  /// What `measure` said of the whole parameter.
  public let sums: SIMD2<Double>

  /// How many elements there are to update.
  public var count: Int { range.count }
  public var values: UnsafeMutablePointer<Float> { parameter + range.lowerBound }
  public var gradient: UnsafePointer<Float> { slope + range.lowerBound }
  /// How many slots the parameter has: those the rule had when the parameter was first updated.
  public var slotCount: Int { memory.count }
  /// The same stretch of a slot.
  public func slot(_ index: Int) -> UnsafeMutablePointer<Float> {
    memory[index] + range.lowerBound
  }
}

/// On which side of the root ε keeps a division by nothing away. The notes and some papers write
/// `√(v + ε)`, as Keras computes; PyTorch computes `√v + ε` (E23 of the catalogue). The same ε is
/// far weaker outside: for v = 0 it divides by ε instead of √ε.
public enum EpsilonPlacement: String, Codable, Hashable, Sendable, CaseIterable {
  case outside, inside

  /// What is added inside the root and outside of it.
  func split(_ epsilon: Double) -> (inside: Float, outside: Float) {
    self == .inside ? (Float(epsilon), 0) : (0, Float(epsilon))
  }
}
