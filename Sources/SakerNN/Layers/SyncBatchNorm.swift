import Foundation
import SakerTensor

/// Batch normalization by the mean and variance over the batches of all replicas of a model. As
/// `BatchNorm` otherwise, with the same names in a state.
///
/// Every replica has a layer of its own, with the same weight and bias, and a reducer that speaks
/// to the others'. The gradients of weight and bias are of the replica's own share: sum them over
/// replicas with all others. All replicas have to run forward, and backward, or they wait for
/// each other forever.
public final class SyncBatchNorm: Layer, ModeDependent {
  /// γ `[C]`, starts as ones
  public let weight: Parameter
  /// β `[C]`, starts as zeros
  public let bias: Parameter
  /// `[C]`, starts as zeros
  public let runningMean: Buffer
  /// `[C]`, starts as ones
  public let runningVar: Buffer
  /// int64 `[]`
  public let numBatchesTracked: Buffer
  public let epsilon: Float
  public let momentum: Float?
  public let reducer: any StatisticsReducer
  public var mode = Mode()

  public init(
    _ channels: Int, epsilon: Float = 1e-5, momentum: Float? = 0.1,
    reducer: any StatisticsReducer
  ) {
    check(channels > 0, op: "SyncBatchNorm", expected: "at least one channel", got: channels)
    weight = Parameter([channels], .ones)
    bias = Parameter([channels], .zeros)
    runningMean = Buffer(.zeros([channels]))
    runningVar = Buffer(.ones([channels]))
    numBatchesTracked = Buffer(.zeros([], .int64))
    self.epsilon = epsilon
    self.momentum = momentum
    self.reducer = reducer
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank >= 2 && x.shape[1] == weight.shape[0], op: "SyncBatchNorm",
      expected: "[N, \(weight.shape[0]), ...]", got: x.shape)
    guard mode.isTraining, BatchNorm.DryRun.current == nil else {
      return batchNormInference(
        x, mean: runningMean.value, variance: runningVar.value, scale: weight.value,
        shift: bias.value, epsilon: epsilon, relu: false)
    }
    let running = RunningStatistics(
      mean: runningMean, variance: runningVar, batches: numBatchesTracked, momentum: momentum)
    return batchNormTraining(
      x, scale: weight.value, shift: bias.value, epsilon: epsilon, reducing: reducer
    ) { all in
      check(
        all.count > 1, op: "SyncBatchNorm",
        expected: "more than one value for each channel over all replicas when training",
        got: all.count)
      running.take(
        Tensor(all.mean.map { Float($0) }), Tensor(all.variance.map { Float($0) }),
        count: all.count)
    }
  }
}

/// Replicas that are threads of this process: each call waits until all threads have made it.
public final class ThreadReducer: StatisticsReducer, @unchecked Sendable {
  public let replicas: Int
  private let condition = NSCondition()
  private var moments: [BatchMoments] = []
  private var sums: [[Double]] = []
  private var round = 0
  private var combined: BatchMoments?
  private var summed: [Double] = []

  public init(replicas: Int) {
    check(replicas > 0, op: "ThreadReducer", expected: "at least one replica", got: replicas)
    self.replicas = replicas
  }

  public func combine(_ own: BatchMoments) -> BatchMoments {
    meet {
      moments.append(own)
      guard moments.count == replicas else { return false }
      combined = BatchMoments.combined(moments)
      moments = []
      return true
    }
    return condition.withLock { combined ?? own }
  }

  public func sum(_ own: [Double]) -> [Double] {
    meet {
      sums.append(own)
      guard sums.count == replicas else { return false }
      summed = sums.dropFirst().reduce(sums[0]) { zip($0, $1).map { $0 + $1 } }
      sums = []
      return true
    }
    return condition.withLock { summed }
  }

  /// Hands something in; the last one to do so wakes the others. Nobody can overwrite a result
  /// before all have read it: the next one is complete only when all have come again.
  private func meet(_ handIn: () -> Bool) {
    condition.lock()
    defer { condition.unlock() }
    let mine = round
    if handIn() {
      round += 1
      condition.broadcast()
    } else {
      while round == mine { condition.wait() }
    }
  }
}
