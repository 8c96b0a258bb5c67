import SakerTensor
import Synchronization
import TestSupport
import Testing

@testable import SakerNN

/// Layers that run as one operation give what they give one by one.
@Suite(.serialized) struct FusedLayerTests {
  /// A model made twice from one seed: once as it is, once with its layers called one by one.
  struct Pair {
    let model: Sequential
    let apart: Sequential

    init(_ make: () -> Sequential) {
      model = withSeed(3, make)
      apart = withSeed(3, make)
      for sequential in [model, apart] {
        for (index, named) in sequential.namedParameters.enumerated() {
          guard named.parameter.shape.rank == 1 else { continue }
          named.parameter.value = random(
            named.parameter.shape, seed: UInt64(index), in: 0.3...1.2)
        }
      }
    }

    func separately(_ x: Tensor) -> Tensor { apart.layers.reduce(x) { $1($0) } }
  }

  /// Names of the operations that ran in this task.
  final class Watcher: Observer {
    @TaskLocal static var isWatching = false
    let names = Mutex<[String]>([])

    func didRun(_ event: OperationEvent) {
      guard Watcher.isWatching, event.phase == .forward else { return }
      names.withLock { $0.append(event.operation.name) }
    }

    static func operations(_ body: () -> Void) -> [String] {
      let watcher = Watcher()
      Observers.add(watcher)
      defer { Observers.remove(watcher) }
      $isWatching.withValue(true, operation: body)
      return watcher.names.withLock { $0 }.filter { $0 != "reorder" }
    }
  }

  static func block() -> Sequential {
    Sequential(
      Conv2d(3, 8, kernel: 3, padding: 1), BatchNorm2d(8), ReLU(),
      Conv2d(8, 16, kernel: 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(),
      MaxPool2d(kernel: 2), Conv2d(16, 4, kernel: 1), BatchNorm2d(4))
  }

  func expectSame(
    _ pair: Pair, _ x: Tensor, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let weights = random(
      withoutGradients { pair.model.evaluating { pair.model(x) } }.shape, seed: 5)
    var results: [Tensor] = []
    let inputs = [{ pair.model($0) }, { pair.separately($0) }].map { (run: (Tensor) -> Tensor) in
      gradients(at: [x]) { inputs in
        let y = run(inputs[0])
        results.append(y.detached())
        return (y * weights).sum()
      }.gradients[0]
    }
    expectClose(results[0], results[1], relative: 1e-5, sourceLocation: sourceLocation)
    expectClose(inputs[0], inputs[1], relative: 2e-5, "input", sourceLocation: sourceLocation)
    for (own, other) in zip(pair.model.namedParameters, pair.apart.namedParameters) {
      let (a, b) = (own.parameter.gradient, other.parameter.gradient)
      #expect((a == nil) == (b == nil), "\(own.name)", sourceLocation: sourceLocation)
      guard let a, let b else { continue }
      // Biases in front of batch statistics: 0, and rounding.
      let floor: Float? = a.floats.allSatisfy { $0 == 0 } ? 1e-3 : nil
      expectClose(
        a, b, relative: 2e-5, absolute: floor, own.name, sourceLocation: sourceLocation)
    }
    for (own, other) in zip(pair.model.namedBuffers, pair.apart.namedBuffers) {
      expectClose(
        own.buffer.value, other.buffer.value, relative: 1e-5, own.name,
        sourceLocation: sourceLocation)
    }
  }

  @Test func runsOfLayersAreOneOperationAndGiveTheSame() {
    let pair = Pair(Self.block)
    let x = random([3, 3, 11, 10], seed: 1)
    #expect(
      Watcher.operations { _ = pair.model(x) } == ["convolutionBlock", "convolutionBlock"])
    _ = pair.separately(x)
    expectSame(pair, x)
  }

  @Test func heldAndFrozenNormsGiveTheSame() {
    let pair = Pair(Self.block)
    let x = random([2, 3, 8, 8], seed: 1)
    for model in [pair.model, pair.apart] {
      _ = model(random([4, 3, 8, 8], seed: 2))
      (model[1] as! BatchNorm).hold(.evaluation)
      (model[4] as! BatchNorm).freeze()
      (model[3] as! Conv2d).weight.isFrozen = true
    }
    expectSame(pair, x)
    pair.model.eval()
    pair.apart.eval()
    expectSame(pair, x)
  }

