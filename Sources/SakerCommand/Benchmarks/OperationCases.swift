import Saker

/// One measured call of the mode `operations`; `Benchmarks/peers/operations.py` has PyTorch's
/// of the same name.
struct OperationCase {
  let name: String
  /// Makes the arguments and gives the call. Inputs of a name that ends in "tape" want gradients.
  let prepare: () -> () -> Void

  init(_ name: String, _ prepare: @escaping () -> () -> Void) {
    self.name = name
    self.prepare = prepare
  }
}

/// Numbers of no meaning, quickly: 64 MB of normal ones would take longer than measuring.
private func numbers(_ shape: Shape, from low: Float = -2, to high: Float = 2) -> Tensor {
  var state: UInt32 = 1
  return Tensor(shape) { (elements: UnsafeMutableBufferPointer<Float>) in
    for i in elements.indices {
      state = state &* 1_664_525 &+ 1_013_904_223
      elements[i] = low + (high - low) * Float(state >> 8) / 0x1p24
    }
  }
}

private func integers(_ shape: Shape, below limit: Int) -> Tensor {
  var state: UInt32 = 7
  return Tensor(shape) { (elements: UnsafeMutableBufferPointer<Int64>) in
    for i in elements.indices {
      state = state &* 1_664_525 &+ 1_013_904_223
      elements[i] = Int64(state >> 8) % Int64(limit)
    }
  }
}

private func learned(_ tensor: Tensor) -> Tensor { Parameter(tensor).value }

extension OperationCase {
  static var all: [OperationCase] {
    small + elementwise + reductions + rows + products + moves + selections + maps + losses
  }

  private static func unary(
    _ name: String, _ shape: Shape, from low: Float = -2, to high: Float = 2,
    _ function: @escaping (Tensor) -> Any
  ) -> OperationCase {
    OperationCase(name) {
      let x = numbers(shape, from: low, to: high)
      return { _ = function(x) }
    }
  }

  private static func binary(
    _ name: String, _ a: Shape, _ b: Shape, _ function: @escaping (Tensor, Tensor) -> Any
  ) -> OperationCase {
    OperationCase(name) {
      let (x, y) = (numbers(a), numbers(b))
      return { _ = function(x, y) }
    }
  }

  /// Forward and backward from the sum.
  private static func backward(
    _ name: String, _ shapes: Shape..., of function: @escaping ([Tensor]) -> Tensor
  ) -> OperationCase {
    OperationCase(name + " backward") {
      let inputs = shapes.map { learned(numbers($0)) }
      let ones = Tensor.ones(function(inputs).shape)
      return {
        function(inputs).backward(ones)
      }
    }
  }

  /// 16 numbers, recorded for a gradient: what an operation costs beside its arithmetic.
  private static func tape(
    _ name: String, _ function: @escaping (Tensor, Tensor) -> Tensor
  ) -> OperationCase {
    OperationCase("\(name) 4x4 tape") {
      let (a, b) = (learned(numbers([4, 4])), learned(numbers([4, 4])))
      return { _ = function(a, b) }
    }
  }

  private static var small: [OperationCase] {
    [
      tape("add") { $0 + $1 },
      tape("mul") { $0 * $1 },
      tape("div") { $0 / $1 },
      tape("scale") { a, _ in a * 2 },
      tape("relu") { a, _ in relu(a) },
      tape("sigmoid") { a, _ in sigmoid(a) },
      tape("exp") { a, _ in exp(a) },
      tape("sum") { a, _ in a.sum() },
      tape("softmax") { a, _ in softmax(a) },
      tape("matmul") { matmul($0, $1) },
      tape("reshape") { a, _ in a.reshape([16]) },
      tape("transpose") { a, _ in a.transposed() },
    ]
  }

