/// A transform that can be written down as its name and its parameters, and read back:
/// see `AugmentationFile`.
public protocol ParameterizedTransform: SampleTransform, Codable, Hashable {
  /// The name in files; the type's where nothing else is said.
  static var name: String { get }

  /// With usual parameters; what a file leaves out is taken from here.
  static var standard: Self { get }

  /// What is wrong with the parameters, or `nil`. Initializers stop with it, files are refused with
  /// it.
  var problem: String? { get }
}

extension ParameterizedTransform {
  public static var name: String { String(describing: Self.self) }

  /// Stops when the parameters make no sense.
  func checkParameters() {
    if let problem { preconditionFailure("\(Self.name): \(problem)") }
  }
}

func probabilityProblem(_ probability: Float) -> String? {
  unless((0...1).contains(probability), "a probability is 0...1, got \(probability)")
}
