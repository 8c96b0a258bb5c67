import ArgumentParser
import Foundation
import Saker

struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights", abstract: "Show, convert and compare weight files.",
    discussion: """
      Reads safetensors, what PyTorch saves (.pth, .pt, .bin, in both of its forms), NumPy's arrays (.npy, .npz) and Darknet's \
      .weights; the format is recognized by content, not by name. Nothing in such a file is executed: anything but tensors, numbers, strings and \
      dictionaries of these is refused by name.
      """,
    subcommands: [Info.self, Convert.self, Diff.self])
}

extension WeightsCommand {
  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the tensors of a file and its parts.")

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
      /// Elements that are infinite or not a number, of all tensors.
      var nonFinite: Int
      var tensors: [Row]
    }

    func run() throws {
      common.apply()
      let weights = try WeightsFile(contentsOf: GivenWeights.file(file))
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
        nonFinite: rows.reduce(0) { $0 + $1.nonFinite }, tensors: rows)
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
          + (report.nonFinite > 0 ? "; \(report.nonFinite) infinite or not a number" : "")
          + (report.parts.isEmpty ? "" : "; parts: \(report.parts.joined(separator: ", "))"))
    }
  }

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Convert a weight file to safetensors, weights only.",
      discussion: """
        With --model names of other libraries are translated to the model's own, and what does not fit is reported; an output that \
        ends in .weights is then Darknet's.
        """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of weights.")
    var input: String
    @Argument(help: "The safetensors (or .weights) file to write.")
    var output: String
    @OptionGroup var loading: LoadingOptions
    @Option(help: "A model that the weights must fit; 'saker models' lists them.")
    var model: String?
    @Flag(
      help:
        "The arrays are Keras variables: transpose kernels and adjust batch-norm variances to the other epsilon."
    )
    var keras = false
    @Option(help: "Number of classes of the model.")
    var classes = 1000
    @Option(help: "Convert floating-point tensors to f32 or bf16; unchanged by default.")
    var precision: TrainingSettings.Precision?

    private struct Written: Encodable {
      var output: String
      var tensors: Int
      /// Of a model's weights.
      var loading: LoadingSummary?
    }

    func validate() throws {
      guard (1...100_000).contains(classes) else {
        throw ValidationError("classes: expected 1...100000, got \(classes)")
      }
      if model == nil && (loading.partial || output.hasSuffix(".weights")) {
        throw ValidationError("model: expected one for --partial and for a .weights file")
      }
      if keras && model != nil {
        throw ValidationError("keras: expected without --model; convert once more with it")
      }
    }

    func run() throws {
      common.apply()
      let weights = try WeightsFile(contentsOf: GivenWeights.file(input))
      let built = try model.map { name in
        let entry = try ClassifierCatalog.required(name)
        return withoutStarts { entry.build(classes, for: weights) }
      }
      let report = try built.map { try loading.load(weights, into: $0) }
      var metadata: [String: String] = [:]
      if weights.format == .darknet || weights.metadata[WeightsFile.slopeKey] != nil {
        metadata[WeightsFile.slopeKey] = "leaky ReLUs of slope 0.1"
      }
      if let built, output.hasSuffix(".weights") {
        try DarknetFile(built).write(to: output)
        return try tell(built.state.count, report)
      }
      // As they are stored, if they bear the model's names; else as the model has them.
      let isOwn = report.map { $0.names == nil && !loading.partial } ?? true
      var state = try isOwn ? renamed(weights) : built?.state ?? []
      if keras { state = KerasWeights(state).state }
      if let precision {
        let dtype: DType = precision == .bfloat16 ? .bfloat16 : .float32
        state = state.map {
          $0.tensor.dtype.isFloating ? NamedTensor($0.name, $0.tensor.converted(to: dtype)) : $0
        }
      }
      try Safetensors(state, metadata: metadata).write(to: output)
      try tell(state.count, report)
    }

    /// The file's tensors without their wrapper, under the names that the options give them.
    private func renamed(_ weights: WeightsFile) throws -> [NamedTensor] {
      let options = loading.options
      let state = try weights.state(part: loading.part)
      if model == nil { loading.noteUnused(state.map(\.name)) }
      return state.compactMap { named in
        if options.ignoring.contains(where: named.name.matches(glob:)) { return nil }
        let name = options.renaming.lazy.compactMap { $0(named.name) }.first
        return NamedTensor(name ?? named.name, named.tensor)
      }
    }

    private func tell(_ count: Int, _ report: LoadReport?) throws {
      if common.json {
        try printJSON(
          Written(output: output, tensors: count, loading: report.map(LoadingSummary.init)))
      } else {
        print("\(count) tensors written to \(output)")
      }
    }
  }

  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare two files of weights, tensor by tensor.",
      discussion:
        "Exits with code 1 if names or shapes differ, or a value differs by more than --tolerance."
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of weights.")
    var first: String
    @Argument(help: "The weight file to compare with.")
    var second: String
    @Option(help: "Largest absolute difference that counts as equal.")
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
          try WeightsFile(contentsOf: GivenWeights.file(path)).state().map { ($0.name, $0.tensor) },
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
