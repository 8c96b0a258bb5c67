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
    #expect(report.summary.contains("1 missing: body.1.running_mean"))
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
    for wrong in ["", "a", "=b", "a=", "a=*", "*.*=*", "a=b=c"] {
      #expect(NameRule(wrong) == nil, "\(wrong)")
    }
  }
}
