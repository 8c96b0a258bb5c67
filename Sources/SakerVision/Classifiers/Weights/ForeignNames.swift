import SakerNN

/// The names that other libraries and older versions have for a family's tensors: the only such
/// table. A family that is not here has the same names everywhere (ResNet, ResNeXt, Wide ResNet,
/// DenseNet and Inception v3 in timm and torchvision), or is in one library only.
extension WeightNames {
  static func known(for model: any Classifier) -> [WeightNames] {
    switch model {
    case is VGG: [.timmVGG]
    case is DenseNet: [.oldDenseNet]
    case is MobileNetV2: [.timmMobile(.flat)]
    // timm's batch norms have the usual ε, torchvision's 0.001.
    case is MobileNetV3: [.timmMobile(.block, varianceShift: 1e-5 - 1e-3)]
    case let model as EfficientNet:
      [.timmMobile(.stages, varianceShift: 1e-5 - model.epsilon)]
    case let model as VisionTransformer:
      model.naming == .timm ? [.torchvisionTransformer] : [.timmTransformer, .oldTransformer]
    default: []
    }
  }

  /// Patterns of what files have beyond a model that was built without it: the auxiliary heads of
  /// torchvision's Inceptions.
  static func passedOver(by model: any Classifier) -> [String] {
    guard let model = model as? any AuxiliaryClassifier else { return [] }
    let own = model.auxiliaryHeads
    return model.namesOfAllAuxiliaryHeads.filter { !own.contains($0) }.map { $0 + ".*" }
  }
}

extension WeightNames {
  /// timm writes VGG's linear layers as convolutions.
  private static let timmVGG = WeightNames("timm") { name in
    [
      NameRule(from: "pre_logits.fc1.*", to: "classifier.0.*"),
      NameRule(from: "pre_logits.fc2.*", to: "classifier.3.*"),
      NameRule(from: "head.fc.*", to: "classifier.6.*"),
    ].lazy.compactMap { $0(name) }.first
  }

  /// torchvision's published files are older than its rule that names have no dots:
  /// `norm.1` is `norm1`.
  private static let oldDenseNet = WeightNames("torchvision before 0.3") { name in
    for part in ["norm", "relu", "conv"] {
      for number in ["1", "2"] {
        guard let place = name.firstRange(of: ".\(part).\(number).") else {
          continue
        }
        return name[..<place.lowerBound] + ".\(part)\(number)." + name[place.upperBound...]
      }
    }
    return nil
  }

  /// torchvision's published transformers are older than its module for the two linear layers.
  private static let oldTransformer = WeightNames("torchvision before 0.14") { name in
    NameRule(from: "encoder.layers.*", to: "*")(name).flatMap { rest in
      [("mlp.linear_1.", "mlp.0."), ("mlp.linear_2.", "mlp.3.")].lazy.compactMap { old, new in
        guard let place = rest.firstRange(of: old) else { return nil }
        return "encoder.layers." + rest[..<place.lowerBound] + new + rest[place.upperBound...]
      }.first
    }
  }

  /// timm's and torchvision's name of the same thing.
  private static let transformerPairs = [
    ("cls_token", "class_token"), ("pos_embed", "encoder.pos_embedding"),
    ("patch_embed.proj.*", "conv_proj.*"), ("norm.*", "encoder.ln.*"), ("head.*", "heads.head.*"),
  ]
  /// Those of a block, without its number.
  private static let blockPairs = [
    ("norm1.*", "ln_1.*"), ("attn.qkv.weight", "self_attention.in_proj_weight"),
    ("attn.qkv.bias", "self_attention.in_proj_bias"),
    ("attn.proj.*", "self_attention.out_proj.*"), ("norm2.*", "ln_2.*"), ("mlp.fc1.*", "mlp.0.*"),
    ("mlp.fc2.*", "mlp.3.*"),
  ]

  private static let timmTransformer = WeightNames("timm") { name in
    block(name, from: "blocks.", to: "encoder.layers.encoder_layer_") { rest in
      blockPairs.lazy.compactMap { NameRule(from: $0.0, to: $0.1)(rest) }.first
    } ?? transformerPairs.lazy.compactMap { NameRule(from: $0.0, to: $0.1)(name) }.first
  }

  private static let torchvisionTransformer = WeightNames("torchvision") { name in
    block(name, from: "encoder.layers.encoder_layer_", to: "blocks.") { rest in
      blockPairs.lazy.compactMap { NameRule(from: $0.1, to: $0.0)(rest) }.first
    } ?? transformerPairs.lazy.compactMap { NameRule(from: $0.1, to: $0.0)(name) }.first
  }

  /// `blocks.3.norm1.weight` in its parts, what follows the number translated.
  private static func block(
    _ name: String, from: String, to: String, _ translate: (String) -> String?
  ) -> String? {
    guard name.hasPrefix(from), let dot = name.dropFirst(from.count).firstIndex(of: ".") else {
      return nil
    }
    let number = name[name.index(name.startIndex, offsetBy: from.count)..<dot]
    return translate(String(name[name.index(after: dot)...])).map { "\(to)\(number).\($0)" }
  }
}
