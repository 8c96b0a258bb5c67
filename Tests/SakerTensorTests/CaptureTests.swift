import Foundation
import TestSupport
import Testing

@testable import SakerTensor

/// Graphs of functions: what they note, that they compute the same, and what they refuse.
@Suite struct CaptureTests {
  private static let x = random([2, 3, 5, 6], seed: 1).channelsLast()
  private static let weight = random([4, 3, 3, 3], seed: 2)

  @Test func aGraphNamesOperationsAttributesConstantsAndValues() throws {
    let graph = try capture(Self.x) {
      relu(conv2d($0, Self.weight, stride: (2, 1), padding: (1, 1, 1, 1))).mean(axes: [2, 3]) * 3
    }
    #expect(graph.steps.map(\.operation).prefix(2) == ["convolution2d", "relu"])
    #expect(graph.steps.last?.operation == "multiply")
    let convolution = graph.steps[0]
    #expect(convolution.attributes["stride"] == .ints([2, 1]))
    #expect(convolution.attributes["before"] == .ints([1, 1]))
    #expect(convolution.attributes["groups"] == .int(1))
    #expect(convolution.inputs.first == graph.inputs[0].id)
    #expect(convolution.output.shape() == [2, 4, 3, 6])
    #expect(graph.steps[1].inputs == [convolution.output.id])
    #expect(graph.outputs == [graph.steps.last!.output.id])
    let named = graph.naming([("kernel", Self.weight)])
    #expect(named.constants.map(\.name).first == "kernel")
    #expect(named.constants.contains { $0.fill == 3 && $0.shape == [] })
  }

