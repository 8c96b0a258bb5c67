/// The nanoseconds of the cost model, fitted by Benchmarks/fit_convolutions.py to what `saker benchmark --mode convolution
/// --json` measured: run it with `--write` to replace the tables.
enum ConvolutionConstants {
  typealias Table = [InstructionSet: [ConvolutionPass: ConvolutionCost]]

  static func cost(
    _ pass: ConvolutionPass, _ method: ConvolutionMethod, ours: InstructionSet,
    oneDNN: InstructionSet
  ) -> ConvolutionCost {
    switch method {
    case .direct: direct[oneDNN]![pass]!
    case .winograd: winograd[ours]![pass]!
    }
  }

  private static func cost(
    _ call: Double, _ product: Double, _ map: Double, _ transform: Double, _ weight: Double
  ) -> ConvolutionCost {
    ConvolutionCost(call: call, product: product, map: map, transform: transform, weight: weight)
  }

  // fitted: begin
  /// oneDNN's kernels, by the instruction set that it runs on.
  static let direct: Table = [
    .avx512: [
      .inference: cost(3000, 0.0054, 0.05, 0, 0.05),
      .forward: cost(3000, 0.0054, 0.05, 0, 0.3),
      .data: cost(3000, 0.0054, 0.05, 0, 0.3),
      .weights: cost(3000, 0.0054, 0.05, 0, 0.3),
    ],
    .avx2: [
      .inference: cost(3000, 0.0108, 0.05, 0, 0.05),
      .forward: cost(3000, 0.0108, 0.05, 0, 0.3),
      .data: cost(3000, 0.0108, 0.05, 0, 0.3),
      .weights: cost(3000, 0.0108, 0.05, 0, 0.3),
    ],
    .portable: [
      .inference: cost(3000, 0.0432, 0.05, 0, 0.05),
      .forward: cost(3000, 0.0432, 0.05, 0, 0.3),
      .data: cost(3000, 0.0432, 0.05, 0, 0.3),
      .weights: cost(3000, 0.0432, 0.05, 0, 0.3),
    ],
  ]

  /// Our kernels, by the instruction set that they run on.
  static let winograd: Table = [
    .avx512: [
      .inference: cost(5000, 0.006, 0.05, 0.08, 0.1),
      .forward: cost(5000, 0.006, 0.05, 0.08, 0.3),
      .data: cost(5000, 0.006, 0.05, 0.08, 0.3),
      .weights: cost(5000, 0.006, 0.05, 0.08, 0.5),
    ],
    .avx2: [
      .inference: cost(5000, 0.012, 0.05, 0.16, 0.1),
      .forward: cost(5000, 0.012, 0.05, 0.16, 0.3),
      .data: cost(5000, 0.012, 0.05, 0.16, 0.3),
      .weights: cost(5000, 0.012, 0.05, 0.16, 0.5),
    ],
    .portable: [
      .inference: cost(5000, 0.048, 0.05, 0.3, 0.1),
      .forward: cost(5000, 0.048, 0.05, 0.3, 0.3),
      .data: cost(5000, 0.048, 0.05, 0.3, 0.3),
      .weights: cost(5000, 0.048, 0.05, 0.3, 0.5),
    ],
  ]
  // fitted: end
}
