import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// Graphs of whole networks: they compute what the networks compute, and say what the summaries
/// say.
@Suite(.serialized) struct GraphTests {
  /// All classifiers in the long check; else the one with the fewest multiply-adds of each family:
  /// at the published size all of them take minutes.
  private static let names: [String] = {
    let all = ClassifierGoldenTests.names
    if LongChecks.factor > 1 { return all }
    let families = Dictionary(grouping: all) { ClassifierCatalog.named($0)?.family ?? "" }
    return families.values.map { $0.min { work($0) < work($1) }! }.sorted()
  }()

  private static func work(_ name: String) -> Int {
    ClassifierCatalog.named(name)?.facts.multiplyAdds ?? .max
  }

  private static func started(_ name: String) throws -> (ClassifierEntry, any Classifier) {
    let entry = try #require(ClassifierCatalog.named(name))
    return (entry, try ClassifierGoldenTests.model(entry))
  }

  /// The same to within `tolerance` of the largest.
  private func expectClose(
    _ a: Tensor, _ b: Tensor, _ name: String, tolerance: Float = 2e-4,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(a.shape == b.shape, "\(name)", sourceLocation: location)
    let scale = max(abs(b).max().item, 1e-6)
    let distance = abs(a - b).max().item
    #expect(distance <= tolerance * scale, "\(name)", sourceLocation: location)
  }

  /// At the published size, parameters, multiply-adds, shapes and receptive fields are those of
  /// `ModelSummary`; on small pictures, where the network takes them, the graph gives the numbers
  /// of the network, run apart, bit for bit, and those of its fused form to rounding, for numbers
  /// of pictures that it was not captured with.
  @Test(arguments: names) func aClassifiersGraphIsTheClassifier(name: String) throws {
    let (entry, model) = try Self.started(name)
    try compareWithSummary(model, name, entry.input)
    let side = entry.patch == nil ? entry.input.smallestSide : entry.input.side
    let shape = Shape([5, entry.input.channels, side, side])
    let x = ClassifierGoldenTests.drawn(shape, seed: 7)
    let two = x[0..<2].channelsLast()
    var apart: [Tensor] = []
    let graph = try model.capture([two], batch: .open) {
      apart.append(model($0[0]))
      return [apart.last!]
    }
    #expect(graph.hasOpenBatch)
    #expect(graph(two).floats == apart[0].floats, "\(name)")
    expectClose(graph(x), model.evaluating { model(x) }, name, tolerance: 2e-3)
    let one = x[0..<1]
    expectClose(graph(one), model.evaluating { model(one) }, name, tolerance: 2e-3)
    // Through a file: names and shapes, no numbers.
    let read = try Graph(json: graph.json())
    #expect(read.multiplyAdds(batch: 3) == graph.multiplyAdds(batch: 3))
    #expect(read.multiplyAdds(batch: 3) == 3 * read.multiplyAdds())
    #expect(read.sights() == graph.sights())
    #expect(read.constants.map(\.name) == graph.constants.map(\.name))
  }

  private func compareWithSummary(
    _ model: any Classifier, _ name: String, _ input: ClassifierInput
  ) throws {
    let x = Tensor.zeros([1, input.channels, input.side, input.side])
    let graph = try model.capture(x)
    let summary = ModelSummary(model, name: name, input: x) { _ = model($0) }
    #expect(graph.multiplyAdds() == summary.multiplyAdds, "\(name)")
    let (used, unused) = graph.parameters(of: model)
    let rest = model.namedParameters.filter { unused.contains($0.name) }
    #expect(
      used + rest.reduce(0) { $0 + $1.parameter.shape.elements } == model.parameterCount,
      "\(name)")
    #expect(unused.allSatisfy { $0.lowercased().contains("aux") }, "\(name): \(unused.prefix(3))")
    // All else that is constant is one number, such as the imaginary parts of FNet's numbers.
    for constant in graph.constants where constant.name.hasPrefix("constant") {
      #expect(Set(try #require(constant.tensor).floats).count == 1, "\(name): \(constant.name)")
    }
    #expect(differences(graph, summary).prefix(5) == [], "\(name)")
  }

  /// Where a layer's last step and its row of the summary disagree on the shape of the result
  /// or on what it sees.
  private func differences(_ graph: Graph, _ summary: ModelSummary) -> [String] {
    let sights = graph.sights()
    var last: [String: [Graph.Step]] = [:]
    for step in graph.steps { last[step.scope, default: []].append(step) }
    let rows = Dictionary(grouping: summary.rows, by: \.name)
    return rows.sorted { $0.key < $1.key }.flatMap { name, rows -> [String] in
      guard rows.count == 1, let step = last[name]?.last else { return [] }
      let (row, shape) = (rows[0], step.output.shape().sizes)
      // A linear layer's rows may be those of one matrix, an attention's last step
      // those of its sum.
      guard shape.count == 4 else { return [] }
      var found: [String] = []
      if shape != row.outputShape { found.append("\(name): \(shape), not \(row.outputShape)") }
      guard shape[2] > 1, let field = row.receptiveField else { return found }
      guard let sight = sights[step.output.id] else {
        return found + ["\(name): sees nothing, not \(field)"]
      }
      let seen = (
        [sight.rows.size, sight.columns.size], [sight.rows.stride, sight.columns.stride],
        [sight.rows.center, sight.columns.center]
      )
      if seen.0 != field || seen.1 != row.stride ?? [] || seen.2 != row.center ?? [] {
        found.append(
          "\(name): \(seen), not \(field) \(row.stride ?? []) \(row.center ?? [])")
      }
      return found
    }
  }

  @Test func tinySSD() throws {
    let model = TinySSDTests.model()
    let x = random([2, 3, 256, 256], seed: 3).channelsLast()
    let run: ([Tensor]) -> [Tensor] = { model.rawOutputs($0[0]).map(\.tensor) }
    let graph = try model.capture([x], batch: .open, run)
    let more = random([5, 3, 256, 256], seed: 4).channelsLast()
    for (a, b) in zip(graph([more]), run([more])) { expectClose(a, b, "tiny-ssd") }
    let summary = ModelSummary(model)
    #expect(graph.multiplyAdds() == summary.multiplyAdds)
    let (used, unused) = graph.parameters(of: model)
    #expect(used == summary.parameters && unused == [])
    #expect(differences(graph, summary) == [])
    // Boxes of the finest level see what its cells see, all boxes what the coarsest do.
    let sights = graph.sights()
    let logits = graph.outputs[1]
    #expect(graph.values[logits].text.hasPrefix("[N, 5444, "))
    #expect(sights[logits]?.rows.size ?? 0 >= 256)
    #expect(graph.dot.contains("blk_0.0.0\\nconvolution2d\\n[N, 16, 256, 256]"))
  }

  /// What the constants that `ModelSummary` sends through layers can't follow: functions that
  /// choose, and places that meet.
  @Test func whatIsBehindAPoolingSeesAllOfIt() throws {
    let weight = random([4, 3, 3, 3], seed: 1)
    let dense = random([4, 2], seed: 2)
    let graph = try capture(random([1, 3, 8, 8], seed: 3)) { x in
      let y = conv2d(x, weight, padding: (1, 1, 1, 1))
      return matmul(y.mean(axes: [2, 3]), dense)
    }
    let sight = try #require(graph.sights()[graph.outputs[0]])
    // 3x3, and 8 places of it: one more on each side.
    #expect(sight.rows.size == 10 && sight.rows.center == 3.5)
    #expect(graph.multiplyAdds() == 4 * 64 * 27 + 8)
  }
}