  private static var elementwise: [OperationCase] {
    [
      binary("add 64K", [65536], [65536], +),
      binary("add 1M", [1 << 20], [1 << 20], +),
      binary("add 16M", [1 << 24], [1 << 24], +),
      binary("mul 1M", [1 << 20], [1 << 20], *),
      binary("div 1M", [1 << 20], [1 << 20], /),
      binary("maximum 1M", [1 << 20], [1 << 20]) { maximum($0, $1) },
      binary("greater 1M", [1 << 20], [1 << 20]) { $0 .> $1 },
      binary("add row 4M", [4096, 1024], [1024], +),
      binary("add column 4M", [4096, 1], [4096, 1024], +),
      unary("scale 1M", [1 << 20]) { $0 * 2 },
      unary("relu 1M", [1 << 20]) { relu($0) },
      unary("relu 16M", [1 << 24]) { relu($0) },
      unary("exp 1M", [1 << 20]) { exp($0) },
      unary("log 1M", [1 << 20], from: 0.1) { log($0) },
      unary("sqrt 1M", [1 << 20], from: 0) { sqrt($0) },
      unary("rsqrt 1M", [1 << 20], from: 0.1) { rsqrt($0) },
      unary("reciprocal 1M", [1 << 20], from: 0.1) { reciprocal($0) },
      unary("floor 1M", [1 << 20]) { floor($0) },
      unary("sin 1M", [1 << 20]) { sin($0) },
      unary("atan 1M", [1 << 20]) { atan($0) },
      unary("log1p 1M", [1 << 20], from: 0) { log1p($0) },
      unary("expm1 1M", [1 << 20]) { expm1($0) },
      unary("tanh 1M", [1 << 20]) { tanh($0) },
      unary("sigmoid 1M", [1 << 20]) { sigmoid($0) },
      unary("sigmoid 16M", [1 << 24]) { sigmoid($0) },
      unary("gelu 1M", [1 << 20]) { gelu($0) },
      unary("silu 1M", [1 << 20]) { silu($0) },
      unary("clamp 1M", [1 << 20]) { $0.clamped(from: -1, to: 1) },
      unary("power 3 1M", [1 << 20]) { pow($0, 3) },
      unary("power 1.7 1M", [1 << 20], from: 0.1) { pow($0, 1.7) },
      unary("isnan 1M", [1 << 20]) { $0.isNaN() },
      unary("to bf16 1M", [1 << 20]) { $0.converted(to: .bfloat16) },
      unary("to int64 1M", [1 << 20]) { $0.converted(to: .int64) },
      OperationCase("where 1M") {
        let (a, b) = (numbers([1 << 20]), numbers([1 << 20], from: -1))
        let mask = a .> 0
        return { _ = Tensor.where(mask, a, b) }
      },
      backward("mul 1M", [1 << 20], [1 << 20]) { $0[0] * $0[1] },
      backward("gelu 1M", [1 << 20]) { gelu($0[0]) },
      backward("add row 4M", [4096, 1024], [1024]) { $0[0] + $0[1] },
    ]
  }

  private static var reductions: [OperationCase] {
    [
      unary("sum 64K", [65536]) { $0.sum() },
      unary("sum 16M", [1 << 24]) { $0.sum() },
      unary("sum rows 4M", [4096, 1024]) { $0.sum(axes: [1]) },
      unary("sum columns 4M", [4096, 1024]) { $0.sum(axes: [0]) },
      unary("mean planes 6M", [32, 64, 56, 56]) { $0.mean(axes: [2, 3]) },
      unary("sum middle 4M", [64, 256, 256]) { $0.sum(axes: [1]) },
      unary("max 4M", [1 << 22]) { $0.max() },
      unary("max rows 4M", [4096, 1024]) { $0.max(axis: 1) },
      unary("argmax rows 4M", [4096, 1024]) { $0.argmax(axis: 1) },
      unary("argmax columns 4M", [4096, 1024]) { $0.argmax(axis: 0) },
      unary("variance rows 4M", [4096, 1024]) { $0.variance(axes: [1]) },
      unary("norm 4M", [1 << 22]) { $0.norm() },
      unary("logsumexp rows 1M", [1024, 1000]) { $0.logSumExp(axes: [1]) },
      unary("cumsum rows 1M", [1024, 1024]) { $0.cumulativeSum(axis: 1) },
      unary("product rows 1M", [1024, 1024], from: 0.9, to: 1.1) { $0.product(axis: 1) },
      OperationCase("any 1M") {
        let mask = numbers([1024, 1024]) .> 3
        return { _ = mask.any() }
      },
    ]
  }

