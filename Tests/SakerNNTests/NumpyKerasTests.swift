import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Files that NumPy wrote, and Keras's variables in them: Scripts/golden/numpy_weights.py.
@Suite struct NumpyKerasTests {
  private func path(_ name: String) -> String { Fixtures.url("weights/\(name)").path }

  private func problem(_ name: String) -> String {
    do {
      _ = try WeightsFile(contentsOf: path(name))
      return ""
    } catch { return "\(error)" }
  }

  /// As `numpy.savez` writes them, and `savez_compressed`.
  @Test(arguments: ["arrays.npz", "compressed.npz"]) func everyTypeIsRead(name: String) throws {
    let expected = try GoldenFile("weights/arrays.safetensors")
    let file = try WeightsFile(contentsOf: path(name))
    #expect(file.format == .numpy && file.tensors.count == expected.tensors.count)
    for named in file.tensors {
      let truth = expected[named.name]
      #expect(named.tensor.shape == truth.shape, "\(named.name)")
      expectClose(
        named.tensor.converted(to: .float32), truth.converted(to: .float32), relative: 0, named.name
      )
    }
    let single = try WeightsFile(contentsOf: path("array.npy"))
    #expect(single.format == .numpy && single.tensors.map(\.name) == ["array"])
    expectClose(single.tensors[0].tensor, expected["f32"], relative: 0)
  }

  @Test func othersAreRefusedByName() {
    #expect(problem("big-endian.npz").contains("expected numbers, little endian, got '>f4'"))
    #expect(problem("objects.npz").contains("'|O'"))
    #expect(problem("overlapping.npz").contains("its entries overlap"))
  }

  /// What an array unpacks to is compared with what is claimed, before there is memory for it and
  /// after.
  @Test func compressedArraysAreWhatTheyClaim() throws {
    let whole = [UInt8](try Data(contentsOf: Fixtures.url("weights/compressed.npz")))
    func refusal(_ change: (inout [UInt8]) -> Void) throws -> String {
      var bytes = whole
      change(&bytes)
      return try ForeignFileTests.refusal(of: bytes)
    }
    // The directory's first record: checksum, size as stored, unpacked size.
    let record = try #require(whole.firstRange(of: [0x50, 0x4B, 1, 2])?.lowerBound)
    #expect(try refusal { $0[record + 16] ^= 1 }.contains("its checksum differs"))
    #expect(try refusal { $0[record + 27] = 0x70 }.contains("claims to become"))
    #expect(try refusal { $0[record + 24] += 4 }.contains("truncated?"))
    // Packed bytes for 72 MB, behind which there is nothing: nobody unpacks them to see.
    let bomb = ZIPBytes([
      (name: "a.npy", bytes: [UInt8](repeating: 0, count: 70_000), size: 72_000_000)
    ])
    #expect(
      try ForeignFileTests.refusal(of: bomb.bytes).contains("claim 72000000 bytes when unpacked"))
  }

  /// The layers that Keras's variables were made for, computed in NumPy with Keras's formulas.
  @Test func kerasLayersGiveTheSame() throws {
    let file = try WeightsFile(contentsOf: path("keras.npz"))
    let body = Sequential(named: [
      ("conv", Conv2d(2, 4, kernel: 3, padding: 1)), ("bn", BatchNorm2d(4)), ("act", ReLU()),
      ("dw", Conv2d(4, 8, kernel: 3, padding: 1, groups: 4)),
      ("pool", AdaptiveAvgPool2d(1)), ("flat", Flatten()), ("dense", Linear(8, 3)),
    ])
    try body.load(state: KerasWeights(file.tensors).state)
    let golden = try GoldenFile("weights/keras.safetensors")
    expectClose(body.evaluating { body(golden["x"]) }, golden["y"], relative: 2e-5)
    // Small variances (here 0.01) are where the two epsilons matter.
    try body.load(state: KerasWeights(file.tensors, epsilon: 1e-5).state)
    let wrong = body.evaluating { body(golden["x"]) }
    #expect(abs(wrong - golden["y"]).max().item > 0.01)
  }

  /// By hand: 1, 2, 3, 6 have mean 3 and variances 14/4 and 14/3.
  @Test func variancesByHand() {
    let x = Tensor([1, 2, 3, 6] as [Float]).reshape([4, 1])
    let keras = BatchNorm(1, epsilon: 1e-3, momentum: 0, convention: .keras)
    _ = keras(x)
    let collected = keras.runningVar!.value
    expectClose(collected, [3.5])
    let torch = BatchNorm(1, momentum: 1)
    _ = torch(x)
    expectClose(torch.runningVar!.value, [14 / 3])
    expectClose(KerasWeights.unbiased(collected, count: 4), torch.runningVar!.value)
    // In use: both divide by √3.501.
    torch.runningVar!.value = KerasWeights.variance(collected)
    expectClose(torch.runningVar!.value, [3.5 + 1e-3 - 1e-5])
    expectClose(torch.evaluating { torch(x) }, keras.evaluating { keras(x) }, relative: 1e-6)
    #expect(abs(KerasWeights.momentum(0.99) - 0.01) < 1e-6)
  }

  /// Whatever is cut off or changed: one line that names the file, or a file that is read.
  @Test(arguments: ["arrays.npz", "compressed.npz", "array.npy", "keras.npz"])
  func damagedFilesThrow(name: String)
    throws
  {
    try DamagedFiles.check(path(name), rounds: 400, least: 100) {
      _ = try WeightsFile(contentsOf: $0)
    }
  }

  /// Cut off at every byte, the longer one at every seventh.
  @Test func truncatedAnywhere() throws {
    for (name, step) in [("array.npy", 1), ("arrays.npz", 7), ("compressed.npz", 7)] {
      try DamagedFiles.checkTruncations(path(name), step: step) {
        _ = try WeightsFile(contentsOf: $0)
      }
    }
  }
}
