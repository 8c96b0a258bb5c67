import SakerData
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

struct MultiScaleTests {
  private func model(_ height: Int, _ width: Int) throws -> TinySSD {
    let levels = try TinySSD.levels(.notes, height: 64, width: 64, objects: [])
    return TinySSD(
      ModelCard(
        architecture: "tiny-ssd", classNames: ["a"], anchors: levels,
        preprocessing: Preprocessing(height: height, width: width)))
  }

  @Test func sizesAreMultiplesOfTheStrideInProportion() throws {
    let square = try MultiScaleInput(model(128, 128), share: 0.5)
    #expect(square.scale.sizes == [64, 96, 128, 160, 192])
    #expect(square.largest == PictureSize(width: 192, height: 192))
    let wide = try MultiScaleInput(model(64, 128), share: 0.5)
    // 48 rounds to 64, the least that the model takes.
    #expect(wide.size(96) == PictureSize(width: 96, height: 64))
    #expect(wide.largest == PictureSize(width: 192, height: 96))
  }

  @Test func tenBatchesHaveOneSizeAndTheSeedDecides() throws {
    let scales = try MultiScaleInput(model(128, 128), share: 0.5)
    let images = Tensor.full([1, 3, 128, 128], 0.25)
    func sizes(_ seed: UInt64) -> [Int] {
      (0..<60).map { batch in
        let place = StepPlace(epoch: 1, batch: batch)
        let resized = scales.resized(images, at: place, seed: seed)
        #expect(resized.shape[2] == resized.shape[3])
        #expect(abs(resized[0, 1, 5, 7].item - 0.25) < 1e-6)
        return resized.shape[2]
      }
    }
    let first = sizes(3)
    #expect(first == sizes(3) && first != sizes(4) && Set(first).count > 2)
    for start in stride(from: 0, to: 60, by: 10) {
      #expect(Set(first[start..<start + 10]).count == 1)
    }
  }

  @Test func modelsOfOneSizeAreRefused() throws {
    let folder = try TemporaryFolder()
    let change = settings { $0.multiScale = 0.5 }
    let error = #expect(throws: TrainingError.self) {
      _ = try DetectorTrainer(counter(), on: folder.dataset(4), change, into: folder.run)
    }
    #expect(error?.description.hasPrefix("multi-scale: ") == true)
    let small = #expect(throws: TrainingError.self) {
      _ = try MultiScaleInput(model(64, 64), share: 0.1)
    }
    #expect(small?.description.contains("no other multiple of 32") == true)
    #expect(settings { $0.multiScale = 1 }.problems.count == 1)
  }
}
