import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Laws, small cases by hand and odd input of the normalizations.
struct NormalizationTests {
  private let x = random([3, 6, 5, 4], seed: 1, in: -1...3)

  // MARK: - Groups: E7 and E10 of the catalogue

  /// One group is layer norm over (C, H, W), C groups are instance norm, not the other way round
  /// (E7).
  @Test func oneGroupIsLayerNormAndAllGroupsAreInstanceNorm() {
    let one = GroupNorm(1, 6, affine: false)(x)
    expectClose(one, LayerNorm([6, 5, 4], affine: false)(x))
    let all = GroupNorm(6, 6, affine: false)(x)
    expectClose(all, InstanceNorm2d(6)(x))
    #expect(zip(one.floats, all.floats).contains { abs($0 - $1) > 0.01 })
  }

  /// Groups are neighbours, the upper end excluded; the root is over the whole mean and ε (E10).
  @Test func groupNormByHand() {
    let x = Tensor([1, 3, 10, 20, 5, 5] as [Float], [1, 6])
    let y = GroupNorm(3, 6, epsilon: 1, affine: false)(x)
    // Means 2, 15, 5; variances 1, 25, 0.
    let (two, many) = (Float(2).squareRoot(), Float(26).squareRoot())
    expectClose(y, [-1 / two, 1 / two, -5 / many, 5 / many, 0, 0])
  }

  @Test func groupNormIsIndependentOfTheBatch() {
    let layer = GroupNorm(2, 6)
    let alone = layer(x.narrow(0, 1..<2)).floats
    #expect(layer(x).narrow(0, 1..<2).floats == alone)
  }

  /// A sum over blocks and threads is the sum; more than one block of parameters' gradients.
  @Test(arguments: [1, 2, 3])
  func largeMapsAreRightForAnyNumberOfThreads(_ threads: Int) {
    let before = Parallel.threads
    defer { Parallel.threads = before }
    let maps = random([2, 20, 33, 40], seed: 2, in: 3...5).channelsLast()
    let rows = random([700, 96], seed: 3, in: 3...5)
    func run() -> [Float] {
      let (group, layer) = (GroupNorm(5, 20), LayerNorm(96))
      let (a, b) = (Parameter(maps), Parameter(rows))
      (group(a.value) * maps).sum().backward()
      (layer(b.value) * rows).sum().backward()
      return [a, b, group.weight!, group.bias!, layer.weight!, layer.bias!].flatMap {
        $0.gradient!.floats
      }
    }
    Parallel.threads = 2
    let expected = run()
    Parallel.threads = threads
    #expect(run() == expected)
    // By definition, in double precision.
    let values = rows.floats.map { Double($0) }
    var dScale = [Float](repeating: 0, count: 96)
    for row in 0..<700 {
      let part = values[row * 96..<(row + 1) * 96]
      let mean = part.reduce(0, +) / 96
      let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 96
      for (i, v) in part.enumerated() {
        dScale[i] += Float(v * (v - mean) / (variance + 1e-5).squareRoot())
      }
    }
    let layer = LayerNorm(96)
    (layer(rows) * rows).sum().backward()
    expectClose(layer.weight!.gradient!, dScale, relative: 1e-4)
  }

  // MARK: - Layer and root mean square norm

  /// Scalar statistics over the features: √(variance + ε) of the biased variance.
  @Test func layerNormByHand() {
    let x = Tensor([1, 3, 5, 7, 2, 2, 2, 2] as [Float], [2, 4])
    let root = Float(6).squareRoot()
    expectClose(
      LayerNorm(4, epsilon: 1)(x), [-3 / root, -1 / root, 1 / root, 3 / root, 0, 0, 0, 0])
    expectClose(
      RMSNorm(4, epsilon: 4)(x),
      [1, 3, 5, 7].map { $0 / Float(25).squareRoot() }
        + [Float](repeating: 2 / Float(8).squareRoot(), count: 4))
  }

  /// A large mean costs no digits.
  @Test(arguments: [1, 5, 16, 17, 70, 5000])
  func layerNormOfALargeMean(_ width: Int) {
    let small = random([3, width], seed: UInt64(width))
    // Steps of 1/256 are exact next to 4096.
    let steps = round(small * 256) / 256
    expectClose(
      LayerNorm(width)(steps + 4096), LayerNorm(width)(steps), absolute: 2e-3)
    // Mean 0 and variance 1.
    guard width > 1 else { return }
    let y = LayerNorm(width)(steps)
    expectClose(y.mean(axes: [1]), .zeros([3]), absolute: 1e-5)
    expectClose(y.variance(axes: [1], correction: 0), .ones([3]), relative: 1e-3)
  }

