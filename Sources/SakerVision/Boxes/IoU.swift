import SakerTensor

extension Boxes {
  /// Intersection over union of each box here with each of `others`, `[count, others.count]` row by
  /// row; 0...1, and 0 for two empty boxes.
  public func iou(_ others: Boxes) -> [Float] {
    let columns = BoxColumns(others)
    let width = others.count
    return [Float](unsafeUninitializedCapacity: count * width) { result, initialized in
      Parallel.run(count, grain: Swift.max(1, 32768 / Swift.max(width, 1))) { part in
        withUnsafeTemporaryAllocation(of: BoxColumns.Lanes.self, capacity: columns.blocks) { row in
          guard let lanes = row.baseAddress, width > 0 else { return }
          for i in part {
            columns.iou(with: vector(i), 0..<columns.blocks, into: lanes)
            let numbers = UnsafeRawPointer(lanes).assumingMemoryBound(to: Float.self)
            (result.baseAddress! + i * width).update(from: numbers, count: width)
          }
        }
      }
      initialized = count * width
    }
  }
}
