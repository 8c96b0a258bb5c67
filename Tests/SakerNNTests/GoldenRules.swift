import SakerNN
import Testing

extension GoldenCase {
  /// The rule that a case of `Scripts/golden/optimizers.py` is about.
  func updateRule(_ name: String? = nil, sourceLocation: SourceLocation = #_sourceLocation)
    -> any UpdateRule
  {
    let decay = number("weight_decay") ?? 0
    let betas = numbers("betas") ?? [0.9, 0.999]
    let epsilon = number("eps")
    let decouples = flag("decoupled_weight_decay")
    switch name ?? text("op") {
    case "sgd":
      return SGD(
        momentum: number("momentum") ?? 0, dampening: number("dampening") ?? 0,
        nesterov: flag("nesterov"), decay: decay)
    case "sgdinside":
      return SGD(
        momentum: number("momentum") ?? 0, nesterov: flag("nesterov"), decay: decay,
        convention: .rateInside)
    case "adam":
      return Adam(
        momentum: betas[0], squaredMomentum: betas[1], epsilon: epsilon ?? 1e-8, decay: decay,
        amsgrad: flag("amsgrad"))
    case "adamw":
      return AdamW(
        momentum: betas[0], squaredMomentum: betas[1], epsilon: epsilon ?? 1e-8,
        decay: number("weight_decay") ?? 0.01, amsgrad: flag("amsgrad"))
    case "adagrad", "adagradinside":
      return AdaGrad(
        epsilon: epsilon ?? 1e-10,
        epsilonPlacement: text("op") == "adagrad" ? .outside : .inside, decay: decay,
        rateDecay: number("lr_decay") ?? 0,
        initialAccumulator: number("initial_accumulator_value") ?? 0)
    case "rmsprop", "rmspropinside":
      return RMSProp(
        smoothing: number("alpha") ?? 0.99, epsilon: epsilon ?? 1e-8,
        epsilonPlacement: text("op") == "rmsprop" ? .outside : .inside, decay: decay,
        momentum: number("momentum") ?? 0, centered: flag("centered"))
    case "adadelta", "adadeltaone":
      return Adadelta(
        smoothing: number("rho") ?? 0.9, epsilon: epsilon ?? 1e-6, decay: decay,
        numerator: text("op") == "adadelta" ? .pastSteps : .one)
    case "nadam":
      return NAdam(
        momentum: betas[0], squaredMomentum: betas[1], epsilon: epsilon ?? 1e-8, decay: decay,
        decouplesDecay: decouples, momentumDecay: number("momentum_decay") ?? 4e-3)
    case "radam":
      return RAdam(
        momentum: betas[0], squaredMomentum: betas[1], epsilon: epsilon ?? 1e-8, decay: decay,
        decouplesDecay: decouples)
    case "lion":
      let betas = numbers("betas") ?? [0.9, 0.99]
      return Lion(momentum: betas[0], smoothing: betas[1], decay: decay)
    case "lamb":
      return LAMB(
        momentum: betas[0], squaredMomentum: betas[1], epsilon: epsilon ?? 1e-6, decay: decay)
    case "lookahead":
      func following(_ rule: some UpdateRule) -> any UpdateRule {
        Lookahead(rule, interval: Int(number("interval") ?? 0), share: number("share") ?? 0)
      }
      return following(updateRule(text("inner")?.lowercased()))
    default:
      Issue.record("\(self.name): no such rule", sourceLocation: sourceLocation)
      return SGD()
    }
  }
}
