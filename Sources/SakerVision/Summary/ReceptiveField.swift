/// What one output of convolutions and poolings sees of the input, along one axis: Araujo et al.,
/// "Computing receptive fields of convolutional neural networks", Distill 2019.
public struct ReceptiveField: Hashable, Codable, Sendable {
  /// One layer: windows of `kernel` elements, `dilation` apart, that move by `stride` and begin
  /// `padding` before the input.
  public struct Window: Hashable, Sendable {
    public var kernel, stride, dilation, padding: Int

    public init(_ kernel: Int, stride: Int = 1, dilation: Int = 1, padding: Int = 0) {
      (self.kernel, self.stride) = (kernel, stride)
      (self.dilation, self.padding) = (dilation, padding)
    }

    /// Elements from the first tap to the last: `dilation (kernel - 1) + 1`.
    public var reach: Int { dilation * (kernel - 1) + 1 }

    /// Outputs for an input of `size`: `(size + 2 padding - reach) / stride + 1`, rounded down; 0
    /// where the window does not fit.
    public func outputs(_ size: Int) -> Int {
      size + 2 * padding < reach ? 0 : (size + 2 * padding - reach) / stride + 1
    }
  }

  /// Elements of the input, those beyond its edges counted.
  public private(set) var size = 1
  /// From one output to the next, in elements of the input.
  public private(set) var stride = 1
  /// The middle of what the first output sees: 0 is the first element's centre.
  public private(set) var center = 0.0

  /// Of the input itself.
  public init() {}

  /// Of layers one after the other, from the input on.
  public init(_ windows: [Window]) {
    self = windows.reduce(ReceptiveField()) { $0.through($1) }
  }

  /// Of what sees all `size` elements of the input at once.
  init(all size: Int) {
    (self.size, stride) = (size, size)
    center = Double(size - 1) / 2
  }

  /// What an output sees that is made of both, whose outputs lie equally far apart; else the
  /// wider of the two.
  func union(_ other: ReceptiveField) -> ReceptiveField {
    guard stride == other.stride else { return other.size > size ? other : self }
    func edges(_ field: ReceptiveField) -> (first: Double, last: Double) {
      let half = Double(field.size - 1) / 2
      return (field.center - half, field.center + half)
    }
    let (a, b) = (edges(self), edges(other))
    let (first, last) = (min(a.first, b.first), max(a.last, b.last))
    var result = self
    result.size = Int((last - first).rounded()) + 1
    result.center = (first + last) / 2
    return result
  }

  /// What an output of one more layer sees.
  public func through(_ window: Window) -> ReceptiveField {
    var result = self
    result.size += (window.reach - 1) * stride
    result.center += (Double(window.reach - 1) / 2 - Double(window.padding)) * Double(stride)
    result.stride *= window.stride
    return result
  }

  /// The elements that output `index` sees, from first to last; some may lie in the padding.
  public func elements(of index: Int) -> ClosedRange<Int> {
    let first = Int((center + Double(index * stride) - Double(size - 1) / 2).rounded())
    return first...first + size - 1
  }
}
