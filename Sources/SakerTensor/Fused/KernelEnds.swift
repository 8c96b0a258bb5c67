import CKernels

/// Where the input comes from: a map, perhaps still to be normalized, or a gradient through that.
/// What the C parts point to lives as long as the caller holds it.
struct KernelSource {
  let map: Tensor
  var normalization: saker_normalization?
  var gradient: saker_normalization_gradient?

  init(_ map: Tensor) { self.map = map }

  init(_ source: MapSource) {
    map = source.map
    normalization = source.normalization?.raw
  }

  init(_ source: GradientSource) {
    map = source.gradient
    gradient = source.pending?.c
  }
}

/// What becomes of each sum while it is in registers.
struct KernelEpilogue {
  var bias: Tensor?
  /// Of the result's shape, channels-last.
  var residual: Tensor?
  var activation = Activation.identity
  /// The largest of each 2x2 window, 2 apart, instead of the result. Without the sums below.
  var pools = false
  /// `[blocks, 3, out]`: see `saker_epilogue`. Only without groups, as the next.
  var statistics: Tensor?
  /// `[blocks, 2, out]`, and the map whose gradient the result is.
  var sums: (partials: Tensor, map: Tensor, normalization: Normalization)?
}

// MARK: - From a channel on, as a group needs it

extension KernelSource {
  func withC(_ channel: Int = 0, _ body: (saker_source) -> Void) {
    let map = UnsafePointer(map.pointer(Float.self)) + channel
    if let gradient {
      withUnsafePointer(to: gradient.from(channel)) {
        body(saker_source(map: map, normalization: nil, gradient: $0))
      }
    } else if let normalization {
      withUnsafePointer(to: normalization.from(channel)) {
        body(saker_source(map: map, normalization: $0, gradient: nil))
      }
    } else {
      body(saker_source(map: map, normalization: nil, gradient: nil))
    }
  }
}

extension KernelEpilogue {
  func withC(_ channel: Int = 0, _ body: (saker_epilogue) -> Void) {
    var result = saker_epilogue()
    result.bias = bias.map { UnsafePointer($0.pointer(Float.self)) + channel }
    result.residual = residual.map { UnsafePointer($0.pointer(Float.self)) + channel }
    result.activation = activation.raw
    result.pooled = pools ? 1 : 0
    result.statistics = statistics?.pointer(Float.self)
    guard let sums else { return body(result) }
    result.sums = sums.partials.pointer(Float.self)
    result.x = UnsafePointer(sums.map.pointer(Float.self))
    withUnsafePointer(to: sums.normalization.raw) {
      result.normalization = $0
      body(result)
    }
  }
}

extension saker_normalization {
  fileprivate func from(_ channel: Int) -> saker_normalization {
    saker_normalization(
      mean: mean + channel, inverse: inverse + channel, scale: scale + channel,
      shift: shift + channel, activation: activation)
  }
}

extension saker_normalization_gradient {
  fileprivate func from(_ channel: Int) -> saker_normalization_gradient {
    saker_normalization_gradient(
      x: x + channel, normalization: normalization.from(channel), a: a + channel,
      b: b + channel, c: c + channel)
  }
}
