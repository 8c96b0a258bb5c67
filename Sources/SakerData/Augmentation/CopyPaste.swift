import CKernels
import SakerTensor

/// Pastes objects of another picture at random places (Ghiasi et al., arXiv:2012.07177): with their
/// masks where they have some, else with their boxes. The other picture is first scaled to fit, and
/// mirrored half of the times.
///
/// A pasted object covers what lies below: masks there lose pixels, and boxes of masks shrink.
/// Where it would cover more than `maximumCovered` of another object's box, it is not pasted.
public struct CopyPaste: MixingTransform, ParameterizedTransform {
  public var probability: Float
  /// Each object of the other picture is pasted with this probability.
  public var share: Float
  /// 0...1.
  public var maximumCovered: Float
  /// Whether objects are moved to random places, or stay where they were.
  public var moves: Bool

  public init(
    probability: Float = 0.5, share: Float = 0.5, maximumCovered: Float = 0.3, moves: Bool = true
  ) {
    self.probability = probability
    self.share = share
    self.maximumCovered = maximumCovered
    self.moves = moves
    checkParameters()
  }

  public static let standard = CopyPaste()
  public var problem: String? {
    probabilityProblem(probability)
      ?? unless((0...1).contains(share), "a share is 0...1, got \(share)")
      ?? unless((0...1).contains(maximumCovered), "a covered share is 0...1, got \(maximumCovered)")
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    guard random.uniform() < probability else { return }
    var other = try source.draw(&random)
    other.fit(into: sample.size, fill: .letterboxGray)
    if random.uniform() < 0.5 { other.flipHorizontally() }
    for object in other.objects where random.uniform() < share {
      paste(object, of: other.picture, into: &sample, using: &random)
    }
  }

  private func paste(
    _ object: SampleObject, of picture: Picture, into sample: inout Sample,
    using random: inout Random
  ) {
    let (width, height) = (picture.width, picture.height)
    let part = PixelBox(
      left: Int(object.box.left.rounded(.down)), top: Int(object.box.top.rounded(.down)),
      right: Int(object.box.right.rounded(.up)), bottom: Int(object.box.bottom.rounded(.up))
    ).clipped(width: width, height: height)
    guard part.width > 0, part.height > 0 else { return }
    // The same numbers are drawn whether the object finds room or not.
    let x = random.index(below: width - part.width + 1)
    let y = random.index(below: height - part.height + 1)
    let (dx, dy) = moves ? (x - part.left, y - part.top) : (0, 0)

    // Pixels of the object at its new place.
    var cover = Mask(width: width, height: height)
    for row in part.top..<part.bottom {
      for column in part.left..<part.right where object.mask.map({ $0[column, row] != 0 }) ?? true {
        cover.values[(row + dy) * width + column + dx] = 1
      }
    }
    guard sample.objects.allSatisfy({ cover.share(of: $0.box) <= maximumCovered }) else { return }
    var moved = Picture(width: width, height: height)
    copyRows(
      picture.pixels, width, height, into: &moved.pixels, width, height, x: -dx, y: -dy, bytes: 3)
    sample.picture.pixels.withUnsafeMutableBufferPointer {
      saker_paste_rgb(moved.pixels, cover.values, $0.baseAddress, width * height)
    }
    sample.hide(under: cover, maximum: 1)
    var pasted = object
    pasted.box = object.box.moved(x: Float(dx), y: Float(dy))
      .clipped(width: Float(width), height: Float(height))
    if object.mask != nil { pasted.mask = cover }
    for k in pasted.keypoints.indices {
      pasted.keypoints[k].point.x += Float(dx)
      pasted.keypoints[k].point.y += Float(dy)
    }
    sample.objects.append(pasted)
  }
}
