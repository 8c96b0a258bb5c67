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
    _ call: Double, _ product: Double, _ input: Double, _ output: Double, _ weight: Double
  ) -> ConvolutionCost {
    ConvolutionCost(call: call, product: product, input: input, output: output, weight: weight)
  }

  // fitted: begin
  /// oneDNN's kernels, by the instruction set that it runs on.
  static let direct: Table = [
    .avx512: [
      .inference: cost(9.92e+03, 0.00519, 0, 0.0115, 0.0723),
      .forward: cost(2.34e+04, 0.00529, 0, 0.0056, 0.123),
      .data: cost(9.17e+03, 0.00569, 0, 0, 0.147),
      .weights: cost(2.11e+04, 0.00572, 0, 0.152, 0.296),
    ],
    .avx2: [
      .inference: cost(3e+03, 0.0108, 0.05, 0, 0.05),
      .forward: cost(3e+03, 0.0108, 0.05, 0, 0.3),
      .data: cost(3e+03, 0.0108, 0.05, 0, 0.3),
      .weights: cost(3e+03, 0.0108, 0.05, 0, 0.3),
    ],
    .portable: [
      .inference: cost(3e+03, 0.0432, 0.05, 0, 0.05),
      .forward: cost(3e+03, 0.0432, 0.05, 0, 0.3),
      .data: cost(3e+03, 0.0432, 0.05, 0, 0.3),
      .weights: cost(3e+03, 0.0432, 0.05, 0, 0.3),
    ],
  ]

  /// Our kernels, by the instruction set that they run on.
  static let winograd: Table = [
    .avx512: [
      .inference: cost(1.09e+04, 0.0059, 0.195, 0.0561, 0.0612),
      .forward: cost(1.83e+04, 0.0062, 0.177, 0.0612, 0.23),
      .data: cost(1.46e+04, 0.00639, 0.0769, 0.119, 0.233),
      .weights: cost(1.71e+04, 0.00747, 0.246, 0.0398, 0.189),
    ],
    .avx2: [
      .inference: cost(5e+03, 0.012, 0.05, 0.16, 0.1),
      .forward: cost(5e+03, 0.012, 0.05, 0.16, 0.3),
      .data: cost(5e+03, 0.012, 0.05, 0.16, 0.3),
      .weights: cost(5e+03, 0.012, 0.05, 0.16, 0.5),
    ],
    .portable: [
      .inference: cost(5e+03, 0.048, 0.05, 0.3, 0.1),
      .forward: cost(5e+03, 0.048, 0.05, 0.3, 0.3),
      .data: cost(5e+03, 0.048, 0.05, 0.3, 0.3),
      .weights: cost(5e+03, 0.048, 0.05, 0.3, 0.5),
    ],
  ]
  // fitted: end
}
