import Foundation
import Testing

/// `saker doctor --convolutions`, `saker benchmark --mode convolution`, and the setting.
@Suite struct ConvolutionCommandTests {
  private static let few = ["--network", "resnet18", "--batch", "1", "--pass", "inference"]

  /// Without what this machine has in its cache, or somebody set.
  private static func environment(_ cache: Sandbox, _ more: [String: String] = [:]) -> [String:
    String]
  {
    ["XDG_CACHE_HOME": cache.path, "SAKER_CONVOLUTION": "auto"].merging(more) { $1 }
  }

  private func table(_ arguments: [String], _ environment: [String: String]) throws
    -> [[String: Any]]
  {
    let told = try Saker.succeed(
      ["doctor", "--convolutions", "--json"] + arguments, environment: environment
    ).object()
    return try #require(told["rows"] as? [[String: Any]])
  }

  @Test func theTableTellsEstimatesAndChoices() throws {
    let environment = Self.environment(try Sandbox())
    let rows = try table([], environment)
    // 40 layers, 4 of which nobody wants the input's gradient of; three batches.
    #expect(rows.count == 3 * (3 * 40 + 36))
    for row in rows {
      let estimates = try #require(row["estimates"] as? [String: Double])
      let chosen = try #require(row["chosen"] as? String)
      let (direct, least) = (try #require(estimates["direct"]), estimates.values.min()!)
      let time = try #require(estimates[chosen])
      #expect(time == direct || time == least, "\(row)")
      if least < 0.6 * direct { #expect(time == least, "\(row)") }
      if least > 0.9 * direct { #expect(time == direct, "\(row)") }
      #expect(row["measured"] == nil)
    }
    let again = try table([], environment)
    #expect(rows as NSArray == again as NSArray)
    let text = try Saker.succeed(["doctor", "--convolutions"] + Self.few, environment: environment)
    #expect(text.output.contains("64→64") && text.errors.isEmpty)
  }

  @Test(arguments: [[], ["--convolution"]])
  func settingsAreObeyed(option: [String]) throws {
    let cache = try Sandbox()
    func chosen(_ setting: String) throws -> Set<String> {
      let rows = try table(
        option + (option.isEmpty ? [] : [setting]) + ["--network", "tiny-ssd"],
        Self.environment(cache, option.isEmpty ? ["SAKER_CONVOLUTION": setting] : [:]))
      return Set(rows.compactMap { $0["chosen"] as? String })
    }
    #expect(try chosen("direct") == ["direct"])
    #expect(try chosen("winograd") == ["winograd 4"])
    #expect(try chosen("auto").contains("direct") && chosen("auto").contains("winograd 4"))
  }

  @Test func anUnknownSettingOfTheEnvironmentIsToldInOneLine() throws {
    let environment = Self.environment(try Sandbox(), ["SAKER_CONVOLUTION": "fast"])
    let result = try Saker.run(["doctor"], environment: environment)
    #expect(result.status == 64 && result.output.isEmpty)
    #expect(
      result.errors.hasPrefix(
        "Error: SAKER_CONVOLUTION: expected one of auto, direct, winograd, got 'fast'\n"))
    // What is said on the command line counts.
    try Saker.succeed(
      ["doctor", "--convolutions", "--convolution", "auto"] + Self.few, environment: environment)
  }

  @Test func doctorTellsTheInstructionSetsAndRefusesOthers() throws {
    func run(_ set: String) throws -> Saker.Result {
      try Saker.run(
        ["doctor", "--json"], environment: Self.environment(try Sandbox(), ["SAKER_ISA": set]))
    }
    let told = try run("portable").object()
    #expect(told["own_instructions"] as? String == "portable")
    let available = try #require(told["available_instructions"] as? [String])
    #expect(available.first == "portable")
    // Also what this processor lacks: a set that no kernel has is never there.
    for set in ["AVX2", "", "neon"] + ["avx2", "avx512", "amx"].filter({ !available.contains($0) })
    {
      let result = try run(set)
      #expect(result.status == 64 && result.output.isEmpty)
      #expect(result.errors.hasPrefix("Error: SAKER_ISA: expected one of portable"))
    }
  }

  @Test func measurementsAreKeptAndUsed() throws {
    let cache = try Sandbox()
    let environment = Self.environment(cache)
    let measured = try table(Self.few + ["--measure", "--rounds", "1"], environment)
    #expect(try cache.list("saker") == ["convolutions.json"])
    let later = try table(Self.few, environment)
    #expect(measured as NSArray == later as NSArray)
    for row in later {
      let times = try #require(row["measured"] as? [String: Double])
      let chosen = try #require(row["chosen"] as? String)
      #expect(times.count > 1 && times[chosen] == times.values.min(), "\(row)")
    }
  }

  @Test func aFileThatIsNoneIsIgnoredAndReplaced() throws {
    let cache = try Sandbox()
    let environment = Self.environment(cache)
    let fresh = try table(Self.few, environment)
    for text in ["", "{", "[1, 2]", "{\"format\": 7, \"machines\": []}"] {
      try cache.write(text, "saker/convolutions.json")
      let result = try Saker.succeed(
        ["doctor", "--convolutions", "--json"] + Self.few, environment: environment)
      #expect(result.errors.contains("convolutions.json: ") && result.errors.contains("is ignored"))
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(try result.object()["rows"] as? NSArray == fresh as NSArray)
    }
    let measured = try table(Self.few + ["--measure", "--rounds", "1"], environment)
    #expect(measured.allSatisfy { $0["measured"] != nil })
    let after = try Saker.succeed(
      ["doctor", "--convolutions"] + Self.few, environment: environment)
    #expect(after.errors.isEmpty)
  }

  @Test func aPlaceThatCannotBeWrittenIsTold() throws {
    let cache = try Sandbox()
    try cache.write("text", "saker")
    let result = try Saker.run(
      ["doctor", "--convolutions", "--measure", "--rounds", "1"] + Self.few,
      environment: Self.environment(cache))
    #expect(result.status != 0 && !result.crashed)
    #expect(result.errors.contains("saker/convolutions.json: cannot be written: "))
  }

  @Test func theSuiteMeasures() throws {
    let report = try Saker.succeed(
      [
        "benchmark", "--mode", "convolution", "--network", "resnet18", "--batch", "1", "--pass",
        "data", "--rounds", "1", "--json",
      ], environment: Self.environment(try Sandbox())
    ).object()
    let rows = try #require(report["rows"] as? [[String: Any]])
    #expect(rows.map { $0["inputs"] as? Int } == [64, 128, 256, 512])
    for row in rows {
      let ours = try #require(row["ours"] as? [[String: Any]])
      #expect(ours.map { $0["tile"] as? Int } == [4, 2])
      for kernel in ours {
        #expect(kernel["rms_error"] as? Double ?? 1 < 1e-5)
        #expect(kernel["exact_error"] as? Double ?? 1 < 2e-5)
        #expect(kernel["gflops"] as? Double ?? 0 > 0)
      }
    }
    let summaries = try #require(report["summaries"] as? [[String: Any]])
    #expect(summaries.count == 1 && summaries[0]["cases"] as? Int == 4)
  }

  @Test(arguments: ["train", "infer"])
  func classifiersAreMeasured(mode: String) throws {
    let report = try Saker.succeed([
      "benchmark", "--model", "vgg11_bn", "--mode", mode, "--batch", "1", "--size", "32",
      "--seconds", "0.1", "--json",
    ]).object()
    #expect(report["images_per_second"] as? Double ?? 0 > 0)
    #expect(report["model"] as? String == "vgg11_bn")
  }
}
