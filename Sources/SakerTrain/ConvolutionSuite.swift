import SakerTensor

/// The 3x3 convolutions of stride 1 and padding 1 that well-known networks have, each
/// distinct one once.
public enum ConvolutionSuite {
  /// A layer on square maps.
  public struct Layer: Hashable, Sendable {
    public var inputs, outputs, side: Int
  }

  public struct Network: Sendable {
    public let name: String
    /// Height and width of the pictures: where the maps' sides come from.
    public let input: Int
    public let layers: [Layer]

    fileprivate init(_ name: String, _ input: Int, _ layers: [(Int, Int, Int)]) {
      self.name = name
      self.input = input
      self.layers = layers.map { Layer(inputs: $0.0, outputs: $0.1, side: $0.2) }
    }
  }

  /// Input sizes are the usual ones: 224 for classifiers, 416 as in YOLOv3, 608 as in YOLOv4.
  public static let networks = [
    Network(
      "vgg16", 224,
      [
        (3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56),
        (256, 256, 56), (256, 512, 28), (512, 512, 28), (512, 512, 14),
      ]),
    // The bottlenecks of ResNet-50 have the same 3x3 convolutions as the blocks of ResNet-18.
    Network("resnet18", 224, [(64, 64, 56), (128, 128, 28), (256, 256, 14), (512, 512, 7)]),
    Network("resnet50", 224, [(64, 64, 56), (128, 128, 28), (256, 256, 14), (512, 512, 7)]),
    Network(
      "darknet53", 416,
      [
        (3, 32, 416), (32, 64, 208), (64, 128, 104), (128, 256, 52), (256, 512, 26),
        (512, 1024, 13),
      ]),
    Network(
      "cspdarknet53", 608,
      [
        (3, 32, 608), (32, 64, 304), (64, 64, 152), (128, 128, 76), (256, 256, 38),
        (512, 512, 19),
      ]),
    // Blocks, then heads: with three classes those of classes and boxes have 16 channels alike.
    Network(
      "tiny-ssd", 256,
      [
        (3, 16, 256), (16, 16, 256), (16, 32, 128), (32, 32, 128), (32, 64, 64), (64, 64, 64),
        (64, 128, 32), (128, 128, 32), (128, 128, 16), (128, 128, 8), (64, 16, 32),
        (128, 16, 16), (128, 16, 8), (128, 16, 4), (128, 16, 1),
      ]),
  ]

  /// The distinct layers of the networks named, with the names of those that have them, in
  /// the networks' order.
  public static func layers(of names: [String]) -> [(layer: Layer, networks: [String])] {
    var places: [Layer: Int] = [:]
    var found: [(layer: Layer, networks: [String])] = []
    for network in networks where names.contains(network.name) {
      for layer in network.layers {
        if let place = places[layer] {
          found[place].networks.append(network.name)
        } else {
          places[layer] = found.count
          found.append((layer, [network.name]))
        }
      }
    }
    return found
  }

  /// A pass of a layer, and the networks that have it.
  public struct Case: Sendable {
    public let work: ConvolutionCase
    public let networks: [String]
  }

  /// What to measure. Nobody asks for the gradient of pictures: first layers have no pass `.data`.
  public static func cases(
    networks: [String], batches: [Int], passes: [ConvolutionPass]
  ) -> [Case] {
    batches.flatMap { batch in
      passes.flatMap { pass in
        layers(of: networks).filter { pass != .data || $0.layer.inputs > 3 }.map { found in
          let layer = found.layer
          let work = ConvolutionCase(
            pass, pictures: batch, inputs: layer.inputs, outputs: layer.outputs,
            height: layer.side, width: layer.side)
          return Case(work: work, networks: found.networks)
        }
      }
    }
  }
}