  private static var rows: [OperationCase] {
    [
      unary("softmax 1M", [1024, 1000]) { softmax($0) },
      unary("log softmax 1M", [1024, 1000]) { logSoftmax($0) },
      unary("softmax planes 3M", [8, 21, 128, 128]) { softmax($0, axis: 1) },
      backward("softmax 1M", [1024, 1000]) { softmax($0[0]) },
      binary("layer norm 3M", [4096, 768], [768]) {
        layerNorm($0, over: [768], scale: $1, shift: $1)
      },
      backward("layer norm 3M", [4096, 768], [768]) {
        layerNorm($0[0], over: [768], scale: $0[1], shift: $0[1])
      },
      binary("rms norm 3M", [4096, 768], [768]) { rmsNorm($0, over: [768], scale: $1) },
    ]
  }

  private static var products: [OperationCase] {
    [
      binary("matmul 64", [64, 64], [64, 64]) { matmul($0, $1) },
      binary("matmul 256", [256, 256], [256, 256]) { matmul($0, $1) },
      binary("matmul 1024", [1024, 1024], [1024, 1024]) { matmul($0, $1) },
      binary("matmul batched", [64, 128, 64], [64, 64, 128]) { matmul($0, $1) },
      binary("matmul vector", [2048, 2048], [2048]) { matmul($0, $1) },
      binary("linear", [256, 1024], [1024, 1024]) { matmul($0, $1.transposed()) },
      backward("linear", [256, 1024], [1024, 1024]) { matmul($0[0], $0[1].transposed()) },
    ]
  }

  private static var moves: [OperationCase] {
    [
      unary("transpose copy 4M", [2048, 2048]) { $0.transposed().contiguous() },
      unary("channels last copy 6M", [8, 64, 112, 112]) { $0.channelsLast() },
      unary("permute copy 2M", [64, 128, 256]) { $0.permute([2, 0, 1]).contiguous() },
      unary("heads copy 3M", [16, 256, 12, 64]) { $0.permute([0, 2, 1, 3]).contiguous() },
      unary("slice copy 2M", [2048, 2048]) { $0.narrow(1, 512..<1536).contiguous() },
      unary("flip 1M", [1024, 1024]) { $0.flip([1]) },
      unary("roll 1M", [1024, 1024]) { $0.roll(100, axis: 1) },
      unary("pad 1M", [16, 16, 64, 64]) { pad($0, [(1, 1), (1, 1)]) },
      unary("tile 4M", [1024, 1024]) { $0.repeated([2, 2]) },
      unary("repeat interleave 4M", [1024, 1024]) { $0.repeatInterleave(4, axis: 1) },
      unary("pixel shuffle 2M", [8, 64, 64, 64]) { pixelShuffle($0, 2).contiguous() },
      binary("concatenate columns 2M", [1024, 1024], [1024, 1024]) {
        concatenate([$0, $1], axis: 1)
      },
      binary("concatenate rows 8M", [4096, 1024], [4096, 1024]) { concatenate([$0, $1], axis: 0) },
      binary("stack 2M", [1 << 20], [1 << 20]) { stack([$0, $1], axis: 1) },
      OperationCase("full 16M") { { _ = Tensor.full([1 << 24], 1) } },
    ]
  }

