import CKernels

/// Convolution whose taps are moved, and weighed, anew at each place.
///
/// A row of the taps' values for each result, times the weights: one product of matrices for some
/// thousand results at a time, so that the rows stay in the cache. They are made again for the
/// gradient, not kept.
struct DeformableConvolution2d: TensorOperation {
  let attributes: ConvolutionAttributes
  let offsetGroups: Int
  let hasMask: Bool

  var name: String { "deformConv2d" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, offset) = (inputs[0].channelsLast(), inputs[1].channelsLast())
    let weight = inputs[2].contiguous()
    let mask = hasMask ? inputs[3].channelsLast() : nil
    let bias = inputs.count > (hasMask ? 4 : 3) ? inputs.last!.contiguous() : nil
    saved.keep(x, offset, weight)
    if let mask { saved.keep(mask) }
    let y = Tensor(uninitializedImage: attributes.output(x.shape, weight.shape))
    let plan = Plan(self, x, offset, mask, weight.shape, y.shape)
    let matrix = plan.matrix(weight)
    for n in 0..<x.shape[0] {
      for chunk in plan.chunks {
        let product = Kernels.product(
          plan.columns(n, chunk), matrix.transposed(), bias: nil, into: .float32)
        Strided.copy(from: product, to: plan.results(y, n, chunk))
      }
    }
    if let bias { y.addChannels(bias) }
    return y
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (x, offset, weight) = (saved[0], saved[1], saved[2])
    let mask = hasMask ? saved[3] : nil
    let gradient = gradient.channelsLast()
    let needs = saved.needs
    let plan = Plan(self, x, offset, mask, weight.shape, gradient.shape)
    let matrix = plan.matrix(weight)
    let dx = needs[0] ? Tensor(uninitializedImage: x.shape).zerosInOrder() : nil
    let doffset = needs[1] ? Tensor(uninitializedImage: offset.shape) : nil
    let dmatrix = needs[2] ? Tensor.zeros(matrix.shape) : nil
    let dmask = mask.flatMap { needs[3] ? Tensor(uninitializedImage: $0.shape) : nil }
    for n in 0..<x.shape[0] {
      for chunk in plan.chunks {
        let part = plan.results(gradient, n, chunk)
        if let dmatrix {
          let product = Kernels.product(
            part.transposed(), plan.columns(n, chunk), bias: nil, into: .float32)
          Strided.accumulate(product, into: dmatrix)
        }
        guard dx != nil || doffset != nil || dmask != nil else { continue }
        let columns = Kernels.product(part, matrix, bias: nil, into: .float32)
        if let dx { plan.scatter(columns, n, chunk, into: dx) }
        if doffset != nil || dmask != nil { plan.slopes(columns, n, chunk, doffset, dmask) }
      }
    }
    let dweight = dmatrix.map { plan.weight($0) }
    var result: [Tensor?] = [dx, doffset, dweight]
    if hasMask { result.append(dmask) }
    if needs.count > result.count {
      result.append(needs.last! ? gradient.sum(axes: [0, 2, 3]) : nil)
    }
    return result
  }
}

extension DeformableConvolution2d {
  /// The sizes of one run, and its parts.
  private struct Plan {
    let x, offset: Tensor
    let mask: Tensor?
    let weight: Shape
    let form: saker_deformable
    /// Of one picture's results.
    let pixels: Int
    let groups, taps, outputs: Int

    init(
      _ operation: DeformableConvolution2d, _ x: Tensor, _ offset: Tensor, _ mask: Tensor?,
      _ weight: Shape, _ y: Shape
    ) {
      let attributes = operation.attributes
      (self.x, self.offset, self.mask, self.weight) = (x, offset, mask, weight)
      pixels = y[2] * y[3]
      groups = attributes.groups
      taps = weight[2] * weight[3]
      outputs = weight[0]
      form = saker_deformable(
        height: Int32(x.shape[2]), width: Int32(x.shape[3]), channels: Int32(x.shape[1]),
        out_width: Int32(y[3]), kernel_height: Int32(weight[2]), kernel_width: Int32(weight[3]),
        stride_y: Int32(attributes.stride[0]), stride_x: Int32(attributes.stride[1]),
        top: Int32(attributes.before[0]), left: Int32(attributes.before[1]),
        dilation_y: Int32(attributes.dilation[0]), dilation_x: Int32(attributes.dilation[1]),
        offset_groups: Int32(operation.offsetGroups), groups: Int32(groups), first: 0, count: 0)
    }

    /// Results whose rows take 4 MB.
    var chunks: [Range<Int>] {
      let size = max(1, (1 << 20) / (taps * x.shape[1]))
      return stride(from: 0, to: pixels, by: size).map { $0..<min($0 + size, pixels) }
    }

    /// `[groups, out / groups, taps * in / groups]` of a weight.
    func matrix(_ tensor: Tensor) -> Tensor {
      tensor.reshape([groups, outputs / groups, weight[1], taps]).permute([0, 1, 3, 2])
        .reshape([groups, outputs / groups, taps * weight[1]])
    }

    /// The weight of such a matrix.
    func weight(_ matrix: Tensor) -> Tensor {
      matrix.reshape([groups, outputs / groups, taps, weight[1]]).permute([0, 1, 3, 2])
        .reshape(weight)
    }

    /// `[groups, results, out / groups]`, a view.
    func results(_ y: Tensor, _ n: Int, _ chunk: Range<Int>) -> Tensor {
      Tensor(
        storage: y.storage, shape: [groups, chunk.count, outputs / groups],
        strides: [outputs / groups, outputs, 1],
        offset: y.offset + (n * pixels + chunk.lowerBound) * outputs, dtype: .float32)
    }

