import SakerTensor

/// A module that draws random numbers while it runs.
public protocol RandomLayer: Module {
  /// Its own generator, started when the module is made (see `withSeed`).
  var random: Random { get set }
}

extension Module {
  /// The generators of all modules inside by name: with the state, what a run needs to go on as if
  /// it had never stopped.
  public var generators: [String: Random] {
    get {
      var result: [String: Random] = [:]
      for case (let name, let module as any RandomLayer) in namedModules {
        result[name] = module.random
      }
      return result
    }
    set {
      for case (let name, let module as any RandomLayer) in namedModules {
        if let random = newValue[name] { module.random = random }
      }
    }
  }
}

/// Dropout: in training each element is 0 with the probability `drop`, and the others grow by 1
/// / (1 − drop), so that the mean stays; in evaluation nothing happens. Srivastava et al., JMLR 15
/// (2014), in the inverted form.
public final class Dropout: IdleLayer, ModeDependent, RandomLayer {
  public let drop: Float
  public var random: Random
  public var mode = Mode()

  /// - Parameter drop: the probability of 0, in 0...1.
  public init(_ drop: Float = 0.5) {
    check((0...1).contains(drop), op: "Dropout", expected: "a probability in 0...1", got: drop)
    self.drop = drop
    random = StartGenerator.current.fork()
  }

  var isIdle: Bool { !mode.isTraining || drop == 0 }

  public func forward(_ x: Tensor) -> Tensor {
    if isIdle { return x }
    let kept: Float = drop < 1 ? 1 / (1 - drop) : 0
    let mask = Tensor(x.shape, of: Float.self) { elements in
      var random = random
      for i in elements.indices { elements[i] = random.uniform() < drop ? 0 : kept }
      self.random = random
    }
    return apply(Mask(mask: mask.converted(to: x.dtype)), x)
  }
}

/// `x · mask`, the mask broadcast and constant, of the type of `x`.
struct Mask: UnaryOperation {
  let mask: Tensor

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x * mask }
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient * mask }
}
