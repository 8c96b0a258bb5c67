import SakerTensor

extension Shape {
  /// The shape that a file claims, if it can be a tensor's: `nil` for negative sizes, more than 16
  /// axes, or sizes whose product, the zeros left out, is no number of bytes (strides are products
  /// too, also of empty tensors).
  init?(claimed sizes: [Int], elementSize: Int) {
    guard sizes.count <= 16 else { return nil }
    var bytes = elementSize
    for size in sizes {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: Swift.max(size, 1))
      guard size >= 0, !overflow else { return nil }
      bytes = product
    }
    self.init(sizes)
  }
}