    private func part(_ tensor: Tensor, _ n: Int) -> UnsafeMutablePointer<Float> {
      tensor.pointer(Float.self) + n * (tensor.count / tensor.shape[0])
    }

    private func form(_ chunk: Range<Int>) -> saker_deformable {
      var form = form
      (form.first, form.count) = (chunk.lowerBound, chunk.count)
      return form
    }

    /// `[groups, results, taps * in / groups]`
    func columns(_ n: Int, _ chunk: Range<Int>) -> Tensor {
      let result = Tensor(uninitialized: [groups, chunk.count, taps * weight[1]])
      let (from, shifts, factors, to) = (
        part(x, n), part(offset, n), mask.map { part($0, n) }, result.pointer(Float.self)
      )
      let form = form(chunk)
      Parallel.run(chunk.count, grain: max(1, 8192 / (taps * x.shape[1]))) { rows in
        withUnsafePointer(to: form) {
          saker_deformable_columns(
            $0, from, shifts, factors, to, chunk.lowerBound + rows.lowerBound,
            chunk.lowerBound + rows.upperBound)
        }
      }
      return result
    }

    func scatter(_ columns: Tensor, _ n: Int, _ chunk: Range<Int>, into dx: Tensor) {
      let (from, shifts, factors, to) = (
        columns.pointer(Float.self), part(offset, n), mask.map { part($0, n) }, part(dx, n)
      )
      let form = form(chunk)
      // Several results add to one pixel: threads keep to channels of their own.
      Parallel.run(x.shape[1], grain: 8) { channels in
        withUnsafePointer(to: form) {
          saker_deformable_scatter(
            $0, from, shifts, factors, to, Int32(channels.lowerBound), Int32(channels.upperBound))
        }
      }
    }

    func slopes(
      _ columns: Tensor, _ n: Int, _ chunk: Range<Int>, _ doffset: Tensor?, _ dmask: Tensor?
    ) {
      let (from, values, shifts, factors) = (
        columns.pointer(Float.self), part(x, n), part(offset, n), mask.map { part($0, n) }
      )
      let (toOffset, toMask) = (doffset.map { part($0, n) }, dmask.map { part($0, n) })
      let form = form(chunk)
      Parallel.run(chunk.count, grain: max(1, 8192 / (taps * x.shape[1]))) { rows in
        withUnsafePointer(to: form) {
          saker_deformable_offsets(
            $0, values, shifts, factors, from, toOffset, toMask,
            chunk.lowerBound + rows.lowerBound, chunk.lowerBound + rows.upperBound)
        }
      }
    }
  }
}

/// Deformable convolution: a convolution that reads each tap at the tap's place plus an offset,
/// bilinear between the pixels, zero outside. Dai et al., arXiv:1703.06211; with `mask`, which
/// weighs the taps, version 2: Zhu et al., arXiv:1811.11168.
///
/// - Parameters:
///   - x: `[N, in, H, W]`.
///   - offset: `[N, 2 G height width, H', W']` in pixels: for each of G groups of input channels
///     and each tap (y, x). One that is not finite reads zero.
///   - weight: `[out, in / groups, height, width]`, float32.
///   - mask: `[N, G height width, H', W']`, as the network has it: a sigmoid is the caller's.
///   - bias: `[out]`, float32.
/// - Returns: `[N, out, H', W']` in the type of `x`; a gradient goes to all five.
public func deformConv2d(
  _ x: Tensor, offset: Tensor, _ weight: Tensor, mask: Tensor? = nil, bias: Tensor? = nil,
  stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1),
  groups: Int = 1
) -> Tensor {
  let op = "deformConv2d"
  check(x.rank == 4, op: op, expected: "[N, C, H, W]", got: x.shape)
  check(
    weight.rank == 4, op: op, expected: "a weight [out, in / groups, height, width]",
    got: weight.shape)
  var attributes = ConvolutionAttributes()
  (attributes.stride, attributes.dilation) = (
    [stride.0, stride.1], [dilation.0, dilation.1]
  )
  attributes.before = [padding.0, padding.1]
  (attributes.after, attributes.groups) = (attributes.before, groups)
  checkWeights(
    weight, bias, channels: weight.shape[1] * max(groups, 1), of: x, results: weight.shape[0],
    attributes, op: op)
  let y = attributes.output(x.shape, weight.shape)
  check(
    weight.shape[0] % groups == 0 && y.allSatisfy { $0 >= 1 } && x.count > 0, op: op,
    expected: "pictures at least as large as the kernel \(weight.shape)", got: x.shape)
  let taps = weight.shape[2] * weight.shape[3]
  let offsetGroups = offset.rank == 4 ? offset.shape[1] / (2 * taps) : 0
  check(
    offsetGroups >= 1 && x.shape[1] % max(offsetGroups, 1) == 0
      && offset.shape == [x.shape[0], 2 * offsetGroups * taps, y[2], y[3]], op: op,
    expected: "offsets [\(x.shape[0]), 2 G \(taps), \(y[2]), \(y[3])], G a part of the channels",
    got: offset.shape)
  check(
    mask == nil || mask!.shape == [x.shape[0], offsetGroups * taps, y[2], y[3]], op: op,
    expected: "a mask [\(x.shape[0]), \(offsetGroups * taps), \(y[2]), \(y[3])]",
    got: mask?.shape ?? [])
  check(
    offset.dtype.isFloating && mask?.dtype.isFloating ?? true, op: op,
    expected: "floating offsets and mask", got: offset.dtype)
  let operation = DeformableConvolution2d(
    attributes: attributes, offsetGroups: offsetGroups, hasMask: mask != nil)
  let inputs =
    [x.converted(to: .float32), offset.converted(to: .float32), weight]
    + [mask?.converted(to: .float32), bias].compactMap { $0 }
  return apply(operation, to: inputs).converted(to: x.dtype)
}
