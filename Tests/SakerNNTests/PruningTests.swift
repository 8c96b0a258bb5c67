import SakerNN
import SakerTensor
import TestSupport
import Testing

struct PruningTests {
  /// What `torch.nn.utils.prune` keeps (Scripts/golden/pruning.py).
  @Test(arguments: GoldenCase.all("pruning", "weights"))
  func weightsGoAsInPyTorch(_ golden: GoldenCase) throws {
    let conv = Parameter(golden["conv"])
    let linear = Parameter(golden["linear"])
    var masks = PruningMasks(of: [
      NamedParameter(name: "conv", parameter: conv),
      NamedParameter(name: "linear", parameter: linear),
    ])
    for amount in try #require(golden.numbers("amounts")) {
      masks.prune(amount, scope: golden.text("scope") == "global" ? .global : .layer)
    }
    #expect(masks.kept[0].map { $0 ? 1 : 0 } == golden["mconv"].floats)
    #expect(masks.kept[1].map { $0 ? 1 : 0 } == golden["mlinear"].floats)
    #expect(conv.value.floats == (golden["conv"] * golden["mconv"]).floats)
    let zeros = masks.kept.flatMap(\.self).count { !$0 }
    #expect(masks.sparsity == Double(zeros) / Double(270 + 63))
  }

  /// What `ln_structured` keeps along the outputs.
  @Test(arguments: GoldenCase.all("pruning", "channels"))
  func channelsGoAsInPyTorch(_ golden: GoldenCase) throws {
    let group = ChannelGroup("conv", channels: 10, readers: [])
    let pruning = ChannelPruning(
      golden.number("norm") == 1 ? .l1 : .l2, amount: try #require(golden.number("amount")))
    let kept = pruning.kept([group], in: [NamedTensor("conv.weight", golden["conv"])])
    let rows = golden["mconv"].reshape([10, 27]).floats
    #expect(kept["conv"] == (0..<10).filter { rows[$0 * 27] == 1 })
  }

  @Test func goldenCasesAreThere() {
    #expect(GoldenCase.all("pruning", "weights").count == 6)
    #expect(GoldenCase.all("pruning", "channels").count == 4)
  }

  @Test func weightsThatAreGoneStayGoneWhileOthersLearn() {
    let layer = withSeed(3) { Linear(6, 5) }
    var masks = PruningMasks(of: layer.prunableWeights)
    masks.prune(0.5)
    let before = layer.weight.value.floats
    let optimizer = Optimizer(SGD(momentum: 0.9), layer, rate: 0.1)
    for _ in 0..<3 {
      square(layer(Tensor.ones([2, 6]))).sum().backward()
      optimizer.step()
      masks.apply()
      optimizer.zeroGradients()
    }
    let after = layer.weight.value.floats
    #expect(zip(after, masks.kept[0]).allSatisfy { $1 || $0 == 0 })
    #expect(zip(after, before).contains { $0 != $1 })
    #expect(masks.sparsity == 0.5)
    // What is 0 says by itself that it is gone.
    #expect(PruningMasks(zerosOf: layer.prunableWeights).kept == masks.kept)
  }

  @Test func drawnWeightsFollowTheSeed() {
    func kept(_ seed: UInt64) -> [Bool] {
      let layer = withSeed(1) { Linear(10, 10) }
      var masks = PruningMasks(of: layer.prunableWeights)
      masks.prune(0.3, by: .random(seed: seed), scope: .layer)
      return masks.kept[0]
    }
    #expect(kept(1) == kept(1))
    #expect(kept(1) != kept(2))
    #expect(kept(1).count { !$0 } == 30)
  }

  @Test func ofEqualWeightsTheFirstGo() {
    let weight = Parameter(Tensor([1, -1, 1, -1] as [Float], [2, 2]))
    var masks = PruningMasks(of: [NamedParameter(name: "weight", parameter: weight)])
    masks.prune(0.5)
    #expect(masks.kept == [[false, false, true, true]])
    masks.prune(0)
    #expect(masks.sparsity == 0.5)
    masks.prune(1)
    #expect(masks.sparsity == 1)
    #expect(PruningMasks(of: []).sparsity == 0)
  }

  /// By hand: two results joined, the second of three channels of two pixels each, one
  /// channel of which goes.
  @Test func channelsGoFromAllWhoKnowThem() {
    var group = ChannelGroup(
      "a", channels: 3, norms: ["n"], followers: ["f"],
      readers: [.init("r", offset: 2, each: 2)])
    group.producers.append("b")
    let state = [
      NamedTensor("a.weight", Tensor([1, 1, 5, 5, 2, 2] as [Float], [3, 2])),
      NamedTensor("a.bias", Tensor([1, 2, 3] as [Float])),
      NamedTensor("b.weight", Tensor([4, 4, 0, 0, 0, 0] as [Float], [3, 2])),
      NamedTensor("n.running_mean", Tensor([7, 8, 9] as [Float])),
      NamedTensor("n.num_batches_tracked", Tensor([5] as [Int64], [])),
      NamedTensor("f.weight", Tensor([1, 2, 3] as [Float], [3, 1])),
      NamedTensor("r.weight", Tensor((0..<9).map { Float($0) }, [1, 9])),
      NamedTensor("other.weight", Tensor([1] as [Float])),
    ]
    // Sums: 2 + 8, 10 + 0, 4 + 0.
    let kept = ChannelPruning(.l1, amount: 0.34).kept([group], in: state)
    #expect(kept == ["a": [0, 1]])
    let narrow = ChannelGroup.narrow(state, [group], keeping: kept)
    let values = Dictionary(uniqueKeysWithValues: narrow.map { ($0.name, $0.tensor) })
    #expect(values["a.weight"]?.floats == [1, 1, 5, 5])
    #expect(values["a.bias"]?.floats == [1, 2])
    #expect(values["b.weight"]?.floats == [4, 4, 0, 0])
    #expect(values["n.running_mean"]?.floats == [7, 8])
    #expect(values["n.num_batches_tracked"]?.scalars(as: Int64.self) == [5])
    #expect(values["f.weight"]?.floats == [1, 2])
    #expect(values["r.weight"]?.floats == [0, 1, 2, 3, 4, 5, 8])
    #expect(values["other.weight"]?.floats == [1])
  }

  /// Slimming compares over all groups; at least one channel of each stays, and numbers are rounded
  /// up to a multiple.
  @Test func slimmingLooksAtScales() {
    let groups = [
      ChannelGroup("a", channels: 4, norms: ["an"], readers: []),
      ChannelGroup("b", channels: 2, norms: ["bn"], readers: []),
      ChannelGroup("c", channels: 2, readers: []),
    ]
    let state = [
      NamedTensor("an.weight", Tensor([0.9, -0.8, 0.1, 0.7] as [Float])),
      NamedTensor("bn.weight", Tensor([0.01, -0.02] as [Float])),
    ]
    var pruning = ChannelPruning(.slimming, amount: 0.5)
    #expect(pruning.kept(groups, in: state) == ["a": [0, 1, 3], "b": [1]])
    pruning.multiple = 2
    #expect(pruning.kept(groups, in: state) == ["a": [0, 1, 2, 3], "b": [1]])
    // Streams stay unless they are asked for.
    var stream = groups[0]
    stream.isStream = true
    pruning.multiple = 1
    #expect(pruning.kept([stream, groups[1]], in: state) == ["b": [1]])
    pruning.includesStreams = true
    #expect(pruning.kept([stream, groups[1]], in: state)["a"] == [0, 1, 3])
  }

  @Test func theSlimmingPenaltyIsTheSumOfScales() {
    let net = Sequential(BatchNorm2d(2), ReLU(), BatchNorm2d(1))
    guard let first = (net[0] as? BatchNorm)?.weight else { return }
    first.value = Tensor([2, -3] as [Float])
    let penalty = net.slimmingPenalty(strength: 0.1)
    #expect(abs(penalty.item - 0.6) < 1e-6)
    penalty.backward()
    expectClose(first.gradient ?? .zeros([2]), Tensor([0.1, -0.1] as [Float]), relative: 1e-6)
  }
}