  @Test func viewsAndConversionsAreSteps() throws {
    let graph = try capture(Self.x) { x in
      var y = x.permute([0, 2, 3, 1]).reshape([2, -1, 3]).converted(to: .bfloat16)
      y = y.converted(to: .float32)[0..., 1..<7].transposed().contiguous()
      y[0, 1] = Tensor.zeros([6])
      return concatenate([y, y.expand([2, 3, 6]).flip([2])], axis: 1).channelsLast()
    }
    #expect(
      graph.steps.map(\.operation) == [
        "permute", "reshape", "convert", "convert", "slice", "permute", "reorder", "sliceAssign",
        "flip", "concatenate", "reorder",
      ])
    let y = graph(Self.x)
    #expect(y.shape == [2, 6, 6])
  }

  @Test func aValueThatChangesInPlaceKeepsWhatItWas() throws {
    let run: (Tensor) -> Tensor = { x in
      var y = x + 1
      let before = y
      y[0] = before[1] * 2
      var z = Tensor.zeros([2, 3, 5, 6])
      z[1] = y[0]
      return before - y + z
    }
    let graph = try capture(Self.x, run)
    let other = random([2, 3, 5, 6], seed: 5).channelsLast()
    #expect(graph(other).floats == run(other).floats)
  }

  @Test(arguments: OperationWalkTests.steps)
  func everyOperationIsCapturedOrRefusedByName(_ step: OperationWalkTests.Step) throws {
    let expected = withoutGradients { step.function(step.inputs) }
    do {
      let graph = try capture(step.inputs) { [step.function($0)] }
      #expect(!graph.steps.isEmpty)
      let y = graph(step.inputs)[0]
      #expect(y.shape == expected.shape && y.dtype == expected.dtype)
      #expect(y.floats.elementsEqual(expected.floats) { $0 == $1 || ($0.isNaN && $1.isNaN) })
      // What was written reads as it was, and neither numbers nor code are in it.
      let json = try graph.json()
      let read = try Graph(json: json)
      #expect(try read.json() == json)
      #expect(read.steps.map(\.operation) == graph.steps.map(\.operation))
      #expect(read.constants.allSatisfy { $0.tensor == nil })
      #expect(graph.dot.hasPrefix("digraph {") && graph.dot.hasSuffix("}\n"))
    } catch let error as CaptureError {
      let refused = Self.refused[step.name] ?? "nothing"
      #expect("\(error)".contains(refused), "\(step.name): \(error)")
    }
  }

  /// What holds functions that hear of a batch's own statistics, or decides by numbers.
  private static let refused = [
    "batchNormTraining": "batchNorm holds what no graph can: report",
    "batchNormTraining of replicas": "holds what no graph can: report",
    "convolutionBlock": "convolutionBlock holds what no graph can",
    "denseConnections": "denseConnections holds what no graph can",
    "attention with a mask that learns": "keeps mask for itself",
  ]

  @Test func readingANumberIsRefusedWithItsOrigin() throws {
    let error = try #require(throws: CaptureError.self) {
      try capture(Self.x) { x in
        let y = Capture.scope("head") { relu(x) }
        return y.sum().item > 0 ? y : -y
      }
    }
    #expect("\(error)".contains("numbers are read of the result of step 2, sum, []"))
    for read: (Tensor) -> Void in [
      { _ = $0.floats }, { _ = $0.scalars(as: Int64.self) }, { _ = "\($0)" },
      { $0.withElements(of: Float.self) { _ in } }, { $0.withBytes { _ in } },
    ] {
      let error = #expect(throws: CaptureError.self) {
        try capture(Self.x) { x in
          let y = Capture.scope("head.act") { relu(x) }
          read(y)
          return y
        }
      }
      #expect(error?.problems.first?.contains("step") ?? false)
    }
    // Constants may be read, and inputs' shapes.
    let graph = try capture(Self.x) { $0 * Self.weight.sum().item * Float($0.shape[0]) }
    #expect(graph.steps.filter { $0.operation == "multiply" }.count == 2)
  }

  @Test func whatReadsAMaskIsRefused() throws {
    let error = #expect(throws: CaptureError.self) { try capture(Self.x) { x in x[x .> 0] } }
    #expect("\(error.map { "\($0)" } ?? "")".contains("numbers are read of the result of step"))
  }

  @Test func anOpenBatchFitsAnyNumberOfPictures() throws {
    func run(_ x: Tensor) -> Tensor {
      let n = x.shape[0]
      let rows = x.reshape([n * 3, 30]) + Tensor.zeros([n * 3, 1])
      let token = random([1, 30], seed: 3).expand([n, 30])
      return concatenate([rows[0..<n * 3].reshape([n, 90]), token], axis: 1)
    }
    let graph = try capture(Self.x, batch: .open, run)
    #expect(graph.inputs[0].text == "[N, 3, 5, 6]")
    #expect(graph.steps.first { $0.operation == "reshape" }?.output.text == "[3N, 30]")
    #expect(graph.constants.contains { $0.value.text == "[3N, 1]" && $0.fill == 0 })
    for n in [1, 2, 7] {
      let x = random([n, 3, 5, 6], seed: 6).channelsLast()
      #expect(graph(x).floats == run(x).floats)
    }
    let read = try Graph(json: graph.json())
    #expect(read.inputs == graph.inputs && read.steps.last?.output.shape(batch: 4) == [4, 120])
  }

  @Test func whatDependsOnTheBatchOtherwiseIsNamed() throws {
    func problem(_ run: (Tensor) -> Tensor) -> String {
      let error = #expect(throws: CaptureError.self) {
        try capture(Self.x, batch: .open, run)
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(problem { $0[1...] }.contains("step 1, slice"))
    #expect(problem { $0 * Float($0.shape[0]) }.contains("other numbers"))
    #expect(problem { $0.shape[0] > 2 ? relu($0) : abs($0) }.contains("step 1, abs"))
    #expect(problem { pad($0, [($0.shape[0], 0)]) }.contains("step 1, pad"))
    #expect(
      problem { $0 + Tensor.arange($0.shape[0]).reshape([-1, 1, 1, 1]).converted(to: .float32) }
        .contains("not one number"))
  }

  @Test func anOperationSaysMoreThanItsProperties() throws {
    struct Scaled: UnaryOperation {
      let factor: Float
      let limits: (low: Float, high: Float)
      let mode = ResamplingMode.linear
      let padding: (Int, Int) = (1, 2)
      let body: (@Sendable (Float) -> Float)? = nil
      func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x * factor }
      func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient * factor }
    }
    let facts = Scaled(factor: 1e-5, limits: (0, .infinity)).facts
    #expect(
      facts.attributes == [
        "factor": .double(1e-5), "low": .double(0), "high": .double(.infinity),
        "mode": .string("linear"), "padding.0": .int(1), "padding.1": .int(2),
      ])
    #expect(facts.hidden.isEmpty && facts.constants.isEmpty)
    #expect(Elementwise(function: .clip(0, 6)).facts.attributes["values"] == .doubles([0, 6]))
    #expect(Elementwise(function: .tanh).facts.attributes["function"] == .string("tanh"))
  }
}
