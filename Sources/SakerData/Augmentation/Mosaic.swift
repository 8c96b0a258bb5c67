import SakerTensor

/// Puts several pictures together as tiles (YOLOv4, arXiv:2004.10934, section 3.3): four around a
/// random point, or nine in three rows, each with its longer side as long as the result. The result
/// shows a window of them, as a random affine map sees it: pixels are mixed only once, and tiles
/// outside the window cost nothing.
///
/// Labels of whole pictures are mixed by the share of the result that each picture got.
public struct Mosaic: MixingTransform, ParameterizedTransform {
  /// Side of the result, in pixels.
  public var size: Int
  /// Tiles a row: 2 (four pictures) or 3 (nine).
  public var grid: Int
  public var probability: Float
  /// How the tiles are seen. Without: a window around their middle, at their size.
  public var affine: RandomAffine?
  /// Between the tiles.
  public var fill: RGB
  public var rule: VisibilityRule

  public init(
    size: Int = 640, grid: Int = 2, probability: Float = 1, affine: RandomAffine? = RandomAffine(),
    fill: RGB = .letterboxGray, rule: VisibilityRule = VisibilityRule()
  ) {
    self.size = size
    self.grid = grid
    self.probability = probability
    self.affine = affine
    self.fill = fill
    self.rule = rule
    checkParameters()
  }

  public static let standard = Mosaic()
  public var problem: String? {
    sizeProblem(size, size) ?? unless(grid == 2 || grid == 3, "a grid is 2 or 3, got \(grid)")
      ?? probabilityProblem(probability) ?? affine?.problem ?? rule.problem
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    guard random.uniform() < probability else { return }
    // The first picture keeps a middle place of nine, as its objects are the ones asked for.
    var samples = [sample]
    while samples.count < grid * grid { samples.append(try source.draw(&random)) }
    if grid == 3 { samples.swapAt(0, 4) }
    sample = compose(samples, using: &random)
  }

  /// A tile's place on the canvas: a window, and where the picture's corner lies.
  private struct Tile {
    var window: PixelBox
    var x, y: Int
  }

  private func compose(_ samples: [Sample], using random: inout Random) -> Sample {
    let samples = samples.map { sample in
      var sample = sample
      sample.resize(to: sample.size.fitted(longestSide: size))
      return sample
    }
    // Lines between tiles: of four, through a point of the middle half; of nine, around
    // the middle picture.
    func lines(_ middle: (Sample) -> Int) -> [Int] {
      let first = size / 2 + random.index(below: size + 1)
      return grid == 2 ? [first] : [first, first + middle(samples[4])]
    }
    let columns = lines { $0.picture.width }
    let rows = lines { $0.picture.height }
    let canvas = PictureSize(width: grid * size, height: grid * size)
    let view = PictureSize(width: size, height: size)
    let seen =
      affine?.draw(from: canvas, to: view, using: &random)
      ?? .moved(x: -Double((grid - 1) * size) / 2, y: -Double((grid - 1) * size) / 2)
    var result = Sample(
      picture: Picture(width: size, height: size, filledWith: affine?.fill ?? fill))
    if samples.allSatisfy({ $0.labelMap != nil }) {
      result.labelMap = Mask(width: size, height: size, filledWith: Mask.ignored)
    }
    var shares: [ClassShare] = []
    for (index, sample) in samples.enumerated() {
      let (column, row) = (index % grid, index / grid)
      let across = Self.place(sample.picture.width, column, columns, canvas.width)
      let down = Self.place(sample.picture.height, row, rows, canvas.height)
      let area = paste(
        sample,
        Tile(
          window: PixelBox(
            left: across.start, top: down.start, right: across.end, bottom: down.end),
          x: across.origin, y: down.origin),
        seen, onto: &result)
      shares = shares.adding(sample.classes, times: area)
    }
    let total = shares.reduce(0) { $0 + $1.share }
    result.classes = shares.map {
      ClassShare(label: $0.label, share: total > 0 ? $0.share / total : 0)
    }
    return result
  }

  /// Where a picture lies on one axis: next to the line that its tile shares with the middle, cut
  /// at the tile's ends.
  private static func place(_ length: Int, _ index: Int, _ lines: [Int], _ end: Int) -> (
    start: Int, end: Int, origin: Int
  ) {
    let low = index == 0 ? 0 : lines[index - 1]
    let high = index == lines.count ? end : lines[index]
    // The first tile ends at its line, all others start at theirs.
    let origin = index == 0 ? high - length : low
    return (max(low, origin), min(high, origin + length), origin)
  }

  /// Draws a tile as the map sees it, adds its objects, and returns which share of the result
  /// it covers at most.
  private func paste(_ sample: Sample, _ tile: Tile, _ seen: PlaneMap, onto result: inout Sample)
    -> Float
  {
    let window = tile.window
    guard window.width > 0, window.height > 0 else { return 0 }
    var sample = sample
    let (x, y) = (window.left - tile.x, window.top - tile.y)
    let map = PlaneMap.moved(x: Double(window.left), y: Double(window.top)).then(seen)
    let visible = map(
      Box(left: 0, top: 0, right: Float(window.width), bottom: Float(window.height))
    ).clipped(width: Float(size), height: Float(size))
    guard visible.area > 0 else { return 0 }
    result.picture.draw(
      PixelBox(left: x, top: y, right: x + window.width, bottom: y + window.height),
      of: sample.picture, through: map)
    // The tile may cut objects, and the window once more: the share that is left counts over both.
    sample.showMarks(
      x: x, y: y, width: window.width, height: window.height,
      rule: VisibilityRule(share: 0, side: 0))
    if let part = sample.labelMap { result.labelMap?.draw(part, through: map) }
    let size = PictureSize(width: size, height: size)
    sample.labelMap = nil
    sample.moveMarks(by: map, to: size, rule: rule)
    result.objects += sample.objects
    return visible.area / Float(size.width * size.height)
  }
}
