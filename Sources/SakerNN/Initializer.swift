import Foundation
import SakerTensor
import Synchronization

/// How a parameter starts. Every layer takes its own from the generator that `withSeed`
/// sets for its scope.
public struct Initializer: Sendable {
  private let draw: @Sendable (Shape, inout Random) -> Tensor

  /// Any other start: the values of a tensor of the given shape.
  public init(_ draw: @escaping @Sendable (Shape, inout Random) -> Tensor) { self.draw = draw }

  public func callAsFunction(_ shape: Shape, using random: inout Random) -> Tensor {
    draw(shape, &random)
  }

  public static func constant(_ value: Float) -> Initializer {
    Initializer { shape, _ in .full(shape, Double(value)) }
  }

  public static let zeros = constant(0)
  public static let ones = constant(1)

  /// Uniform between `-bound` and `bound`.
  public static func uniform(_ bound: Float) -> Initializer {
    Initializer { shape, random in
      Tensor(shape, of: Float.self) { elements in
        for i in elements.indices { elements[i] = random.uniform(-bound...bound) }
      }
    }
  }

  /// Normally distributed, by the polar form of Box and Muller's transformation.
  public static func normal(mean: Float = 0, deviation: Float = 1) -> Initializer {
    Initializer { shape, random in
      Tensor(shape, of: Float.self) { elements in
        var spare: Float?
        for i in elements.indices {
          if let value = spare {
            elements[i] = mean + deviation * value
            spare = nil
            continue
          }
          let (a, b) = Initializer.normalPair(&random)
          elements[i] = mean + deviation * a
          spare = b
        }
      }
    }
  }

  /// Glorot & Bengio 2010: keeps the variance through a layer and its gradient together, for tanh.
  /// `U(±g √(6/(in+out)))`.
  public static func xavierUniform(gain: Float = 1) -> Initializer {
    byFan { uniform(gain * (6 / Float($0 + $1)).squareRoot()) }
  }

  public static func xavierNormal(gain: Float = 1) -> Initializer {
    byFan { normal(deviation: gain * (2 / Float($0 + $1)).squareRoot()) }
  }

  /// Which way a start by He et al. keeps the variance.
  public enum Fan: Sendable { case input, output }

  /// He et al., arXiv:1502.01852, for (leaky) ReLU: `U(±√(6 / ((1 + slope²) fan)))`. With slope √5
  /// it is the field's default for convolutions and linear layers, `U(±1/√in)`.
  public static func kaimingUniform(slope: Float = 0, fan: Fan = .input) -> Initializer {
    byFan { uniform((6 / ((1 + slope * slope) * Float(fan == .input ? $0 : $1))).squareRoot()) }
  }

  /// `N(0, 2 / ((1 + slope²) fan))`
  public static func kaimingNormal(slope: Float = 0, fan: Fan = .input) -> Initializer {
    byFan {
      normal(
        deviation: (2 / ((1 + slope * slope) * Float(fan == .input ? $0 : $1))).squareRoot())
    }
  }

  /// From the numbers of inputs and outputs that one element of a weight
  /// `[out, in, kernel...]` connects.
  static func byFan(
    _ make: @escaping @Sendable (_ inputs: Int, _ outputs: Int) -> Initializer
  ) -> Initializer {
    Initializer { shape, random in
      check(
        shape.rank >= 2 && shape.elements > 0, op: "Initializer",
        expected: "a weight [out, in, ...]", got: shape)
      let kernel = shape.elements / (shape[0] * shape[1])
      return make(shape[1] * kernel, shape[0] * kernel)(shape, using: &random)
    }
  }

  static func normalPair(_ random: inout Random) -> (Float, Float) {
    while true {
      let (x, y) = (2 * random.uniform() - 1, 2 * random.uniform() - 1)
      let square = x * x + y * y
      guard square > 0, square < 1 else { continue }
      let factor = (-2 * log(square) / square).squareRoot()
      return (x * factor, y * factor)
    }
  }
}

extension Parameter {
  /// Starts as `initializer` draws it from the generator of the surrounding `withSeed`.
  public convenience init(_ shape: Shape, _ initializer: Initializer) {
    guard !StartGenerator.isSkipped else {
      self.init(.zeros(shape))
      return
    }
    self.init(StartGenerator.current.use { initializer(shape, using: &$0) })
  }

  /// Starts anew.
  public func start(_ initializer: Initializer) {
    guard !StartGenerator.isSkipped else { return }
    value = StartGenerator.current.use { initializer(shape, using: &$0) }
  }
}

/// Runs `body`, in which parameters start as zeros instead of drawing their starts: for models
/// whose weights are loaded at once, as drawing 25 million numbers takes longer than loading them.
public func withoutStarts<R>(_ body: () throws -> R) rethrows -> R {
  try StartGenerator.$isSkipped.withValue(true, operation: body)
}

/// Runs `body`, in which new layers draw their starts, and their own generators, from one that
/// starts with `seed`: building the same model with the same seed gives the same weights. Outside
/// of it a generator of the whole process draws, which starts with seed 0.
public func withSeed<R>(_ seed: UInt64, _ body: () throws -> R) rethrows -> R {
  try StartGenerator.$scoped.withValue(StartGenerator(seed), operation: body)
}

/// The generator that new layers draw from.
final class StartGenerator: Sendable {
  @TaskLocal static var scoped: StartGenerator?
  @TaskLocal static var isSkipped = false
  private static let process = StartGenerator(0)
  static var current: StartGenerator { scoped ?? process }

  private let random: Mutex<Random>

  init(_ seed: UInt64) { random = Mutex(Random(seed: seed)) }

  func use<R>(_ body: (inout Random) -> R) -> R {
    random.withLock { random in
      nonisolated(unsafe) let result = body(&random)
      return result
    }
  }

  /// An independent generator, for a layer that draws while it runs.
  func fork() -> Random { use { Random(seed: $0.next()) } }
}
