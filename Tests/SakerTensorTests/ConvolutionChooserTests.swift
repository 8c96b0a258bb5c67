import Foundation
import TestSupport
import Testing

@testable import SakerTensor

/// The choice of kernels: nothing here changes what other tests compute by.
@Suite struct ConvolutionChooserTests {
  private static func layer(
    _ pass: ConvolutionPass = .forward, pictures: Int = 8, _ inputs: Int = 64, _ outputs: Int = 64,
    side: Int = 56, groups: Int = 1, dtype: DType = .float32
  ) -> ConvolutionCase {
    ConvolutionCase(
      pass, pictures: pictures, inputs: inputs, outputs: outputs, groups: groups, height: side,
      width: side, dtype: dtype)
  }

  // MARK: The choice

  @Test(arguments: ConvolutionPass.allCases)
  func forcedSettingsObey(pass: ConvolutionPass) {
    for side in [1, 2, 3, 7, 56] {
      let work = Self.layer(pass, side: side)
      #expect(ConvolutionChooser.method(for: work, .direct) == .direct)
      #expect(ConvolutionChooser.method(for: work, .winograd) == .winograd(tile: 4))
    }
  }

  @Test func whatOurKernelsDoNotComputeIsDirect() {
    for setting in ConvolutionSetting.allCases {
      #expect(ConvolutionChooser.method(for: Self.layer(dtype: .bfloat16), setting) == .direct)
      // A depthwise convolution.
      #expect(
        ConvolutionChooser.method(for: Self.layer(.forward, 1, 1, groups: 64), setting) == .direct)
    }
    var strided = ConvolutionAttributes()
    strided.stride = [2, 2]
    var dilated = ConvolutionAttributes()
    dilated.dilation = [1, 2]
    for attributes in [strided, dilated] {
      #expect(
        ConvolutionCase(.forward, [1, 64, 9, 9], [64, 64, 3, 3], attributes, .float32) == nil)
    }
    #expect(
      ConvolutionCase(.forward, [1, 64, 9, 9], [64, 64, 5, 5], ConvolutionAttributes(), .float32)
        == nil)
  }

  @Test func theLeastEstimateIsChosen() {
    for pass in ConvolutionPass.allCases {
      for side in [1, 7, 13, 56] {
        for channels in [3, 16, 100, 512] {
          let work = Self.layer(pass, channels, channels, side: side)
          let estimates = ConvolutionChooser.estimates(for: work, .none)
          #expect(estimates[0].method == .direct)
          #expect(estimates.allSatisfy { $0.nanoseconds > 0 && $0.nanoseconds.isFinite })
          let least = estimates.min { $0.nanoseconds < $1.nanoseconds }!
          let isSmall = estimates[0].nanoseconds < 50_000
          let margin = pass == .weights ? (isSmall ? 0.6 : 0.8) : (isSmall ? 0.75 : 0.9)
          let isClear = least.nanoseconds < margin * estimates[0].nanoseconds
          let chosen = ConvolutionChooser.fastest(for: work, .none)
          #expect(chosen == (isClear ? least.method : .direct))
          // Asked again it comes from memory.
          #expect(
            ConvolutionChooser.fastest(for: work) == ConvolutionChooser.fastest(for: work))
        }
      }
    }
  }

  /// Many products and few weights: where a quarter of the products counts.
  @Test func largeMapsAreOurs() {
    for pass in ConvolutionPass.allCases {
      #expect(ConvolutionChooser.fastest(for: Self.layer(pass), .none) == .winograd(tile: 4))
    }
  }

  @Test func aCaseIsReadFromAConvolution() throws {
    var attributes = ConvolutionAttributes()
    attributes.before = [0, 2]
    attributes.after = [1, 0]
    attributes.groups = 2
    let work = try #require(
      ConvolutionCase(.weights, [3, 16, 10, 9], [32, 8, 3, 3], attributes, .float32))
    #expect(work.height == 9 && work.width == 9 && work.inputs == 8 && work.outputs == 16)
    #expect(work.x == [3, 16, 10, 9] && work.y == [3, 32, 9, 9] && work.weight == [32, 8, 3, 3])
    #expect(work.attributes.before == [0, 2] && work.attributes.after == [1, 0])
    #expect(work.attributes.groups == 2)
    #expect(attributes.output(work.x, work.weight) == work.y)
  }

  // MARK: What there is to do

  @Test func sidesAreCutIntoTilesAndARest() {
    func products(_ side: Int, _ tile: Int) -> Double {
      let work = Self.layer(.forward, pictures: 1, 1, 16, side: side)
      return ConvolutionCost.Work(work, .winograd(tile: tile), lanes: 16).products / 16
    }
    // 7 = 4 + 3 costs 6 + 5 points a side, 14 = 4 + 4 + 4 + 2 costs 22, 13 = 3 * 4 + 1 costs 21.
    #expect(products(7, 4) == 121 && products(14, 4) == 484 && products(13, 4) == 441)
    #expect(products(7, 2) == 225 && products(1, 4) == 9 && products(1, 2) == 9)
  }

  @Test func theInputsGradientReadsTheResults() {
    let work = Self.layer(.data, pictures: 1, 16, 48, side: 8)
    let ours = ConvolutionCost.Work(work, .winograd(tile: 4), lanes: 16)
    #expect(ours.inputs == 144 * 48 && ours.outputs == 144 * 16)
    #expect(ours.products == 144 * 48 * 16 && ours.weights == 36 * 48 * 16)
  }

  @Test func directProductsAreNineOfEach() {
    let work = Self.layer(.forward, pictures: 2, 64, 20, side: 5)
    let direct = ConvolutionCost.Work(work, .direct, lanes: 16)
    #expect(direct.products == 9 * 2 * 25 * 64 * 32)
    #expect(direct.inputs == 2 * 25 * 64 && direct.outputs == 2 * 25 * 20)
    #expect(direct.weights == 9 * 64 * 32)
  }

  @Test func everyTableIsWhole() {
    for set in InstructionSet.allCases {
      for pass in ConvolutionPass.allCases {
        for method in ConvolutionMethod.all {
          let cost = ConvolutionConstants.cost(pass, method, ours: set, oneDNN: set)
          #expect(cost.product > 0 && cost.call >= 0 && cost.weight >= 0)
          #expect(cost.input >= 0 && cost.output >= 0)
        }
      }
    }
  }

  // MARK: Corrections

  private typealias Corrections = ConvolutionCorrections
  private static let machine = Corrections.Machine(
    processor: "one", instructionSet: "avx2", kernels: "oneDNN 9")

  /// Of a case for which direct is said to be `factor` times as fast as estimated.
  private static func measured(_ work: ConvolutionCase, directFaster factor: Double)
    -> Corrections.Measured
  {
    let estimates = ConvolutionChooser.estimates(for: work, .none)
    return Corrections.Measured(
      work,
      seconds: Dictionary(
        uniqueKeysWithValues: estimates.map {
          ($0.method, $0.nanoseconds * 1e-9 / ($0.method == .direct ? factor : 1))
        }))
  }

  @Test func measurementsDecide() {
    let work = Self.layer()
    let corrections = Corrections([Self.measured(work, directFaster: 100)])
    #expect(ConvolutionChooser.fastest(for: work, .none) != .direct)
    #expect(ConvolutionChooser.fastest(for: work, corrections) == .direct)
    // What holds for most cases of a pass is taken to hold for others of it, and for no other pass.
    #expect(ConvolutionChooser.fastest(for: Self.layer(side: 60), corrections) == .direct)
    #expect(ConvolutionChooser.fastest(for: Self.layer(.data), corrections) != .direct)
  }

  @Test func theFileGoesThereAndBack() throws {
    let file = NSTemporaryDirectory() + "saker-\(UUID().uuidString)/saker/convolutions.json"
    defer {
      try? FileManager.default.removeItem(
        at: URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent())
    }
    let works = [Self.layer(), Self.layer(.weights, 24, 40, side: 9, groups: 2)]
    #expect(try Corrections(file: file, for: Self.machine).isEmpty, "there is none")
    let written = try Corrections.write(
      [Self.measured(works[0], directFaster: 3)], to: file, for: Self.machine)
    #expect(written.measured(works[0])?.count == 3)
    // Another case, then another machine: none takes away what was there.
    _ = try Corrections.write(
      [Self.measured(works[1], directFaster: 2)], to: file, for: Self.machine)
    var other = Self.machine
    other.processor = "two"
    #expect(try Corrections(file: file, for: other).isEmpty, "a foreign machine's is not used")
    _ = try Corrections.write([Self.measured(works[0], directFaster: 5)], to: file, for: other)
    let read = try Corrections(file: file, for: Self.machine)
    for (work, factor) in zip(works, [3.0, 2]) {
      let expected = Self.measured(work, directFaster: factor).seconds
      #expect(read.measured(work) == expected)
    }
    // The newer time of the same case counts.
    let newer = try Corrections.write(
      [Self.measured(works[0], directFaster: 7)], to: file, for: Self.machine)
    #expect(newer.measured(works[0]) == Self.measured(works[0], directFaster: 7).seconds)
    #expect(newer.measured(works[1]) != nil)
  }

  @Test(arguments: [
    "", "{", "[]", "{\"format\": 2, \"machines\": []}",
    row("{\"direct\": 1}", pass: "sideways"), row("{\"magic\": 1}"), row("{\"direct\": -1}"),
    row("{\"direct\": 1}", padding: "[1]"), row("{\"direct\": 1}", pictures: 0),
  ])
  func otherFilesAreRefusedInOneLine(text: String) throws {
    let file = NSTemporaryDirectory() + "saker-\(UUID().uuidString).json"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect {
      try Corrections(file: file, for: Self.machine)
    } throws: { error in
      let text = "\(error)"
      return error is Corrections.FileError && text.hasPrefix(file + ": ") && !text.contains("\n")
    }
  }

  private static func row(
    _ seconds: String, pass: String = "data", padding: String = "[1,1,1,1]", pictures: Int = 1
  ) -> String {
    """
    {"format":1,"machines":[{"machine":{"processor":"one","instructionSet":"avx2","kernels":"oneDNN 9"},\
    "measured":[{"pass":"\(pass)","pictures":\(pictures),"inputs":1,"outputs":1,"groups":1,"height":1,\
    "width":1,"padding":\(padding),"seconds":\(seconds)}]}]}
    """
  }

  @Test func theFileIsInTheCacheFolder() {
    #expect(
      Corrections.path(["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/saker/convolutions.json")
    #expect(
      Corrections.path(["XDG_CACHE_HOME": "c", "HOME": "/h"]) == "/h/.cache/saker/convolutions.json"
    )
    #expect(Corrections.path(["HOME": "/h"]) == "/h/.cache/saker/convolutions.json")
    #expect(Corrections.path([:]) == nil)
  }

  @Test func theEnvironmentVariableIsChecked() {
    #expect(Convolutions.problem(with: nil) == nil)
    #expect(Convolutions.problem(with: "direct") == nil)
    #expect(
      Convolutions.problem(with: "Direct")
        == "SAKER_CONVOLUTION: expected one of auto, direct, winograd, got 'Direct'")
  }
}

