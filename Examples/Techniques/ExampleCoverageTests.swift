import Foundation
import Testing

/// A technique without an example fails here, by its name. The list of techniques is not written
/// down a second time: it is what docs/notes-map.md names, and what the sources declare.
@Suite struct ExampleCoverageTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

  /// Types that conform to one of these are techniques: layers, networks, optimizers, schedules,
  /// transforms, samplers.
  private static let kinds: Set = [
    "Layer", "ActivationLayer", "IdleLayer", "Module", "RecurrentStack", "Classifier",
    "PrunableClassifier", "AuxiliaryClassifier", "StackedClassifier", "Detector", "UpdateRule",
    "Schedule", "SampleTransform", "ParameterizedTransform", "MixingTransform", "Sampler",
    "BatchSampling", "StatisticsReducer",
  ]

  /// All public functions of these folders are techniques, and the types with these endings.
  private static let endings = ["Loss", "Evaluation", "Curve", "Counts", "Matrix", "Quality"]
  private static let folders = [
    "SakerNN/Losses", "SakerNN/Optimizers", "SakerNN/Regularization", "SakerNN/Training",
    "SakerNN/Mathematics", "SakerVision/Boxes", "SakerVision/Heads", "SakerVision/Losses",
    "SakerVision/Operations", "SakerMetrics",
  ]

  @Test func everyNameOfTheNotesMapHasAnExample() throws {
    let used = try Self.namesInExamples()
    let map = try String(
      contentsOf: Self.root.appendingPathComponent("docs/notes-map.md"), encoding: .utf8)
    var techniques = 0
    for (number, line) in map.components(separatedBy: "\n").enumerated() {
      // | place | in the notes | in Saker | file |
      let cells = line.components(separatedBy: "|")
      guard cells.count == 6, line.hasPrefix("|") else { continue }
      for span in Self.spans(of: cells[3]) where Self.isAPI(span) {
        techniques += 1
        let missing = Self.names(in: span).filter { !used.contains($0) }
        #expect(missing.isEmpty, "docs/notes-map.md:\(number + 1): no example uses \(span)")
      }
    }
    #expect(techniques > 300)
  }

  @Test func everyTechniqueOfTheSourcesHasAnExample() throws {
    let used = try Self.namesInExamples()
    let sources = Self.root.appendingPathComponent("Sources")
    let paths = FileManager.default.enumerator(atPath: sources.path)?.compactMap { $0 as? String }
    var techniques = 0
    for path in (paths ?? []).sorted() where path.hasSuffix(".swift") {
      let text = try String(
        contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      for name in Self.techniques(in: text, path) {
        techniques += 1
        let isUsed = used.contains(name)
        #expect(isUsed, "Sources/\(path): no example uses \(name)")
      }
    }
    #expect(techniques > 250)
  }

  /// What a file declares that deserves an example.
  private static func techniques(in text: String, _ path: String) -> [String] {
    let isListed = folders.contains { path.hasPrefix($0 + "/") }
    return text.matches(of: #/(?m)^public (?:final )?(class|struct|enum|func) (\w+)([^{\n]*)/#)
      .compactMap { match in
        let (_, what, name, rest) = match.output
        let isNamed = isListed && (what == "func" || endings.contains { name.hasSuffix($0) })
        let isOfKind = what != "func" && names(in: rest).contains { kinds.contains($0) }
        return isNamed || isOfKind ? String(name) : nil
      }
  }

  /// The names that the examples use: comments, texts and the examples' own
  /// declarations don't count.
  private static func namesInExamples() throws -> Set<String> {
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).filter { $0.lastPathComponent.hasSuffix("Examples.swift") }
    return try files.reduce(into: []) { found, file in
      let text = try String(contentsOf: file, encoding: .utf8)
        .replacing(#/\/{2}.*/#, with: "")
        .replacing(#/"(\\.|[^"\n\\])*"/#, with: "")
        .replacing(#/\b(func|let|var|for|struct|class) \w+/#, with: "")
      found.formUnion(names(in: text))
    }
  }

  private static func names(in text: some StringProtocol) -> [String] {
    String(text).replacing(#/"[^"]*"/#, with: "").matches(of: #/[A-Za-z_]\w*/#).map {
      String($0.output)
    }
  }

  private static func spans(of cell: String) -> [String] {
    cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
  }

  /// Not a command, an option, a word of the language, a file or a column of one.
  private static func isAPI(_ span: String) -> Bool {
    !span.hasPrefix("saker ") && !span.hasPrefix("--") && !span.hasPrefix("static ")
      && !span.hasSuffix(".csv") && !span.hasSuffix(".html")
      && !span.contains(#/^[a-z]+_[a-z_]+$/#)
  }
}
