import CKernels

/// A convolution in bfloat16 as a product of matrices: each pixel of the result is a row of all
/// that it reads, times the weights. Chellapilla, Puri & Simard, "High performance convolutional
/// neural networks for document processing", 2006.
///
/// With matrix units (AMX) oneDNN's products run at three to seven times the rate of its
/// convolutions where a map's rows are shorter than a tile's sixteen. (Tried in float32, where
/// strided convolutions have no Winograd form: not faster, and the rows are twice as large.)
struct LoweredConvolution {
  let x, y, weight: Shape
  let attributes: ConvolutionAttributes

  /// Nothing where it would not pay.
  init?(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType
  ) {
    guard dtype == .bfloat16, x.rank == 4, attributes.groups == 1, weight[2] * weight[3] > 1,
      weight[0] % 32 == 0, weight[1] % 32 == 0, weight[0] >= 64, weight[1] >= 64,
      Convolutions.setting != .direct, InstructionSet.hasMatrixUnits
    else { return nil }
    self.init(always: x, weight, attributes)
    guard y.elements > 0, Int32(exactly: y.elements / weight[0]) != nil, pays(pass) else {
      return nil
    }
  }

  init(always x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes) {
    (self.x, self.weight, self.attributes) = (x, weight, attributes)
    y = attributes.output(x, weight)
  }

  private func pays(_ pass: ConvolutionPass) -> Bool {
    let isStrided = attributes.stride != [1, 1]
    return switch pass {
    // Weights that stay are kept in the layout of oneDNN's kernels, which then need no
    // passes over rows.
    case .inference: false
    case .forward: y[3] <= 5
    case .data: !isStrided && y[3] <= 5
    case .weights: y[3] <= (isStrided ? 14 : 7)
    }
  }

  // MARK: - The matrix

  /// Numbers of a row.
  private var length: Int { weight[1] * weight[2] * weight[3] }

  /// Pictures whose rows are made at a time: 32 MB, or one.
  private var share: Int { max(1, (32 << 20) / (DType.bfloat16.size * length * y[2] * y[3])) }

