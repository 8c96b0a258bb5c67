import SakerNN

extension WeightNames {
  /// How torchvision's mobile networks number the layers of a block.
  enum MobileLayout: Sendable {
    /// MobileNetV2: `features.2.conv.0.0`; the last two without a level of their own.
    case flat
    /// MobileNetV3: `features.2.block.0.0`, blocks counted through; the layer before the last is
    /// one of the head's.
    case block
    /// EfficientNet: `features.2.0.block.0.0`, blocks counted in their stage.
    case stages
  }

  /// timm's mobile networks are `conv_stem`, `blocks.STAGE.BLOCK.conv_pw`, `bn1`, ...,
  /// `conv_head`, `classifier`, with batch norms beside their convolutions; torchvision's are
  /// lists of lists. Which places a block's layers have depends on whether it expands and whether
  /// it has a gate: its names tell.
  static func timmMobile(_ layout: MobileLayout, varianceShift: Float = 0) -> WeightNames {
    WeightNames("timm", varianceShift: varianceShift) { names in
      let table = TimmMobileTable(names, layout).names
      return { name in
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return table[String(name[..<dot])].map { $0 + name[dot...] }
      }
    }
  }
}

/// Layers' names, timm's to torchvision's.
private struct TimmMobileTable {
  var names: [String: String] = [:]

  init(_ all: Set<String>, _ layout: WeightNames.MobileLayout) {
    /// What each block has, by stage and number.
    var blocks: [Int: [Int: Set<String>]] = [:]
    for name in all {
      let parts = name.split(separator: ".").map(String.init)
      guard parts.count >= 5, parts[0] == "blocks", let stage = Int(parts[1]),
        let number = Int(parts[2])
      else { continue }
      // `conv_pw`, `bn1`, or `se.conv_reduce`.
      blocks[stage, default: [:]][number, default: []]
        .insert(parts[3..<parts.count - 1].joined(separator: "."))
    }
    names["conv_stem"] = "features.0.0"
    names["bn1"] = "features.0.1"
    var place = 1
    for (stage, members) in blocks.sorted(by: { $0.key < $1.key }) {
      for (number, layers) in members.sorted(by: { $0.key < $1.key }) {
        let own = "blocks.\(stage).\(number)."
        if layers.contains("conv") {
          // MobileNetV3's last stage is a single convolution.
          names[own + "conv"] = "features.\(place).0"
          names[own + "bn1"] = "features.\(place).1"
        } else {
          let start =
            switch layout {
            case .flat: "features.\(place).conv."
            case .block: "features.\(place).block."
            case .stages: "features.\(stage + 1).\(number).block."
            }
          add(layers, own, start, layout)
        }
        place += 1
      }
    }
    let last = layout == .stages ? (blocks.keys.max() ?? 0) + 2 : place
    switch layout {
    case .flat, .stages:
      names["conv_head"] = "features.\(last).0"
      names["bn2"] = "features.\(last).1"
      names["classifier"] = "classifier.1"
    case .block:
      names["conv_head"] = "classifier.0"
      names["classifier"] = "classifier.3"
    }
  }

  /// The layers of one block, in the order they compute.
  private mutating func add(
    _ layers: Set<String>, _ own: String, _ start: String, _ layout: WeightNames.MobileLayout
  ) {
    let expands = layers.contains("conv_pwl")
    var order = expands ? ["conv_pw", "conv_dw"] : ["conv_dw"]
    if layers.contains("se.conv_reduce") { order.append("se") }
    order.append(expands ? "conv_pwl" : "conv_pw")
    var norm = 0
    for (index, layer) in order.enumerated() {
      if layer == "se" {
        names[own + "se.conv_reduce"] = start + "\(index).fc1"
        names[own + "se.conv_expand"] = start + "\(index).fc2"
        continue
      }
      norm += 1
      let isLast = index == order.count - 1
      let isFlat = layout == .flat && isLast
      names[own + layer] = start + (isFlat ? "\(index)" : "\(index).0")
      names[own + "bn\(norm)"] = start + (isFlat ? "\(index + 1)" : "\(index).1")
    }
  }
}
