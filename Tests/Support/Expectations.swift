import SakerTensor
import Testing

/// Uniform float32 numbers in `range`, the same for the same seed.
public func random(
  _ shape: Shape, seed: UInt64, in range: ClosedRange<Float> = -1...1
) -> Tensor {
  var source = Random(seed: seed)
  return Tensor((0..<shape.elements).map { _ in source.uniform(range) }, shape)
}

/// Expects the same shape and, element by element, `|a - b| <= absolute + relative |b|`;
/// not-a-numbers and infinities must stand in the same places. Without `absolute` it is `relative`
/// of the largest finite number in `b`. By `Rounding`, 1e-5 is enough for sums of 28,000 terms, or
/// of 230 by Winograd's kernels.
public func expectClose(
  _ a: Tensor, _ b: Tensor, relative: Float = 1e-5, absolute: Float? = nil,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard a.shape == b.shape else {
    Issue.record(
      "\(comment()) shapes differ: expected \(b.shape), got \(a.shape)",
      sourceLocation: sourceLocation)
    return
  }
  expectClose(
    a.floats, b.floats, relative: relative, absolute: absolute,
    "\(comment()) of shape \(a.shape)", sourceLocation: sourceLocation)
}

/// Expects the elements of `a`, in row-major order, to be `b`.
public func expectClose(
  _ a: Tensor, _ b: [Float], relative: Float = 1e-5, absolute: Float? = nil,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    a.floats, b, relative: relative, absolute: absolute, comment(),
    sourceLocation: sourceLocation)
}

public func expectClose(
  _ a: [Float], _ b: [Float], relative: Float = 1e-5, absolute: Float? = nil,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard a.count == b.count else {
    Issue.record(
      "\(comment()) expected \(b.count) elements, got \(a.count)", sourceLocation: sourceLocation)
    return
  }
  let largest = b.lazy.filter(\.isFinite).map(abs).max() ?? 0
  let floor = absolute ?? relative * largest
  var worst: (index: Int, excess: Float)?
  var failures = 0
  for (i, (x, y)) in zip(a, b).enumerated() where !(x == y || x.isNaN && y.isNaN) {
    let difference = x.isFinite && y.isFinite ? abs(x - y) : .infinity
    let excess = difference - (floor + relative * abs(y))
    if excess > 0 || excess.isNaN {
      failures += 1
      if excess > worst?.excess ?? -1 || worst == nil { worst = (i, excess) }
    }
  }
  if let worst {
    Issue.record(
      """
      \(comment()) \(failures) of \(a.count) elements differ, most at \(worst.index): \
      expected \(b[worst.index]), got \(a[worst.index])
      """, sourceLocation: sourceLocation)
  }
}

/// Expects the gradients of `function` at `inputs` to be what small steps of each element say.
///
/// The result is weighed with fixed random numbers into one number, summed in double precision; two
/// central differences of steps h and 2h give one of fourth order. Choose inputs away from kinks:
/// at least 2 `step` from them. Inputs that are not floating take no step.
///
/// - Parameters:
///   - step: h, for numbers around 1.
///   - tolerance: of the largest gradient of that input.
public func expectGradient(
  at inputs: [Tensor], step: Float = 1e-2, tolerance: Float = 1e-2, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation, _ function: ([Tensor]) -> Tensor
) {
  let weights = random(function(inputs).shape, seed: 4711, in: 0.5...1.5)
  let floating = inputs.indices.filter { inputs[$0].dtype.isFloating }
  func filled(_ tensors: [Tensor]) -> [Tensor] {
    var all = inputs
    for (i, tensor) in zip(floating, tensors) { all[i] = tensor }
    return all
  }
  let (_, analytic) = gradients(at: floating.map { inputs[$0] }) { tensors in
    let result = function(filled(tensors))
    guard result.isRecorded else {
      Issue.record("\(comment) nothing was recorded", sourceLocation: sourceLocation)
      return result
    }
    return (result.converted(to: .float32) * weights).sum()
  }
  func value(_ tensors: [Tensor]) -> Double {
    withoutGradients {
      zip(function(tensors).floats, weights.floats).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
  }
  for (k, input) in floating.enumerated() {
    let start = inputs[input].floats
    var numeric = [Float](repeating: 0, count: start.count)
    for i in start.indices {
      func slope(_ h: Float) -> Double {
        var (up, down) = (start, start)
        up[i] += h
        down[i] -= h
        var (above, below) = (inputs, inputs)
        above[input] = Tensor(up, inputs[input].shape).inOrder(of: inputs[input])
        below[input] = Tensor(down, inputs[input].shape).inOrder(of: inputs[input])
        return (value(above) - value(below)) / (Double(up[i]) - Double(down[i]))
      }
      numeric[i] = Float((4 * slope(step) - slope(2 * step)) / 3)
    }
    expectClose(
      analytic[k].floats, numeric, relative: 0,
      absolute: tolerance * max(1e-3, numeric.map(abs).max() ?? 0),
      "\(comment) gradient of input \(input)", sourceLocation: sourceLocation)
  }
}

extension Tensor {
  /// In the memory order and type of `model`, so that a step takes the same way through kernels.
  fileprivate func inOrder(of model: Tensor) -> Tensor {
    let same = converted(to: model.dtype)
    return model.isChannelsLast && !model.isContiguous ? same.channelsLast() : same
  }
}

/// Expects that the process of an exit test said `message` on its standard error before it stopped:
///
///     expectStopped(
///       saying: "reshape: expected",
///       await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { … })
public func expectStopped(
  saying message: String, _ result: ExitTest.Result?,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let result else { return }
  let said = String(decoding: result.standardErrorContent, as: UTF8.self)
  #expect(said.contains(message), sourceLocation: sourceLocation)
}