/// Every method gives what the sum that defines it says.
@Suite struct ConvolutionMeasurementTests {
  private static let cases = ConvolutionPass.allCases.flatMap { pass in
    [
      ConvolutionCase(pass, pictures: 2, inputs: 20, outputs: 24, height: 9, width: 7),
      ConvolutionCase(
        pass, pictures: 1, inputs: 8, outputs: 16, groups: 3, height: 5, width: 6,
        padding: ConvolutionPadding(top: 0, bottom: 2, left: 1, right: 0)),
    ]
  }

  @Test(arguments: cases)
  func methodsAgree(work: ConvolutionCase) {
    let methods = ConvolutionMeasurement.methods(for: work)
    #expect(methods.count == 3)
    let effort = ConvolutionMeasurement.Effort(seconds: 0.001, rounds: 1, patience: 1)
    let results = ConvolutionMeasurement(work).run(methods, effort)
    #expect(results.map(\.method) == methods)
    // No pass of these cases adds up more tiles than channels; `error` is the difference from
    // the direct kernel's.
    let channels = max(work.inputs, work.outputs)
    let bound =
      Rounding.bound(terms: channels, .winograd(tile: 4)) + Rounding.bound(terms: 9 * channels)
    for result in results {
      #expect(result.exactError < bound && result.error < bound, "\(result.method)")
      #expect(result.leastSeconds > 0 && result.leastSeconds <= result.seconds)
    }
    #expect(results[0].ratio == 1 && results[0].error == 0)
  }

  /// The sum itself must be able to tell a wrong result.
  @Test func aWrongResultIsSeen() {
    let work = Self.cases[0]
    let x = random(work.x, seed: 1).channelsLast()
    let weight = random(work.weight, seed: 2)
    let reference = ConvolutionReference(work, x: x, gradient: x, weight: weight)
    let right = ConvolutionMethods.run(.direct, work, x: x, gradient: x, weight: weight)
    #expect(reference.error(of: right) < 1e-6)
    #expect(abs(reference.error(of: right * 1.01) - 0.01) < 1e-3)
  }
}
