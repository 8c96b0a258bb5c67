import Foundation
import Saker
import Testing

/// Another machine that always has the same share of a batch.
private struct WithNeighbour: StatisticsReducer {
  let neighbour: BatchMoments

  func combine(_ own: BatchMoments) -> BatchMoments { .combined([own, neighbour]) }
  func sum(_ own: [Double]) -> [Double] { own }
}

@Suite struct NormalizationExamples {
  private let maps = Tensor.arange(from: 0.0, to: 96.0, by: 1.0).reshape([2, 4, 3, 4])

  @Test("Batch norm") func batchNorm() {
    let norm = BatchNorm2d(4)
    #expect(abs(norm(maps).mean().item) < 1e-5)  // by the batch; running statistics take note
    norm.eval()
    #expect(norm(maps).mean().item > 1)  // by the running statistics, which have seen one batch
  }

  @Test("Keras's batch norm") func kerasBatchNorm() {
    let norm = BatchNorm2d(4, convention: .keras)
    #expect(norm.epsilon == 1e-3 && norm.momentum == 0.99)
    norm.trainable = false  // normalizes by its running statistics, also in training
    #expect(norm(maps).max().item > 90)
  }

  @Test("Synchronized batch norm") func synchronizedBatchNorm() {
    let reducer = ThreadReducer(replicas: 1)
    let norm = SyncBatchNorm(4, reducer: reducer)
    #expect(abs(norm(maps) - BatchNorm2d(4)(maps)).max().item < 1e-5)
  }

  @Test("Batch renormalization") func batchRenormalization() {
    let norm = BatchRenorm(4)
    norm.limits = BatchRenorm.limits(atStep: 15_000)
    #expect(norm(maps).shape == maps.shape)
  }

  @Test("Layer norm and root mean square norm") func layerNorm() {
    let rows = Tensor([1, 3, 5, 7] as [Float], [1, 4])
    #expect(abs(LayerNorm(4)(rows).mean().item) < 1e-6)
    #expect(abs(square(RMSNorm(4)(rows)).mean().item - 1) < 1e-5)
  }

  @Test("Instance norm") func instanceNorm() {
    let norm = InstanceNorm2d(4, affine: true)
    #expect(abs(norm(maps).mean(axes: [2, 3])).max().item < 1e-5)
  }

  @Test("Group norm") func groupNorm() {
    let (layerLike, instanceLike) = (GroupNorm(1, 4), GroupNorm(4, 4))
    #expect(abs(layerLike(maps) - LayerNorm([4, 3, 4])(maps)).max().item < 1e-5)
    #expect(abs(instanceLike(maps) - InstanceNorm2d(4)(maps)).max().item < 1e-5)
  }

  @Test("Local response norm") func localResponseNorm() {
    let published = LocalResponseNorm.alexNet  // α times the sum
    let torch = LocalResponseNorm(5, alpha: 5e-4, k: 2)  // α times the mean
    #expect(abs(published(maps) - torch(maps)).max().item < 1e-4)
  }

  @Test("Weight norm") func weightNorm() {
    let norm = WeightNorm(Linear(4, 2))
    #expect(norm.namedParameters.map(\.name) == ["weight_g", "weight_v", "bias"])
    let plain: Linear = norm.removed()
    #expect(plain.parameters.count == 2)
  }

  @Test("Cosine norm") func cosineNorm() {
    let norm = CosineNorm(Conv2d(4, 8, kernel: 3, padding: 1, bias: false))
    #expect(abs(norm(maps)).max().item <= 1.0001)
  }

  @Test("Folding batch norm") func folding() {
    let model = Sequential(Conv2d(4, 6, kernel: 3), BatchNorm2d(6), ReLU())
    model.eval()
    let folded = model.foldingBatchNorms()
    #expect(folded.count == 2)
    #expect(abs(folded(maps) - model(maps)).max().item < 1e-3)
  }

  @Test("Batch norm as part of a convolution, or as one of its own") func foldedConvolution() {
    let (conv, norm) = (Conv2d(4, 6, kernel: 3), BatchNorm2d(6))
    _ = norm(conv(maps / 10))  // its running statistics have seen something
    norm.eval()
    let normal = norm(conv(maps))
    #expect(allClose(fold(conv, norm)(maps), normal, relative: 1e-4, absolute: 1e-3))
    #expect(allClose(norm.convolution(conv(maps)), normal, relative: 1e-4, absolute: 1e-3))
  }

  @Test("Batch norm of vectors and of volumes") func otherBatchNorms() {
    let vectors = Tensor([1, 3] as [Float], [2, 1])  // mean 2, deviation 1
    let normal = BatchNorm1d(1)(vectors).floats
    #expect(abs(normal[0] + 1) < 1e-4 && abs(normal[1] - 1) < 1e-4)
    let volumes = maps.reshape([2, 4, 3, 2, 2])
    #expect(abs(BatchNorm3d(4)(volumes).mean(axes: [0, 2, 3, 4])).max().item < 1e-5)
  }

  @Test("Frozen batch norm") func frozenBatchNorm() {
    let model = Sequential(Conv2d(4, 4, kernel: 1), BatchNorm2d(4))
    model.freezeBatchNorm()  // keeps the statistics it has, mean 0 and variance 1, also in training
    #expect(model.parameters.map(\.isFrozen) == [false, false, true, true])
    let norm = BatchNorm2d(4)
    norm.freeze()
    #expect(allClose(norm(maps), maps, relative: 1e-4))
  }

  @Test("Statistics of a batch in two places") func reducedStatistics() {
    let other = BatchMoments(mean: [6], variance: [1], count: 2)
    let norm = SyncBatchNorm(1, reducer: WithNeighbour(neighbour: other))
    let here = Tensor([1, 3] as [Float], [2, 1, 1, 1])  // mean 2, variance 1; of both: 4 and 5
    let normal = norm(here).floats
    #expect(abs(normal[0] + 3 / Float(5).squareRoot()) < 1e-4)
    #expect(abs(normal[1] + 1 / Float(5).squareRoot()) < 1e-4)
  }

  @Test("Instance norm of sequences and volumes") func otherInstanceNorms() {
    let norm = InstanceNorm(2)
    for shape in [[1, 2, 6], [1, 2, 2, 3, 1]] as [Shape] {
      let x = Tensor.arange(12).converted(to: .float32).reshape(shape)
      #expect(abs(norm(x).sum(axes: Array(2..<shape.rank))).max().item < 1e-5)
    }
  }
}
