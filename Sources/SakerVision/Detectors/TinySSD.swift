import SakerData
import SakerNN
import SakerTensor
import Synchronization

/// A small single-shot detector: five maps, each predicting classes and boxes of its anchors by 3x3
/// convolutions. "Dive into Deep Learning", section 14.7, after SSD, arXiv:1512.02325.
///
/// At 256x256 the maps have 32, 16, 8, 4 and 1 cells a side: 5444 anchors, 4 a cell. Any input of
/// at least 64 pixels a side works; maps are what halving six times leaves.
public final class TinySSD: Detector {
  /// The least height and width of an input: below, the fourth map would be empty.
  public static let smallestSide = 64

  /// Anchors are shares of the input, and maps follow it.
  public var freeSides: FreeSides? { FreeSides(smallest: TinySSD.smallestSide, stride: 32) }

  public let card: ModelCard
  public let lossSettings: MultiBoxLoss
  /// `blk_0` ... `blk_4`
  let blocks: [any Layer]
  /// `cls_0` ...: `[anchors * (classes + 1)]` channels, background first
  let classHeads: [Conv2d]
  /// `bbox_0` ...: `[anchors * 4]` channels
  let boxHeads: [Conv2d]
  private let grids = Mutex<[[AnchorGrid.MapSize]: AnchorGrid]>([:])

  /// - Parameter card: with at least one class name and five levels of anchors.
  public init(_ card: ModelCard, loss: MultiBoxLoss = .ssd) {
    check(
      !card.classNames.isEmpty && card.anchors.count == 5, op: "TinySSD",
      expected: "class names and 5 levels of anchors",
      got: "\(card.classNames.count) and \(card.anchors.count)")
    self.card = card
    lossSettings = loss
    blocks = [
      Sequential(
        TinySSD.downSample(3, 16), TinySSD.downSample(16, 32), TinySSD.downSample(32, 64)),
      TinySSD.downSample(64, 128),
      TinySSD.downSample(128, 128),
      TinySSD.downSample(128, 128),
      AdaptiveMaxPool2d(1),
    ]
    let channels = [64, 128, 128, 128, 128]
    let perCell = card.anchors.map(\.perCell)
    let logits = card.classNames.count + 1
    classHeads = (0..<5).map {
      Conv2d(channels[$0], perCell[$0] * logits, kernel: 3, padding: 1)
    }
    boxHeads = (0..<5).map { Conv2d(channels[$0], perCell[$0] * 4, kernel: 3, padding: 1) }
  }

  /// Two convolutions that keep the size, each normalized and rectified, and a pooling that halves
  /// it.
  private static func downSample(_ inputs: Int, _ outputs: Int) -> Sequential {
    Sequential(
      Conv2d(inputs, outputs, kernel: 3, padding: 1), BatchNorm2d(outputs), ReLU(),
      Conv2d(outputs, outputs, kernel: 3, padding: 1), BatchNorm2d(outputs), ReLU(),
      MaxPool2d(kernel: 2))
  }

  /// The published names, which can't be property names.
  public var members: [(name: String, value: Any)] {
    blocks.indices.flatMap { i in
      [("blk_\(i)", blocks[i]), ("cls_\(i)", classHeads[i]), ("bbox_\(i)", boxHeads[i])]
    }
  }

  public var classes: Int { card.classNames.count }

  /// The three parts of the first block, then a block each.
  public var stages: [String] { (0..<3).map { "blk_0.\($0)" } + (1...3).map { "blk_\($0)" } }
  public var heads: [String] { (0..<5).flatMap { ["cls_\($0)", "bbox_\($0)"] } }

  public struct Predictions {
    /// `[N, anchors, classes + 1]`, background first
    public var logits: Tensor
    /// `[N, anchors, 4]`
    public var offsets: Tensor
    public var grid: AnchorGrid
    /// The five maps that they were predicted from.
    public var features: [Tensor]
  }

  /// - Parameter images: `[N, 3, H, W]`, float32 or bfloat16, which predictions then are, too.
  public func predict(_ images: Tensor) -> Predictions {
    check(
      images.rank == 4 && images.shape[1] == 3 && images.shape[2] >= TinySSD.smallestSide
        && images.shape[3] >= TinySSD.smallestSide, op: "TinySSD",
      expected: "[N, 3, H, W], at least \(TinySSD.smallestSide) high and wide", got: images.shape)
    var logits: [Tensor] = []
    var offsets: [Tensor] = []
    var features: [Tensor] = []
    var map = images
    for (level, block) in blocks.enumerated() {
      map = block(map)
      features.append(map)
      logits.append(TinySSD.rows(classHeads[level](map), width: classes + 1))
      offsets.append(TinySSD.rows(boxHeads[level](map), width: 4))
    }
    return Predictions(
      logits: concatenate(logits, axis: 1), offsets: concatenate(offsets, axis: 1),
      grid: grid(for: features), features: features)
  }

