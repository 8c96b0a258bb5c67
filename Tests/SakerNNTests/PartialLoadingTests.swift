import Foundation
import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

private final class Net: Module {
  let body: Sequential
  let fc: Linear

  init(classes: Int, seed: UInt64) {
    (body, fc) = withSeed(seed) {
      (Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4)), Linear(4, classes))
    }
  }
}

@Suite struct PartialLoadingTests {
  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  private func bits(_ model: Net) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor.converted(to: .float32).floats) })
  }

  @Test func aNewHeadKeepsItsValues() throws {
    let (old, new) = (Net(classes: 10, seed: 1), Net(classes: 3, seed: 2))
    let before = bits(new)
    let report = try new.load(state: old.state, .newHead(["fc"]))
    #expect(report.kept == ["fc.weight", "fc.bias"])
    #expect(report.missing.isEmpty && report.unexpected.isEmpty && report.loaded.count == 7)
    let after = bits(new)
    #expect(after["fc.weight"] == before["fc.weight"])
    #expect(after["body.0.weight"] == bits(old)["body.0.weight"])
    // A head under another name is no stranger if it is to be replaced anyway.
    let foreign = old.state.map {
      NamedTensor($0.name.hasPrefix("fc.") ? "fc.0" + $0.name.dropFirst(2) : $0.name, $0.tensor)
    }
    #expect(problem { try new.load(state: foreign, .newHead(["fc"])) }.isEmpty)
  }

  /// Nothing is taken, and everything that is wrong is said at once.
  @Test func allProblemsAreTold() throws {
    let (old, new) = (Net(classes: 10, seed: 1), Net(classes: 3, seed: 2))
    var state = old.state.filter { $0.name != "body.1.running_mean" }
    state.append(NamedTensor("extra", .zeros([1])))
    state = state.map {
      $0.name == "body.1.weight"
        ? NamedTensor($0.name, Tensor([1, .nan, 2, .infinity] as [Float])) : $0
    }
    let before = bits(new)
    let text = problem { try new.load(state: state, file: "x.pth", .whole) }
    for part in [
      "x.pth does not fit the model", "fc.weight: expected [3, 4], got [10, 4]",
      "fc.bias: expected [3], got [10]", "body.1.running_mean: missing", "extra: unexpected",
      "body.1.weight: 2 of 4 elements are infinite or not a number",
    ] { #expect(text.contains(part), "\(text)") }
    #expect(bits(new) == before)
    // What the options allow is not a problem, but told.
    let stillBad = problem { try new.load(state: state, .whatFits) }
    #expect(stillBad.contains("body.1.weight") && !stillBad.contains("missing"))
    var options = PartialLoading.whatFits
    options.allowsNonFinite = true
    let report = try new.load(state: state, options)
    #expect(report.misshapen.count == 2 && report.missing == ["body.1.running_mean"])
    #expect(report.unexpected == ["extra"] && report.nonFinite.count == 1)
    #expect(report.summary.contains("missing 1: body.1.running_mean"))
    #expect(bits(new)["body.1.weight"]?[1].isNaN == true)
  }

  @Test func namesChange() throws {
    let (old, new) = (Net(classes: 3, seed: 1), Net(classes: 3, seed: 2))
    let state =
      old.state.map { NamedTensor("backbone.\($0.name)", $0.tensor) }
      + [NamedTensor("optimizer.step", .zeros([]))]
    var options = PartialLoading(
      ignoring: ["optimizer.*"], renaming: [NameRule(from: "backbone.*", to: "*")])
    try new.load(state: state, options)
    #expect(bits(new) == bits(old))
    options.renaming = [NameRule(from: "backbone.*", to: "spine.*")]
    let strange = problem { try new.load(state: state, options) }
    #expect(strange.contains("spine.body.0.weight: unexpected"))
  }

  /// Two names of the state that become one would lose a tensor.
  @Test func namesThatMeetAreRefused() throws {
    let net = Net(classes: 3, seed: 1)
    let state = net.state + net.state.map { NamedTensor("old.\($0.name)", $0.tensor) }
    var options = PartialLoading.whatFits
    options.renaming = [NameRule(from: "old.*", to: "*")]
    #expect(problem { try net.load(state: state, options) }.contains("fc.weight: given twice"))
  }

  /// A state of which nothing is the model's is hardly what somebody means by a part.
  @Test func nothingAtAllIsAnError() throws {
    let net = Net(classes: 3, seed: 1)
    let foreign = net.state.map { NamedTensor("encoder.\($0.name)", $0.tensor) }
    let text = problem { try net.load(state: foreign, file: "x.pth", .whatFits) }
    #expect(text.contains("x.pth has no tensor that fits the model"), "\(text)")
    #expect(text.contains("body.0.weight") && text.contains("encoder.body.0.weight"), "\(text)")
    #expect(problem { try net.load(state: [], .whatFits) }.contains("no tensor that fits"))
    let shapes = net.state.map { NamedTensor($0.name, .zeros([9, 9])) }
    #expect(problem { try net.load(state: shapes, .whatFits) }.contains("expected [4, 3, 3, 3]"))
    // A model that keeps everything takes nothing, as asked.
    #expect(
      problem { try net.load(state: foreign, PartialLoading(keeping: ["*"])) }.contains(
        "unexpected") == false)
  }

  /// Counters of batches are of any type, and `[]` or `[1]`.
  @Test func countersAreOfAnyType() throws {
    let net = Net(classes: 3, seed: 1)
    let name = "body.1.num_batches_tracked"
    let forms: [Tensor] = [
      Tensor([7] as [Int64], []), Tensor([7] as [Int32], [1]), Tensor([7] as [Float], [1]),
      Tensor([7] as [Float], []).converted(to: .float16), Tensor([7] as [UInt8], []),
    ]
    for form in forms {
      let state = net.state.map { $0.name == name ? NamedTensor(name, form) : $0 }
      try net.load(state: state)
      let counter = try #require(net.state.first { $0.name == name }?.tensor)
      #expect(counter.shape == [] && counter.scalars(as: Int64.self) == [7], "\(form.dtype)")
    }
    for wrong in [
      Tensor([7, 8] as [Int64]), Tensor([Float.nan], []), Tensor([7] as [Int64], [1, 1]),
    ] {
      let state = net.state.map { $0.name == name ? NamedTensor(name, wrong) : $0 }
      #expect(problem { try net.load(state: state) }.contains(name))
    }
  }

  @Test func rulesByHand() throws {
    func renamed(_ text: String, _ name: String) throws -> String? {
      let rule = try #require(NameRule(text))
      return rule(name)
    }
    #expect(try renamed("model.*=*", "model.fc.bias") == "fc.bias")
    #expect(try renamed("*=net.*", "fc.bias") == "net.fc.bias")
    #expect(try renamed("*.gamma=*.weight", "bn.gamma") == "bn.weight")
    #expect(try renamed("a.*.b=c.*", "a.x.y.b") == "c.x.y")
    #expect(try renamed("a.*.a=*", "a.a") == nil)
    #expect(try renamed("head=fc", "head") == "fc")
    #expect(try renamed("head=fc", "head.weight") == nil)
    // Several stars, each for as little as it can, the last for the rest.
    #expect(
      try renamed("block*.conv*.w=blocks.*.*.weight", "block3.conv1.w") == "blocks.3.1.weight")
    #expect(
      try renamed("*.*.weight=*/*/kernel", "layer1.0.conv1.weight") == "layer1/0.conv1/kernel")
    #expect(try renamed("a.*.*=*", "a.b.c.d") == "b")
    #expect(try renamed("*.a.*.a=*+*", "a.a.a.a.a") == "a+a.a")
    #expect(try renamed("**x=*-*", "ax") == "-a")
    #expect(try renamed("a*b*c=*,*", "abc") == ",")
    #expect(try renamed("a*b*c=*,*", "acb") == nil)
    #expect(try renamed("*.b.*=*", "a.bb.c") == nil)
    for wrong in ["", "a", "=b", "a=", "a=*", "*=*.*", "a=b=c"] {
      #expect(NameRule(wrong) == nil, "\(wrong)")
    }
  }
}
