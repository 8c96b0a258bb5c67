import ArgumentParser
import Foundation
import Saker

struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights", abstract: "Look into files of weights, convert and compare them.",
    discussion: """
      Reads safetensors and what PyTorch saves (.pth, .pt, .bin, in both of its forms). Nothing in such a file is executed: \
      whatever is not a tensor, a number, a text or a dictionary of these is refused by name.
      """,
    subcommands: [Info.self, Convert.self, Diff.self])
}

extension WeightsCommand {
  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tensors of a file, and its parts.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of weights.")
    var file: String

    private struct Row: Encodable {
      var name, type: String
      var shape: [Int]
      var minimum, maximum: Float?
      /// How many elements are infinite or not a number.
      var nonFinite: Int
    }

    private struct Report: Encodable {
      var file, format: String
      var parts: [String]
      var metadata: [String: String]
      var elements, bytes: Int
      var tensors: [Row]
    }

    func run() throws {
      common.apply()
      let weights = try WeightsFile(contentsOf: file)
      let rows = weights.tensors.map { named in
        let tensor = named.tensor
        let values = tensor.count > 0 ? tensor.converted(to: .float32) : nil
        let finite = tensor.nonFiniteCount == 0
        return Row(
          name: named.name, type: "\(tensor.dtype)", shape: tensor.shape.sizes,
          minimum: finite ? values?.min().item : nil, maximum: finite ? values?.max().item : nil,
          nonFinite: tensor.nonFiniteCount)
      }
      let report = Report(
        file: file, format: weights.format.rawValue, parts: weights.parts,
        metadata: weights.metadata,
        elements: weights.tensors.reduce(0) { $0 + $1.tensor.count },
        bytes: weights.tensors.reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.size },
        tensors: rows)
      guard !common.json else { return try printJSON(report) }
      let width = rows.map(\.name.count).max() ?? 0
      for row in rows {
        let name = row.name + String(repeating: " ", count: width - row.name.count)
        let range =
          row.minimum.flatMap { low in
            row.maximum.map { String(format: "%.4g ... %.4g", low, $0) }
          } ?? (row.nonFinite > 0 ? "\(row.nonFinite) infinite or not a number" : "empty")
        print("\(name)  \(row.type) \(Shape(row.shape))  \(range)")
      }
      print(
        "\(file): \(report.format), \(rows.count) tensors, \(report.elements) elements, \(report.bytes) bytes"
          + (report.parts.isEmpty ? "" : "; parts: \(report.parts.joined(separator: ", "))"))
    }
  }

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a file's weights as safetensors, without what wraps them.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of weights.")
    var input: String
    @Argument(help: "The safetensors file to write.")
    var output: String
    @Option(help: "The part to take, such as ema; 'saker weights info' lists them.")
    var part: String?
    @Option(help: "A model that the weights must fit; 'saker models' lists them.")
    var model: String?
    @Option(help: "How many classes the model tells apart.")
    var classes = 1000
    @Option(help: "Floating tensors become f32 or bf16; as they are if left out.")
    var precision: TrainingSettings.Precision?

    private struct Written: Encodable {
      var output: String
      var tensors: Int
    }

    func run() throws {
      common.apply()
      let weights = try WeightsFile(contentsOf: input)
      var names: Set<String> = []
      var built: (any Classifier)?
      if let model {
        let entry = try ClassifierCatalog.required(model)
        let network = withoutStarts { entry.build(classes) }
        names = Set(network.state.map(\.name))
        built = network
      }
      var state = try weights.state(part: part, fitting: names)
      if let built { try built.load(state: state, file: input) }
      if let precision {
        let dtype: DType = precision == .bfloat16 ? .bfloat16 : .float32
        state = state.map {
          $0.tensor.dtype.isFloating ? NamedTensor($0.name, $0.tensor.converted(to: dtype)) : $0
        }
      }
      try Safetensors(state).write(to: output)
      if common.json {
        try printJSON(Written(output: output, tensors: state.count))
      } else {
        print("\(state.count) tensors written to \(output)")
      }
    }
  }

  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare two files of weights, tensor by tensor.",
      discussion: "Ends with code 1 if names or shapes differ, or a value by more than --tolerance."
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of weights.")
    var first: String
    @Argument(help: "Another one.")
    var second: String
    @Option(help: "The largest difference that counts as none.")
    var tolerance: Float = 0

    private struct Row: Encodable {
      var name: String
      /// What differs: missing, unexpected, a shape, or nothing but values.
      var problem: String?
      var largestDifference: Float?
    }

    func run() throws {
      common.apply()
      func state(_ path: String) throws -> [String: Tensor] {
        Dictionary(
          try WeightsFile(contentsOf: path).state().map { ($0.name, $0.tensor) },
          uniquingKeysWith: { first, _ in first })
      }
      let (a, b) = (try state(first), try state(second))
      let rows = Set(a.keys).union(b.keys).sorted().compactMap { name -> Row? in
        guard let x = a[name] else { return Row(name: name, problem: "only in \(second)") }
        guard let y = b[name] else { return Row(name: name, problem: "only in \(first)") }
        guard x.shape == y.shape else {
          return Row(name: name, problem: "\(x.shape) and \(y.shape)")
        }
        guard x.count > 0 else { return nil }
        let gap = abs(x.converted(to: .float32) - y.converted(to: .float32)).max().item
        return gap > tolerance || gap.isNaN ? Row(name: name, largestDifference: gap) : nil
      }
      if common.json {
        try printJSON(rows)
      } else {
        for row in rows {
          print("\(row.name): " + (row.problem ?? "differs by \(row.largestDifference ?? .nan)"))
        }
        print(rows.isEmpty ? "no difference" : "\(rows.count) tensors differ")
      }
      if !rows.isEmpty { throw ExitCode.failure }
    }
  }
}
