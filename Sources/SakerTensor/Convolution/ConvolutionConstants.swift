/// The nanoseconds of the cost model, fitted by Benchmarks/fit_convolutions.py to what
/// `saker benchmark --mode convolution --json` measured: run it with `--write` to
/// replace the tables.
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
      .inference: cost(6.76e+03, 0.00519, 0, 0.00827, 0.213),
      .forward: cost(1.97e+04, 0.00524, 0.0367, 0.00407, 0.131),
      .data: cost(1.01e+04, 0.00565, 0.0107, 0, 0.129),
      .weights: cost(2.23e+04, 0.00568, 0.0015, 0.148, 0.307),
    ],
    .avx2: [
      .inference: cost(7.22e+03, 0.00843, 0.201, 0, 0.178),
      .forward: cost(1.37e+04, 0.00841, 0.313, 0, 0.177),
      .data: cost(1.02e+04, 0.00885, 0, 0, 0.0183),
      .weights: cost(1.24e+04, 0.0122, 0, 0.149, 0.277),
    ],
    .portable: [
      .inference: cost(1.7e+04, 0.0352, 0, 0, 0),
      .forward: cost(1.77e+04, 0.0357, 0, 0, 0),
      .data: cost(7.4e+03, 0.0262, 0.0634, 2.17, 0),
      .weights: cost(3.96e+04, 0.0278, 4.14, 0, 0.0868),
    ],
  ]

  /// Our kernels, by the instruction set that they run on.
  static let winograd: Table = [
    .avx512: [
      .inference: cost(5.38e+03, 0.00637, 0.107, 0.0702, 0.104),
      .forward: cost(1.82e+04, 0.00646, 0.124, 0.0649, 0.261),
      .data: cost(1.98e+04, 0.00682, 0.0565, 0.0906, 0.219),
      .weights: cost(1.57e+04, 0.00787, 0.19, 0.037, 0.181),
    ],
    .avx2: [
      .inference: cost(1.11e+04, 0.00925, 0.106, 0.157, 0.0638),
      .forward: cost(3.87e+04, 0.00901, 0.132, 0.158, 0.224),
      .data: cost(2.07e+04, 0.01, 0.088, 0.165, 0.273),
      .weights: cost(2.37e+04, 0.0103, 0.32, 0.0555, 0.35),
    ],
    .portable: [
      .inference: cost(1.73e+04, 0.0279, 0.202, 0.494, 0.0442),
      .forward: cost(2.11e+04, 0.0285, 0.201, 0.504, 0.401),
      .data: cost(1.93e+04, 0.0312, 0.113, 0.432, 0.335),
      .weights: cost(4.37e+04, 0.0361, 0.174, 0.397, 0.241),
    ],
  ]
  // fitted: end
}