  private func forEachShare(_ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: x[0], by: share) {
      body(first..<min(x[0], first + share))
    }
  }

  /// How rows read `x`; `turned`, how those for its gradient read that of the result.
  private func raw(turned: Bool = false) -> saker_lowering {
    func pair(_ a: [Int]) -> (Int32, Int32) { (Int32(a[0]), Int32(a[1])) }
    let (from, to, sign) = turned ? (y, x, -1) : (x, y, 1)
    return saker_lowering(
      height: Int32(from[2]), width: Int32(from[3]), rows: Int32(to[2]), columns: Int32(to[3]),
      bytes: Int32(from[1] * DType.bfloat16.size), taps: (Int32(weight[2]), Int32(weight[3])),
      stride: pair(attributes.stride), before: pair(attributes.before.map { sign * $0 }),
      dilation: pair(attributes.dilation.map { sign * $0 }))
  }

  /// The rows of these pictures of a channels-last map, `[1, rows, length]`.
  private func rows(_ map: Tensor, _ pictures: Range<Int>, turned: Bool = false) -> Tensor {
    let shape = raw(turned: turned)
    let count = pictures.count * Int(shape.rows * shape.columns)
    let size = Int(shape.bytes) * weight[2] * weight[3]
    let result = Tensor(uninitialized: [1, count, size / DType.bfloat16.size], .bfloat16)
    let picture = Int(shape.bytes * shape.height * shape.width)
    let from = map.pointer(UInt8.self) + pictures.lowerBound * picture
    let to = result.pointer(UInt8.self)
    Parallel.run(count, grain: max(1, 65536 / size)) { part in
      saker_lower(
        from, shape, Int32(part.lowerBound), Int32(part.upperBound), to + part.lowerBound * size)
    }
    return withExtendedLifetime(map) { result }
  }

  /// A channels-last map's pixels of these pictures as `[1, pixels, channels]`, where they lie.
  private func pixels(_ map: Tensor, _ pictures: Range<Int>) -> Tensor {
    let shape = map.shape
    let (channels, each) = (shape[1], shape[2] * shape[3])
    return Tensor(
      storage: map.storage, shape: [1, pictures.count * each, channels],
      strides: [pictures.count * each * channels, channels, 1],
      offset: map.offset + pictures.lowerBound * each * channels, dtype: map.dtype)
  }

  private var plainLayout: MemoryDescription {
    MemoryDescription(weight, .float32, weight.rowMajorStrides)
  }

  /// All channels of a tap together, as rows have them; `turned`, those of the result.
  private func tapLayout(_ dtype: DType, turned: Bool = false) -> MemoryDescription {
    let (out, inputs, taps, across) = (weight[0], weight[1], weight[2] * weight[3], weight[3])
    return MemoryDescription(
      weight, dtype,
      turned ? [1, taps * out, across * out, out] : [taps * inputs, 1, inputs * across, inputs])
  }

  /// The weights as `[out, length]`; `turned`, as `[in, taps * out]`.
  private func matrix(_ weight: Tensor, turned: Bool = false) -> Tensor {
    let layout = tapLayout(.bfloat16, turned: turned)
    let (storage, _) = Kernels.reorder(
      weight.storage, weight.raw, from: plainLayout.raw, to: layout.raw,
      [turned ? 5 : 3, 0] + weight.shape.sizes)
    let lines = self.weight[turned ? 1 : 0]
    return Tensor(
      storage: storage, shape: [lines, weight.count / lines], strides: [weight.count / lines, 1],
      offset: 0, dtype: .bfloat16)
  }

  // MARK: - Products

  /// oneDNN's of rows and the transposed `matrix`.
  private func product(_ rows: Tensor, _ matrix: Tensor, _ bias: Tensor?) -> Tensor {
    let turned = Tensor(
      storage: matrix.storage, shape: [1, matrix.shape[1], matrix.shape[0]],
      strides: [matrix.count, 1, matrix.shape[1]], offset: matrix.offset, dtype: .bfloat16)
    return Kernels.product(rows, turned, bias: bias, into: .bfloat16)
  }

  private func copy(_ values: Tensor, into map: Tensor, _ pictures: Range<Int>) {
    let target = pixels(map, pictures)
    Strided.copy(from: values, to: target)
  }

  // MARK: - Passes

  /// `x` channels-last, `weight` and `bias` float32 and contiguous.
  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    let result = Tensor(uninitializedImage: y, .bfloat16)
    let matrix = matrix(weight)
    forEachShare { pictures in
      copy(product(rows(x, pictures), matrix, bias), into: result, pictures)
    }
    return result
  }

  /// The gradient of `x`.
  func backwardData(_ gradient: Tensor, _ weight: Tensor) -> Tensor {
    // Of stride 1: a pixel's gradient is the sum over the taps by which the result read it.
    let result = Tensor(uninitializedImage: x, .bfloat16)
    let matrix = matrix(weight, turned: true)
    forEachShare { pictures in
      let rows = rows(gradient, pictures, turned: true)
      copy(product(rows, matrix, nil), into: result, pictures)
    }
    return result
  }

  /// The gradient of the weight, float32.
  func backwardWeights(_ x: Tensor, _ gradient: Tensor) -> Tensor {
    // Before what goes again: holes between things that stay would be lost to large maps.
    let result = Tensor(uninitialized: weight)
    var sum: Tensor?
    forEachShare { pictures in
      let (rows, dy) = (rows(x, pictures), pixels(gradient, pictures))
      let (count, out) = (rows.shape[1], weight[0])
      let turned = Tensor(
        storage: dy.storage, shape: [1, out, count], strides: [count * out, 1, out],
        offset: dy.offset, dtype: .bfloat16)
      let part = Kernels.product(turned, rows, bias: nil, into: .float32)
      sum = sum.map { $0.adding(inPlace: part) } ?? part
    }
    Kernels.reorder(
      sum!.raw, tapLayout(.float32).raw, result.raw, plainLayout.raw, [4] + weight.sizes)
    return withExtendedLifetime(sum) { result }
  }
}