  @Test func scalingTheInputOfRMSNormChangesNothing() {
    expectClose(RMSNorm(20)(x.flatten(from: 2) * 7), RMSNorm(20)(x.flatten(from: 2)))
  }

  // MARK: - Instance norm: E9

  /// Without affine parameters as in PyTorch, or with them (E9).
  @Test func instanceNormIsThereInBothForms() {
    #expect(InstanceNorm2d(6).parameters.isEmpty && InstanceNorm2d(6).state.isEmpty)
    let affine = InstanceNorm2d(6, affine: true)
    #expect(affine.namedParameters.map(\.name) == ["weight", "bias"])
    affine.weight!.value = .full([6], 2)
    affine.bias!.value = .full([6], -3)
    expectClose(affine(x), InstanceNorm2d(6)(x) * 2 - 3)
    #expect(
      InstanceNorm1d(6, trackingStatistics: true).namedBuffers.map(\.name)
        == ["running_mean", "running_var", "num_batches_tracked"])
  }

  // MARK: - Local response norm: E12

  /// 2 channels, window 3: each sees both. The paper's α multiplies the sum, PyTorch's the mean.
  @Test func localResponseByHand() {
    let x = Tensor([3, 4] as [Float], [1, 2])
    let sum = localResponseNorm(x, size: 3, alpha: 2, beta: 1, k: 10, convention: .sum)
    expectClose(sum, [Float(3) / 60, Float(4) / 60])
    let mean = localResponseNorm(x, size: 3, alpha: 2, beta: 0.5, k: 10)
    let root = (10 + Float(50) / 3).squareRoot()
    expectClose(mean, [3 / root, 4 / root])
    let alexNet = LocalResponseNorm.alexNet
    #expect(alexNet.size == 5 && alexNet.k == 2 && alexNet.alpha == 1e-4 && alexNet.beta == 0.75)
    expectClose(
      alexNet(x * 100), [300, 400].map { $0 / Foundation.pow(2 + 1e-4 * 250_000, Float(0.75)) })
  }

  // MARK: - Batch norm: Keras, E3, E4 and `trainable`

  @Test func kerasWordsMeanOtherThings() {
    let norm = BatchNorm1d(1, convention: .keras)
    #expect(norm.epsilon == 1e-3 && norm.momentum == 0.99)
    let x = Tensor([1, 3, 5, 7] as [Float], [4, 1])
    _ = norm(x)
    // A hundredth of the new mean 4; of the biased variance 5, not of 20/3 (E4).
    expectClose(norm.runningMean!.value, [0.04])
    expectClose(norm.runningVar!.value, [0.99 + 0.05])
    let torch = BatchNorm1d(1, convention: .torch)
    #expect(torch.epsilon == 1e-5 && torch.momentum == 0.1)
    _ = torch(x)
    expectClose(torch.runningVar!.value, [0.9 + Float(2) / 3])
  }

  /// TensorFlow 2: not trainable means inference. PyTorch: weights that do not learn say nothing
  /// about statistics.
  @Test(arguments: [BatchNorm.Convention.keras, .torch])
  func notTrainable(_ convention: BatchNorm.Convention) {
    let norm = BatchNorm2d(6, convention: convention)
    norm.trainable = false
    norm.train()
    let y = norm(x)
    #expect(norm.weight!.isFrozen && norm.bias!.isFrozen && !norm.trainable)
    let moved = norm.runningMean!.value.floats.contains { $0 != 0 }
    #expect(moved == (convention == .torch))
    if convention == .keras { expectClose(y, x / Float(1.001).squareRoot()) }
    norm.trainable = true
    _ = norm(x)
    #expect(norm.trainable && !norm.weight!.isFrozen)
    #expect(norm.runningMean!.value.floats.contains { $0 != 0 })
  }

  // MARK: - Batch renormalization

  /// With limits wide enough, training gives what evaluation gives; with none, batch norm.
  @Test func renormalizationLiesBetweenBatchNormAndEvaluation() {
    let layer = BatchRenorm(6, limits: .init(rMax: 1000, dMax: 1000))
    layer.runningMean.value = random([6], seed: 2)
    layer.runningStd.value = random([6], seed: 3, in: 0.5...2)
    layer.eval()
    let expected = layer(x)
    layer.train()
    expectClose(layer(x), expected)
    let norm = BatchNorm2d(6, epsilon: 1e-3)
    layer.limits = .none
    expectClose(layer(x), norm(x))
  }

  @Test func limitsOfThePaper() {
    typealias Limits = BatchRenorm.Limits
    #expect(BatchRenorm.limits(atStep: 0) == .none && BatchRenorm.limits(atStep: 5000) == .none)
    #expect(BatchRenorm.limits(atStep: 15_000).dMax == 2.5)
    #expect(BatchRenorm.limits(atStep: 22_500).rMax == 2)
    #expect(BatchRenorm.limits(atStep: 1_000_000) == Limits(rMax: 3, dMax: 5))
  }

  // MARK: - Synchronized batch norm

  /// Two threads with unequal shares of a batch give what one layer gives for the whole.
  @Test(arguments: [[1, 2], [3, 0]])
  func replicasAreTheWholeBatch(_ shares: [Int]) {
    let whole = BatchNorm2d(6)
    let weights = (random([6], seed: 5), random([6], seed: 6))
    (whole.weight!.value, whole.bias!.value) = weights
    let gradient = random(x.shape, seed: 7)
    let input = Parameter(x)
    let y = whole(input.value)
    y.backward(gradient)

    let reducer = ThreadReducer(replicas: 2)
    nonisolated(unsafe) let layers = shares.map { _ in SyncBatchNorm(6, reducer: reducer) }
    for layer in layers { (layer.weight.value, layer.bias.value) = weights }
    let inputs = [Parameter(x.narrow(0, 0..<shares[0])), Parameter(x.narrow(0, shares[0]..<3))]
    let parts = [0..<shares[0], shares[0]..<3]
    nonisolated(unsafe) var outputs: [Tensor?] = [nil, nil]
    let lock = NSLock()
    DispatchQueue.concurrentPerform(iterations: 2) { i in
      let result = layers[i](inputs[i].value)
      result.backward(gradient.narrow(0, parts[i]))
      lock.withLock { outputs[i] = result.detached() }
    }
    for i in 0..<2 where !parts[i].isEmpty {
      expectClose(outputs[i]!, y.narrow(0, parts[i]).detached())
      expectClose(inputs[i].gradient!, input.gradient!.narrow(0, parts[i]))
      expectClose(layers[i].runningMean.value, whole.runningMean!.value)
      expectClose(layers[i].runningVar.value, whole.runningVar!.value)
    }
    expectClose(
      layers[0].weight.gradient! + layers[1].weight.gradient!, whole.weight!.gradient!)
    expectClose(layers[0].bias.gradient! + layers[1].bias.gradient!, whole.bias!.gradient!)
    #expect(
      layers[0].state.map(\.name).sorted() == whole.state.map(\.name).sorted())
    layers[0].eval()
    whole.eval()
    expectClose(layers[0](x), whole(x))
  }

  @Test func momentsOfPartsAreThoseOfTheWhole() {
    let a = BatchMoments(mean: [1_000_001], variance: [2], count: 4)
    let b = BatchMoments(mean: [1_000_004], variance: [0], count: 2)
    let none = BatchMoments(mean: [7], variance: [7], count: 0)
    // Mean + 2; variance (4 (2 + 1) + 2 · 4) / 6.
    let all = BatchMoments.combined([a, none, b])
    #expect(all.count == 6 && abs(all.mean[0] - 1_000_002) < 1e-6)
    #expect(abs(all.variance[0] - 20.0 / 6) < 1e-9)
  }

  // MARK: - Weight norm: E8

  /// y = g v·x / ‖v‖ + b (E8), and the paper's two gradients.
  @Test func weightNormByHand() {
    let layer = WeightNorm(Linear(2, 1))
    layer.weightV.value = Tensor([3, 4] as [Float], [1, 2])
    layer.weightG.value = Tensor([10] as [Float], [1, 1])
    layer.layer.bias!.value = Tensor([0.5] as [Float])
    let x = Tensor([1, 2] as [Float], [1, 2])
    let y = layer(x)
    expectClose(y, [10 * 11 / 5 + 0.5])
    y.backward(.ones([1, 1]))
    // ∇w = x: ∇g = x·v / ‖v‖ = 11/5; ∇v = 10/5 x − 10 (11/5) / 25 v.
    expectClose(layer.weightG.gradient!, [2.2])
    expectClose(layer.weightV.gradient!, [2 - 0.88 * 3, 4 - 0.88 * 4])
  }

  @Test func weightNormStartsAsTheLayerAndEndsAsOne() {
    let conv = Conv2d(4, 6, kernel: 3, padding: 1, mode: .reflect)
    let picture = random([2, 4, 5, 5], seed: 1)
    let expected = conv(picture)
    let norm = WeightNorm(conv)
    #expect(norm.namedParameters.map(\.name) == ["weight_g", "weight_v", "bias"])
    #expect(norm.weightG.shape == [6, 1, 1, 1])
    expectClose(norm(picture), expected)
    norm.weightG.value = norm.weightG.value.detached() * 2
    norm.weightV.value = norm.weightV.value.detached() * 3
    let scaled = norm(picture)
    expectClose(norm.removed()(picture), scaled)
    #expect(Sequential(norm).namedParameters.map(\.name) == ["0.weight_g", "0.weight_v", "0.bias"])
  }

  // MARK: - Cosine norm

  @Test func cosineNormIsACosine() {
    let norm = CosineNorm(Linear(2, 2, bias: false))
    norm.layer.weight.value = Tensor([0, 2, 3, 4] as [Float], [2, 2])
    let x = Tensor([5, 0, 3, 4, 0, 0] as [Float], [3, 2])
    let y = norm(x)
    expectClose(y, [0, 0.6, 0.8, 1, 0, 0])
    // The length of the input says nothing, and 0 gives a gradient that is a number.
    expectClose(norm(x * 100), y)
    let zero = Parameter(.zeros([1, 2]))
    norm(zero.value).sum().backward()
    #expect(zero.gradient!.floats.allSatisfy { $0.isFinite })
    let conv = CosineNorm(Conv2d(3, 8, kernel: 3, padding: 1, bias: false))
    #expect(conv(random([2, 3, 9, 9], seed: 1)).floats.allSatisfy { abs($0) <= 1.0001 })
    #expect(conv.namedParameters.map(\.name) == ["weight"])
  }

  // MARK: - Folding

  private func trained(_ channels: Int) -> BatchNorm {
    let norm = BatchNorm(channels)
    norm.runningMean!.value = random([channels], seed: 21)
    norm.runningVar!.value = random([channels], seed: 22, in: 0.5...2)
    norm.weight!.value = random([channels], seed: 23)
    norm.bias!.value = random([channels], seed: 24)
    norm.eval()
    return norm
  }

  @Test func foldedLayersGiveTheSame() {
    for bias in [true, false] {
      let conv = Conv2d(6, 8, kernel: 3, stride: 2, padding: 1, groups: 2, bias: bias)
      let norm = trained(8)
      expectClose(fold(conv, norm)(x), norm(conv(x)))
      let linear = Linear(6, 8, bias: bias)
      let rows = random([5, 6], seed: 9)
      expectClose(fold(linear, norm)(rows), norm(linear(rows)))
    }
    expectClose(trained(6).convolution(x), trained(6)(x))
  }

  @Test func aModelFoldsItsBatchNorms() {
    let model = Sequential(
      BatchNorm(6, trackingStatistics: false), Conv2d(6, 8, kernel: 3, bias: false), trained(8),
      ReLU(), Sequential(Conv2d(8, 4, kernel: 1), trained(4)), AdaptiveAvgPool2d(1), Flatten(),
      Linear(4, 3), trained(3), ReLU())
    model.eval()
    let folded = model.foldingBatchNorms()
    #expect(folded.count == 8)
    expectClose(folded(x), model(x))
    #expect(!folded.namedParameters.isEmpty)
  }

  /// A dry run leaves statistics alone, and waits for no replica.
  @Test func dryRunsLeaveNoTrace() {
    let model = Sequential(
      SyncBatchNorm(6, reducer: ThreadReducer(replicas: 2)), BatchRenorm(6),
      InstanceNorm2d(6, trackingStatistics: true))
    let before = model.state.map { $0.tensor.scalars(as: Float.self) }
    #expect(model.trainingProblems { _ = model(x) }.isEmpty)
    #expect(model.state.map { $0.tensor.scalars(as: Float.self) } == before)
  }

  // MARK: - Odd input

  @Test func lowPrecisionAndEmptyBatches() {
    let layers: [(any Layer, Shape)] = [
      (LayerNorm(4), [0, 6, 5, 4]), (RMSNorm(4), [0, 6, 5, 4]), (GroupNorm(2, 6), [0, 6, 5, 4]),
      (InstanceNorm2d(6, affine: true), [0, 6, 5, 4]), (LocalResponseNorm(3), [0, 6, 5, 4]),
      (PReLU(6), [0, 6, 5, 4]), (SELU(), [0, 3]), (GroupNorm(2, 6), [2, 6, 0, 4]),
    ]
    for (layer, shape) in layers {
      let input = Parameter(.zeros(shape))
      let y = layer(input.value)
      #expect(y.shape == shape, "\(layer)")
      y.sum().backward()
      #expect(layer.parameters.allSatisfy { $0.gradient!.floats.allSatisfy { $0 == 0 } })
    }
    for layer in [LayerNorm(4), RMSNorm(4), GroupNorm(2, 6), InstanceNorm2d(6)] as [any Layer] {
      let y = layer(x.converted(to: .bfloat16))
      #expect(y.dtype == .bfloat16)
      expectClose(y, layer(x), absolute: 0.05)
    }
  }

  @Test func strangeMemoryOrdersAreFine() {
    let turned = x.permute([3, 1, 0, 2])
    let plain = Tensor(turned.floats, turned.shape)
    for layer in [
      LayerNorm([3, 5]), RMSNorm(5), GroupNorm(3, 6), InstanceNorm2d(6), LocalResponseNorm(3),
      PReLU(6), PReLU(), SELU(), GELU(),
    ] as [any Layer] {
      func run(_ x: Tensor) -> [Float] {
        let leaf = Parameter(plain)
        let way =
          x.isContiguous
          ? leaf.value : leaf.value.permute([2, 1, 3, 0]).contiguous().permute([3, 1, 0, 2])
        let y = layer(way)
        (y * plain).sum().backward()
        return y.floats + leaf.gradient!.floats
      }
      expectClose(run(turned), run(plain), "\(layer)")
    }
    // Rows of a transposed matrix.
    let matrix = random([6, 5], seed: 3).transposed()
    let rows = Tensor(matrix.floats, matrix.shape)
    expectClose(GroupNorm(2, 6)(matrix), GroupNorm(2, 6)(rows))
    expectClose(LocalResponseNorm(3)(matrix), LocalResponseNorm(3)(rows))
    expectClose(PReLU(6)(matrix), PReLU(6)(rows))
  }

  /// NaN and infinity stay in their sample.
  @Test func infinitiesStayInTheirGroup() {
    var values = x.floats
    values[7] = .infinity
    let spoiled = Tensor(values, x.shape)
    for layer in [GroupNorm(6, 6), LayerNorm([6, 5, 4])] as [any Layer] {
      let y = layer(spoiled)
      #expect(y.narrow(0, 0..<1).floats.contains { $0.isNaN })
      #expect(y.narrow(0, 1..<3).floats == layer(x).narrow(0, 1..<3).floats)
    }
    #expect(GroupNorm(6, 6)(spoiled).narrow(1, 1..<6).floats.allSatisfy { $0.isFinite })
  }

  @Test func wrongShapesStop() async {
    expectStopped(
      saying: "layerNorm: expected a floating tensor whose last axes are [5]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = LayerNorm(5)(.ones([2, 4]))
      })
    expectStopped(
      saying: "GroupNorm: expected [N, 6, ...], got [2, 4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = GroupNorm(2, 6)(.ones([2, 4]))
      })
    expectStopped(
      saying: "GroupNorm: expected channels that 4 groups divide, got 6",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = GroupNorm(4, 6)
      })
    expectStopped(
      saying: "InstanceNorm: expected more than one value for each channel",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = InstanceNorm2d(6)(.ones([2, 6, 1, 1]))
      })
    expectStopped(
      saying: "float32 scale and shift [4], got bfloat16 [4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = layerNorm(.ones([2, 4]), over: [4], scale: .ones([4], .bfloat16))
      })
    expectStopped(
      saying: "fold: expected a batch norm of 8 channels with running statistics",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = fold(Conv2d(3, 8, kernel: 1), BatchNorm(8, trackingStatistics: false))
      })
    expectStopped(
      saying: "prelu: expected a floating tensor, and a float32 number or one a channel",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = PReLU(5)(.ones([2, 4]))
      })
  }
}