  public func loss(_ images: Tensor, _ objects: [[Annotation]]) -> DetectionLoss {
    check(
      objects.count == images.shape[0], op: "TinySSD.loss",
      expected: "objects of \(images.shape[0]) pictures", got: objects.count)
    let predictions = predict(images)
    let targets = AnchorTargets(objects, predictions.grid)
    return lossSettings(predictions.logits, predictions.offsets, targets)
  }

  public func detect(_ images: Tensor, _ options: DetectionOptions) -> [[Detection]] {
    evaluating {
      let predictions = predict(images)
      return PostProcessor(options)(predictions.logits, predictions.offsets, predictions.grid)
    }
  }

  /// Predicts once for both.
  public func evaluate(
    _ images: Tensor, _ objects: [[Annotation]], _ options: DetectionOptions
  ) -> (loss: DetectionLoss, detections: [[Detection]]) {
    check(
      objects.count == images.shape[0], op: "TinySSD.evaluate",
      expected: "objects of \(images.shape[0]) pictures", got: objects.count)
    return evaluating {
      let found = predict(images)
      return (
        lossSettings(found.logits, found.offsets, AnchorTargets(objects, found.grid)),
        PostProcessor(options)(found.logits, found.offsets, found.grid)
      )
    }
  }

  /// `anchors` `[A, 4]`, `class_logits` `[N, A, classes + 1]`, `box_offsets` `[N, A, 4]`,
  /// `features_0` ... `features_4`.
  public func rawOutputs(_ images: Tensor) -> [NamedTensor] {
    evaluating {
      let predictions = predict(images)
      return [
        NamedTensor("anchors", predictions.grid.boxes.tensor),
        NamedTensor("class_logits", predictions.logits),
        NamedTensor("box_offsets", predictions.offsets),
      ] + predictions.features.enumerated().map { NamedTensor("features_\($0)", $1) }
    }
  }

  /// Cell by cell, anchor by anchor: `[N, anchors * width, H, W]` to `[N, H * W * anchors, width]`,
  /// a view of channels-last memory.
  static func rows(_ map: Tensor, width: Int) -> Tensor {
    map.permute([0, 2, 3, 1]).reshape([map.shape[0], -1, width])
  }

  private func grid(for features: [Tensor]) -> AnchorGrid {
    let maps = features.map { AnchorGrid.MapSize(rows: $0.shape[2], columns: $0.shape[3]) }
    return grids.withLock { grids in
      if let grid = grids[maps] { return grid }
      let grid = AnchorGrid(card.anchors, maps: maps)
      grids[maps] = grid
      return grid
    }
  }
}

extension TinySSD {
  /// The maps of an input, the finest first: what an `AnchorFit` needs.
  public static func maps(height: Int, width: Int) -> [AnchorGrid.MapSize] {
    [8, 16, 32, 64].map { AnchorGrid.MapSize(rows: height / $0, columns: width / $0) } + [
      AnchorGrid.MapSize(rows: 1, columns: 1)
    ]
  }

  /// The levels that `anchors` stands for, for training on `objects`, whose boxes are fractions of
  /// the input, 0...1.
  ///
  /// - Throws: `AnchorError` if a fit finds no boxes, or a list hasn't five levels.
  public static func levels(
    _ anchors: Anchors, height: Int, width: Int, objects: [Annotation], seed: UInt64 = 0
  ) throws(AnchorError) -> [AnchorLevel] {
    switch anchors {
    case .notes: return .tinySSD
    case .fit, .fitShapes:
      let fit = AnchorFit(
        maps: maps(height: height, width: width), aspect: Float(width) / Float(height), seed: seed)
      let boxes = Boxes(objects.map(\.box))
      return anchors == .fit ? try fit(boxes) : try fit.priors(boxes)
    case .levels(let levels):
      guard levels.count == 5 else {
        throw AnchorError(
          description: "anchors: tiny-ssd expects sizes for 5 levels, got \(levels.count)")
      }
      return levels
    }
  }
}