  private static var selections: [OperationCase] {
    [
      OperationCase("gather columns 512K") {
        let (x, i) = (numbers([4096, 1024]), integers([4096, 128], below: 1024))
        return { _ = x.gather(i, axis: 1) }
      },
      OperationCase("index select rows 4M") {
        let (x, i) = (numbers([65536, 64]), integers([65536], below: 65536))
        return { _ = x.indexSelect(i) }
      },
      OperationCase("index select rows 4M backward") {
        let (x, i) = (learned(numbers([65536, 64])), integers([65536], below: 65536))
        let ones = Tensor.ones([65536, 64])
        return { x.indexSelect(i).backward(ones) }
      },
      OperationCase("scatter add 512K") {
        let (x, i) = (numbers([4096, 1024]), integers([4096, 128], below: 1024))
        let value = numbers([4096, 128])
        return { _ = x.scatterAdd(value, at: i, axis: 1) }
      },
      OperationCase("mask select 1M") {
        let x = numbers([1 << 20])
        let mask = x .> 0
        return { _ = x[mask] }
      },
      OperationCase("nonzero 1M") {
        let mask = numbers([1024, 1024]) .> 0
        return { _ = mask.nonzero() }
      },
      unary("sort 1M", [1 << 20]) { $0.sorted() },
      unary("sort rows 1M", [1024, 1024]) { $0.sorted() },
      unary("top 10 of rows 1M", [1024, 1000]) { $0.topK(10) },
      unary("top 100 of 1M", [1 << 20]) { $0.topK(100) },
      OperationCase("unique 1M") {
        let x = integers([1 << 20], below: 1000)
        return { _ = x.unique() }
      },
    ]
  }

  /// Pictures lie in both programs as they like best.
  private static func picture(
    _ name: String, _ shape: Shape, _ function: @escaping (Tensor) -> Any
  ) -> OperationCase {
    OperationCase(name) {
      let x = numbers(shape).channelsLast()
      return { _ = function(x) }
    }
  }

  private static var maps: [OperationCase] {
    let channels = numbers([64])
    return [
      picture("max pool 3/2 6M", [8, 64, 112, 112]) {
        maxPool2d($0, kernel: (3, 3), stride: (2, 2), padding: (1, 1))
      },
      picture("average pool 2 6M", [8, 64, 112, 112]) { averagePool2d($0, kernel: (2, 2)) },
      picture("global pool 6M", [32, 64, 56, 56]) { adaptiveAveragePool2d($0, (1, 1)) },
      picture("bilinear x2 2M", [8, 64, 32, 32]) {
        interpolate($0, scale: [2, 2], mode: .linear)
      },
      picture("nearest x2 2M", [8, 64, 32, 32]) { interpolate($0, scale: [2, 2]) },
      picture("group norm 2M", [8, 64, 64, 64]) {
        groupNorm($0, groups: 8, scale: channels, shift: channels)
      },
      OperationCase("grid sample 2M") {
        let x = numbers([8, 32, 64, 64]).channelsLast()
        let grid = numbers([8, 64, 64, 2], from: -1, to: 1)
        return { _ = gridSample(x, grid) }
      },
    ]
  }

  private static var losses: [OperationCase] {
    [
      OperationCase("cross entropy 1M backward") {
        let (x, t) = (learned(numbers([1024, 1000])), integers([1024], below: 1000))
        return { crossEntropy(x, t).backward() }
      },
      OperationCase("squared error 1M backward") {
        let (x, y) = (learned(numbers([1 << 20])), numbers([1 << 20], from: -1))
        return { meanSquaredError(x, y).backward() }
      },
      OperationCase("smooth l1 1M backward") {
        let (x, y) = (learned(numbers([1 << 20])), numbers([1 << 20], from: -1))
        return { smoothL1Loss(x, y).backward() }
      },
      OperationCase("binary cross entropy 1M backward") {
        let (x, y) = (learned(numbers([1 << 20])), numbers([1 << 20], from: 0, to: 1))
        return { binaryCrossEntropy(logits: x, y).backward() }
      },
    ]
  }
}
