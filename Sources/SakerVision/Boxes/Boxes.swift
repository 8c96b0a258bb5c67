import SakerData
import SakerTensor

/// Many boxes as corners between pixels (left, top, right, bottom): a box that covers one whole
/// pixel is 1 wide. The unit is the owner's to say: pixels, or fractions of the picture. Other
/// forms enter and leave by conversions.
public struct Boxes: Hashable, Codable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral
{
  /// `[count, 4]`, row by row.
  public private(set) var corners: [Float]

  public init() { corners = [] }

  /// - Parameter corners: left, top, right, bottom of each box, one after the other.
  public init(corners: [Float]) {
    check(
      corners.count % 4 == 0, op: "Boxes", expected: "4 numbers a box", got: corners.count)
    self.corners = corners
  }

  public init(_ boxes: some Sequence<Box>) {
    corners = boxes.flatMap { [$0.left, $0.top, $0.right, $0.bottom] }
  }

  public init(arrayLiteral boxes: Box...) { self.init(boxes) }

  /// From a tensor `[N, 4]`.
  public init(_ tensor: Tensor) {
    check(
      tensor.rank == 2 && tensor.shape[1] == 4, op: "Boxes", expected: "shape [N, 4]",
      got: tensor.shape)
    corners = tensor.floats
  }

  /// From centres (x, y) and sizes (width, height), each `[count, 2]` row by row.
  public init(centers: [Float], sizes: [Float]) {
    check(
      centers.count == sizes.count && centers.count % 2 == 0, op: "Boxes",
      expected: "2 numbers a centre and a size", got: "\(centers.count) and \(sizes.count)")
    corners = []
    corners.reserveCapacity(2 * centers.count)
    for i in stride(from: 0, to: centers.count, by: 2) {
      let (x, y) = (centers[i], centers[i + 1])
      let (w, h) = (0.5 * sizes[i], 0.5 * sizes[i + 1])
      corners += [x - w, y - h, x + w, y + h]
    }
  }

  /// From integer corners that count pixels from 1 and are both inside the box, as in Pascal VOC's
  /// files: 1, 1, 1, 1 covers the first pixel.
  public init(vocInclusive corners: [Int]) {
    self.init(
      corners: corners.enumerated().map { Float($0.offset % 4 < 2 ? $0.element - 1 : $0.element) })
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { corners.count / 4 }

  public subscript(index: Int) -> Box {
    get {
      let i = 4 * index
      return Box(
        left: corners[i], top: corners[i + 1], right: corners[i + 2], bottom: corners[i + 3])
    }
    set {
      let i = 4 * index
      corners[i] = newValue.left
      corners[i + 1] = newValue.top
      corners[i + 2] = newValue.right
      corners[i + 3] = newValue.bottom
    }
  }

  public mutating func append(_ box: Box) {
    corners.append(box.left)
    corners.append(box.top)
    corners.append(box.right)
    corners.append(box.bottom)
  }

  /// As a tensor, `[count, 4]`.
  public var tensor: Tensor { Tensor(corners, [count, 4]) }

  /// Centres (x, y), `[count, 2]` row by row.
  public var centers: [Float] {
    flatMap { [($0.left + $0.right) / 2, ($0.top + $0.bottom) / 2] }
  }

  /// Widths and heights, `[count, 2]` row by row.
  public var sizes: [Float] { flatMap { [$0.width, $0.height] } }

  /// Integer corners counted from 1, both inside the box, as Pascal VOC writes them;
  /// rounded to whole pixels.
  public var vocInclusive: [Int] {
    corners.enumerated().map { i, value in
      let pixel = Int(value.rounded())
      return i % 4 < 2 ? pixel + 1 : pixel
    }
  }

  /// Area of each box; 0 for an empty or inverted one.
  public var areas: [Float] { map(\.area) }

  /// The parts between (0, 0) and (`width`, `height`): empty, not inverted, where there are none.
  public func clipped(toWidth width: Float, height: Float) -> Boxes {
    var result = self
    for i in corners.indices {
      result.corners[i] = Swift.min(Swift.max(corners[i], 0), i % 2 == 0 ? width : height)
    }
    return result
  }

  /// The boxes with their horizontal and vertical coordinates multiplied.
  public func scaled(x: Float, y: Float) -> Boxes {
    Boxes(corners: corners.enumerated().map { $0.element * ($0.offset % 2 == 0 ? x : y) })
  }
}
