import Foundation
import SakerData
import SakerTensor
import SakerVision
import TestSupport
import Testing

struct ClassifierInputTests {
  /// Column and row are told by red and green.
  private func ramp(_ width: Int, _ height: Int) -> Picture {
    var picture = Picture(width: width, height: height)
    for y in 0..<height {
      for x in 0..<width { picture[x, y] = RGB(UInt8(x), UInt8(y), 7) }
    }
    return picture
  }

  @Test func theMiddleIsCutOut() {
    // 20x12 stays, as the shorter side has its length; 8 of 20 begin at 6, 8 of 12 at 2.
    let input = ClassifierInput(
      side: 8, smallestSide: 1, resizedSide: 12, mean: [0, 0, 0], std: [1, 1, 1])
    let tensor = input.tensor(ramp(20, 12))
    #expect(tensor.shape == [1, 3, 8, 8])
    for (x, y) in [(0, 0), (7, 7), (3, 5)] {
      #expect(abs(tensor[0, 0, y, x].item - Float(6 + x) / 255) < 1e-6)
      #expect(abs(tensor[0, 1, y, x].item - Float(2 + y) / 255) < 1e-6)
    }
    // Half of an odd rest goes to the even side, as torchvision rounds: 15 - 8 = 7, from 4 on;
    // 13 - 8 = 5, from 2 on.
    var odd = input
    odd.resizedSide = 13
    let cut = odd.tensor(ramp(15, 13))
    #expect(
      abs(cut[0, 0, 0, 0].item - 4 / 255) < 1e-6 && abs(cut[0, 1, 0, 0].item - 2 / 255) < 1e-6)
    // The longer side in proportion, rounded down: 2 * 5 / 3 = 3.
    var small = input
    (small.side, small.resizedSide) = (2, 2)
    #expect(small.resized(ramp(5, 3)).width == 3)
  }

  @Test func channelsAreNormalizedInTheirOrder() {
    var picture = Picture(width: 4, height: 4)
    for y in 0..<4 { for x in 0..<4 { picture[x, y] = RGB(255, 51, 102) } }
    var input = ClassifierInput(
      side: 4, smallestSide: 1, resizedSide: 4, mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 2])
    func values() -> [Float] {
      let tensor = input.tensor(picture)
      return (0..<tensor.shape[1]).map { tensor[0, $0, 1, 2].item }
    }
    for (got, wanted) in zip(values(), [Float(1.8), 0, 0.05]) { #expect(abs(got - wanted) < 1e-5) }
    // Blue first: (0.4 - 0.1) / 0.5, (0.2 - 0.2) / 0.25, (1 - 0.3) / 2.
    input.order = .bgr
    for (got, wanted) in zip(values(), [Float(0.6), 0, 0.35]) { #expect(abs(got - wanted) < 1e-5) }
    // Gray: 0.299 * 255 + 0.587 * 51 + 0.114 * 102 = 117.81.
    input = ClassifierInput(
      side: 4, smallestSide: 1, resizedSide: 4, mean: [0.5], std: [0.5], channels: 1)
    let gray = values()
    #expect(gray.count == 1 && abs(gray[0] - (118.0 / 255 - 0.5) / 0.5) < 1e-5)
  }

  private struct Case: Decodable {
    var left, top, width, height, side, resized: Int
    var interpolation: ClassifierInput.Interpolation
  }

  /// Against Pillow's pictures and 8-bit tensors, both through torchvision
  /// (`Scripts/golden/classifier_input.py`).
  @Test func resizingAndCuttingAreTorchvisions() throws {
    let golden = try GoldenFile("golden/classifier_input.safetensors")
    let text = try #require(golden.metadata["cases"])
    let cases = try JSONDecoder().decode([String: Case].self, from: Data(text.utf8))
    #expect(cases.count == 14)
    let coffee = try Picture(file: Fixtures.url("pictures/coffee.png").path)
    for (name, one) in cases.sorted(by: { $0.key < $1.key }) {
      let part = coffee.cropped(x: one.left, y: one.top, width: one.width, height: one.height)
      let input = ClassifierInput(
        side: one.side, smallestSide: 1, resizedSide: one.resized,
        interpolation: one.interpolation)
      let got = input.fitted(part)
      #expect(got.width == one.side && got.height == one.side, "\(name)")
      for kind in ["pillow", "tensor"] {
        let wanted = golden["\(name)/\(kind)"].floats
        var (most, sum) = (0, 0)
        for pixel in 0..<one.side * one.side {
          for channel in 0..<3 {
            let level = Int(wanted[channel * one.side * one.side + pixel])
            let difference = Int(got.pixels[3 * pixel + channel]) - level
            most = max(most, abs(difference))
            sum += difference
          }
        }
        #expect(most <= 1, "\(name) \(kind): \(most) levels apart")
        // Rounding, and nothing that goes one way.
        #expect(abs(sum) * 10 <= wanted.count, "\(name) \(kind): \(sum) levels in \(wanted.count)")
      }
    }
  }

  @Test func bicubicFollowsKeys() {
    // Twice as wide: a pixel lies 1/4 from its nearest: weights of Keys's cubic (a = -1/2) at 1/4,
    // 3/4, 5/4 and 7/4.
    var picture = Picture(width: 4, height: 1)
    for (x, level) in [UInt8(10), 50, 200, 90].enumerated() {
      picture[x, 0] = RGB(level, level, level)
    }
    let large = picture.resizedBicubic(width: 8, height: 1)
    // Output 3: centre 1.75, between the pixels 1 (at 1.5) and 2 (at 2.5).
    let value = 10 * -0.0703125 + 50 * 0.8671875 + 200 * 0.2265625 + 90 * -0.0234375
    #expect(large[3, 0].red == UInt8(value.rounded()))
    let flat = Picture(width: 9, height: 7, filledWith: RGB(3, 130, 254)).resizedBicubic(
      width: 4, height: 13)
    #expect(flat == Picture(width: 4, height: 13, filledWith: RGB(3, 130, 254)))
  }

  @Test func cardsComeBackAndNonsenseIsRefused() throws {
    var card = ClassifierCard(
      architecture: "resnet18", variant: ClassifierVariant(stem: .small, width: 0.25),
      classNames: ["a", "b"], input: ClassifierInput(side: 28, resizedSide: 32, order: .bgr),
      priors: [0.25, 0.75])
    #expect(try ClassifierCard(metadata: card.metadata, file: "x") == card)
    let model = try card.build()
    #expect(model(.zeros([2, 3, 28, 28])).shape == [2, 2])
    func refused(_ change: (inout ClassifierCard) -> Void) {
      var bad = card
      change(&bad)
      #expect(throws: ModelCardError.self) {
        _ = try ClassifierCard(metadata: bad.metadata, file: "x")
      }
    }
    refused { $0.classNames = [] }
    refused { $0.input.side = 0 }
    refused { $0.input.resizedSide = 27 }
    refused { $0.input.std = [1, 0, 1] }
    refused { $0.input.mean = [1] }
    refused { $0.input.channels = 2 }
    refused { $0.priors = [1] }
    refused { $0.variant.width = 100 }
    #expect(throws: ModelCardError.self) { _ = try ClassifierCard(metadata: [:], file: "x") }
    card.architecture = "alexnet"
    #expect(throws: ModelCardError.self) { _ = try card.build() }
    card.architecture = "nothing"
    #expect(throws: ModelCardError.self) { _ = try card.build() }
  }
}
