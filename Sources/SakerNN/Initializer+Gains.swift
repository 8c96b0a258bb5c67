import Foundation
import SakerTensor

/// What an activation makes of the variance that reaches it.
public enum Nonlinearity: Hashable, Sendable {
  case linear, sigmoid, tanh, relu, selu
  case leakyReLU(slope: Float = 0.01)

  /// What the deviation of a start must be multiplied by so that the variance lives through
  /// layers with this activation: the table of `torch.nn.init.calculate_gain`. 5/3 (tanh) and 3/4
  /// (SELU) were found by trying; a self-normalizing network wants 1 (`Initializer.lecunNormal`)
  /// in place of SELU's.
  public var gain: Float {
    switch self {
    case .linear, .sigmoid: 1
    case .tanh: 5 / 3
    case .relu: Float(2).squareRoot()
    case .selu: 3 / 4
    case .leakyReLU(let slope): (2 / (1 + slope * slope)).squareRoot()
    }
  }
}

extension Initializer {
  /// How PyTorch starts the weights of linear layers and convolutions: `U(±1/√in)`, which it calls
  /// Kaiming's with slope √5; not He's normal distribution (E13 of the catalogue).
  public static let pyTorchDefault = kaimingUniform(slope: Float(5).squareRoot())

  /// How PyTorch starts the bias of a layer, whose own shape does not tell the inputs: `U(±1/√in)`.
  /// - Parameter inputs: numbers that one output is computed from, 1 or more.
  public static func pyTorchDefaultBias(inputs: Int) -> Initializer {
    check(inputs >= 1, op: "pyTorchDefaultBias", expected: "1 input or more", got: inputs)
    return uniform(1 / Float(inputs).squareRoot())
  }

  /// `N(0, 1/in)`: keeps the variance through a layer without activation, or with SELU. LeCun et
  /// al., "Efficient backprop", 1998; Klambauer et al., arXiv:1706.02515.
  public static let lecunNormal = byFan { inputs, _ in
    normal(deviation: 1 / Float(inputs).squareRoot())
  }

  /// `U(±√(3/in))`: the variance of `lecunNormal`.
  public static let lecunUniform = byFan { inputs, _ in uniform((3 / Float(inputs)).squareRoot()) }

  /// The bias of a classifier whose sigmoids are to start at the probability `p`:
  /// `−log((1 − p) / p)`. With 0.01 the many backgrounds do not drown the first steps of focal
  /// loss. Lin et al., arXiv:1708.02002, section 4.1.
  /// - Parameter probability: between 0 and 1, both excluded.
  public static func prior(_ probability: Float) -> Initializer {
    check(
      probability > 0 && probability < 1, op: "Initializer.prior",
      expected: "a probability between 0 and 1", got: probability)
    let p = Double(probability)
    return constant(Float(-log((1 - p) / p)))
  }
}
