import Foundation

/// Nested brackets with aligned columns, then shape and type. Of more than 1000 elements the first and last three of each axis.
extension Tensor: CustomStringConvertible {
  public var description: String {
    let text = count == 0 ? "[]" : TensorText(self).text
    return "\(text) \(dtype) \(shape)"
  }
}

private struct TensorText {
  private let tensor: Tensor
  private let shortened: Bool
  private var cells: [String] = []
  private var width = 0
  private static let edge = 3

  init(_ tensor: Tensor) {
    self.tensor = tensor.detached()
    shortened = tensor.count > 1000
    cells = TensorText.format(TensorText.shown(self.tensor, shortened))
    width = cells.map(\.count).max() ?? 0
  }

  var text: String {
    var next = 0
    return block(axis: 0, &next)
  }

  /// Only the elements that are printed.
  private static func shown(_ tensor: Tensor, _ shortened: Bool) -> Tensor {
    guard shortened else { return tensor }
    return tensor.shape.indices.reduce(tensor) { tensor, axis in
      let size = tensor.shape[axis]
      guard size > 2 * edge else { return tensor }
      let positions = Array(0..<edge) + Array(size - edge..<size)
      return tensor.indexSelect(Tensor(positions.map(Int64.init)), axis: axis)
    }
  }

  private func block(axis: Int, _ next: inout Int) -> String {
    if axis == tensor.rank {
      defer { next += 1 }
      return String(repeating: " ", count: width - cells[next].count) + cells[next]
    }
    let size = tensor.shape[axis]
    let skips = shortened && size > 2 * TensorText.edge
    var parts: [String] = []
    for i in 0..<(skips ? 2 * TensorText.edge : size) {
      if skips && i == TensorText.edge { parts.append("…") }
      parts.append(block(axis: axis + 1, &next))
    }
    let isRow = axis == tensor.rank - 1
    let lines = String(repeating: "\n", count: Swift.max(1, tensor.rank - 1 - axis))
    let separator = isRow ? ", " : "," + lines + String(repeating: " ", count: axis + 1)
    return "[" + parts.joined(separator: separator) + "]"
  }

  /// Floating numbers with four digits after the point, or as powers of ten where that would hide them.
  private static func format(_ tensor: Tensor) -> [String] {
    switch tensor.dtype {
    case .bool: return tensor.scalars(as: Bool.self).map(String.init)
    case .float32, .bfloat16, .float16: break
    default: return tensor.scalars(as: Int64.self).map(String.init)
    }
    let numbers = tensor.floats
    let magnitudes = numbers.filter { $0.isFinite && $0 != 0 }.map(abs)
    let (largest, smallest) = (magnitudes.max() ?? 0, magnitudes.min() ?? 0)
    let whole = magnitudes.allSatisfy { $0.rounded() == $0 } && largest < 1e6
    let scientific =
      largest >= 1e6 || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1e5))
    return numbers.map { number in
      if number.isNaN { return "nan" }
      if number.isInfinite { return number < 0 ? "-inf" : "inf" }
      if whole { return String(format: "%.0f.", number) }
      return String(format: scientific ? "%.4e" : "%.4f", number)
    }
  }
}