  @Test func normsWithoutParametersOrStatisticsGiveTheSame() {
    let pair = Pair {
      Sequential(
        Conv2d(3, 5, kernel: 3, stride: 2, padding: 1, bias: false),
        BatchNorm2d(5, momentum: nil, affine: false), ReLU(),
        Conv2d(5, 20, kernel: 3, padding: .same, dilation: 2, groups: 5),
        BatchNorm2d(20, trackingStatistics: false), Conv2d(20, 3, kernel: 1), ReLU())
    }
    let x = random([2, 3, 9, 12], seed: 1)
    expectSame(pair, x)
    expectSame(pair, x)  // momentum nil counts the batches
  }

  @Test func whatDoesNotFitRunsApart() {
    let x = random([2, 3, 9, 9], seed: 1)
    let reflecting = Pair {
      Sequential(
        Conv2d(3, 4, kernel: 3, padding: 1, mode: .reflect), BatchNorm2d(4), ReLU(),
        MaxPool2d(kernel: 3))
    }
    #expect(!Watcher.operations { _ = reflecting.model(x) }.contains("convolutionBlock"))
    for pool in [
      MaxPool2d(kernel: 2, ceil: true), MaxPool2d(kernel: 3), MaxPool2d(kernel: 2, stride: 1),
      MaxPool2d(kernel: 2, padding: 1),
    ] {
      let pair = Pair { Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), ReLU(), pool) }
      #expect(
        Watcher.operations { _ = pair.model(x) } == ["convolutionBlock", "maxPool2d"])
      _ = pair.separately(x)
      expectSame(pair, x)
    }
    let half = x.converted(to: .bfloat16)
    let pair = Pair(Self.block)
    let blocks = Watcher.operations { _ = pair.model(half) }
    // Pooling is in blocks of float32 only.
    #expect(blocks.contains("maxPool2d"))
    #expect(blocks.contains("convolutionBlock") == KernelLibrary.hasBFloat16)
    #expect(pair.model(half).dtype == .bfloat16)
  }

  @Test func aHookedLayerRunsApartAndSeesItsOwnOutput() {
    let pair = Pair(Self.block)
    let x = random([3, 3, 8, 8], seed: 1)
    let plain = pair.model(x)
    for index in 0..<pair.model.count {
      var seen: [(Tensor, Tensor)] = []
      let handle = pair.model[index].onForward { input, output in
        seen.append((input, output))
        return nil
      }
      expectClose(pair.model(x), plain, relative: 1e-5)
      #expect(seen.count == 1)
      if index < 6 {
        var expected = x
        for layer in pair.apart.layers[0...index] { expected = layer(expected) }
        expectClose(seen[0].1, expected, relative: 1e-5, "layer \(index)")
      }
      handle.remove()
    }
    #expect(
      Watcher.operations { _ = pair.model(x) } == ["convolutionBlock", "convolutionBlock"])
  }

  @Test func evaluationStillFoldsAndTrainingWithoutATapeTakesTheBatch() {
    let pair = Pair(Self.block)
    let x = random([3, 3, 8, 8], seed: 1)
    let trained = pair.model(x)
    expectClose(withoutGradients { pair.model(x) }, trained, relative: 1e-6)
    pair.model.evaluating { _ = pair.model(x) }
    let names = Watcher.operations { _ = pair.model.evaluating { pair.model(x) } }
    #expect(names == ["convolution2d", "convolution2d", "convolution2d"])
    _ = pair.separately(x)
    _ = pair.separately(x)
    expectClose(
      pair.model.evaluating { pair.model(x) }, pair.apart.evaluating { pair.separately(x) },
      relative: 1e-5)
  }

  @Test func dryRunsSeeSingleValuesAndTrainingStopsAtThem() async {
    let model = Sequential(Conv2d(3, 4, kernel: 2), BatchNorm2d(4), ReLU())
    let problems = model.trainingProblems { _ = model(.zeros([1, 3, 2, 2])) }
    #expect(problems.count == 1)
    expectStopped(
      saying: "BatchNorm: expected more than one value for each channel when training, got 1",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Sequential(Conv2d(3, 4, kernel: 2), BatchNorm2d(4), ReLU())(.zeros([1, 3, 2, 2]))
      })
  }

  // MARK: Residual

  static func residual(shortcut: Bool, activation: (any Layer)?) -> Residual {
    let outputs = shortcut ? 8 : 4
    return Residual(
      Sequential(
        Conv2d(4, 6, kernel: 3, padding: 1, bias: false), BatchNorm2d(6), ReLU(),
        Conv2d(6, outputs, kernel: 3, padding: 1, bias: false), BatchNorm2d(outputs)),
      shortcut: shortcut
        ? Sequential(Conv2d(4, 8, kernel: 1, bias: false), BatchNorm2d(8)) : nil,
      activation: activation)
  }

  func separately(_ block: Residual, _ x: Tensor) -> Tensor {
    let body = block.body.layers.reduce(x) { $1($0) }
    let shortcut = (block.shortcut as? Sequential)?.layers.reduce(x) { $1($0) } ?? x
    let sum = body + shortcut
    return block.activation?(sum) ?? sum
  }

  @Test(arguments: [false, true], [false, true])
  func residualAddsAndActivates(_ shortcut: Bool, _ activated: Bool) {
    let x = random([2, 4, 7, 6], seed: 1)
    func make() -> Residual {
      withSeed(5) { Self.residual(shortcut: shortcut, activation: activated ? ReLU() : nil) }
    }
    let (own, other) = (make(), make())
    #expect(Watcher.operations { _ = own(x) }.allSatisfy { $0 == "convolutionBlock" })
    _ = separately(other, x)
    var results: [Tensor] = []
    let inputs = [{ own($0) }, { self.separately(other, $0) }].map {
      (run: (Tensor) -> Tensor) in
      gradients(at: [x]) { inputs in
        results.append(run(inputs[0]))
        return (results.last! * random(results.last!.shape, seed: 2)).sum()
      }.gradients[0]
    }
    expectClose(results[0], results[1], relative: 1e-5)
    expectClose(inputs[0], inputs[1], relative: 2e-5)
    for (a, b) in zip(own.namedParameters, other.namedParameters) {
      expectClose(a.parameter.gradient!, b.parameter.gradient!, relative: 2e-5, a.name)
    }
    expectClose(
      own.evaluating { own(x) }, other.evaluating { separately(other, x) }, relative: 1e-5,
      "evaluation")
  }

  @Test func residualWithHooksOrOtherActivationsGivesTheSame() {
    let x = random([2, 4, 7, 6], seed: 1)
    let block = Self.residual(shortcut: false, activation: ReLU())
    let plain = block(x)
    for layer in [block.body, block.body[4], block.activation!] as [any Layer] {
      var calls = 0
      let handle = layer.onForward { _, _ in
        calls += 1
        return nil
      }
      expectClose(block(x), plain, relative: 1e-5)
      #expect(calls == 1)
      handle.remove()
    }
    let other = Residual(Sequential(Conv2d(4, 4, kernel: 1), ReLU()), activation: Identity())
    let conv = other.body[0] as! Conv2d
    expectClose(other(x), relu(conv(x)) + x, relative: 1e-6)
    let ending = Residual(Sequential(Conv2d(4, 4, kernel: 1), BatchNorm2d(4), ReLU()))
    let body = ending.body.layers.reduce(x) { $1($0) }
    expectClose(ending(x), body + x, relative: 1e-5)
  }

  @Test func residualNamesItsParts() {
    let block = Self.residual(shortcut: true, activation: ReLU())
    #expect(
      block.namedParameters.map(\.name) == [
        "body.0.weight", "body.1.weight", "body.1.bias", "body.3.weight", "body.4.weight",
        "body.4.bias", "shortcut.0.weight", "shortcut.1.weight", "shortcut.1.bias",
      ])
  }
}
