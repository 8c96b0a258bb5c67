import SakerTensor

/// The update of many parameters as one parallel loop: small ones cost no loop of their own, and a
/// large one is shared out.
///
/// Parameters are cut into blocks whose size is always the same, and sums are added block by block,
/// so that the result does not depend on the number of threads.
struct UpdatePass {
  /// One parameter's part of the work. It keeps what the pointers point to.
  struct Item {
    let parameter: Parameter
    let gradient: Tensor
    let slots: [Buffer]
    let values: UnsafeMutablePointer<Float>
    let slope: UnsafePointer<Float>
    let memory: [UnsafeMutablePointer<Float>]
    let rate, decay, scalar: Double
    let step: Int

    /// `nil` for a parameter without elements.
    init?(
      _ parameter: Parameter, _ gradient: Tensor, _ slots: [Buffer], rate: Double, decay: Double,
      step: Int, scalar: Double
    ) {
      self.parameter = parameter
      self.gradient = gradient.converted(to: .float32).detached().contiguous()
      self.slots = slots
      (self.rate, self.decay, self.step, self.scalar) = (rate, decay, step, scalar)
      // The memory stays where it is as long as parameter, gradient and slots keep their values,
      // which this item sees to: nobody gives them others during the pass.
      guard parameter.shape.elements > 0, let values = Item.place({ parameter.update($0) }),
        let slope = self.gradient.withElements(of: Float.self, { $0.baseAddress })
      else { return nil }
      self.values = values
      self.slope = slope
      memory = slots.compactMap { slot in Item.place { slot.update($0) } }
    }

    /// Where the elements lie that an update would write.
    private static func place(
      _ update: ((UnsafeMutableBufferPointer<Float>) -> Void) -> Void
    ) -> UnsafeMutablePointer<Float>? {
      var place: UnsafeMutablePointer<Float>?
      update { place = $0.baseAddress }
      return place
    }
  }

  /// A stretch of an item; `start` counts the elements before it, of all items.
  private struct Block {
    let item, start: Int
    let range: Range<Int>
  }

  static let blockSize = 1 << 15
  /// Below this many elements a second thread costs more than it saves.
  private static let grain = 1 << 14

  private let rule: any UpdateRule
  private let items: [Item]
  private let blocks: [Block]
  private let elements: Int

  init(_ rule: any UpdateRule, _ items: [Item]) {
    self.rule = rule
    self.items = items
    var blocks: [Block] = []
    var total = 0
    for (index, item) in items.enumerated() {
      let count = item.parameter.shape.elements
      for first in stride(from: 0, to: count, by: UpdatePass.blockSize) {
        let range = first..<min(first + UpdatePass.blockSize, count)
        blocks.append(Block(item: index, start: total + first, range: range))
      }
      total += count
    }
    self.blocks = blocks
    elements = total
  }

  func run() {
    var sums = [SIMD2<Double>](repeating: .zero, count: items.count)
    if rule.measures {
      var parts = [SIMD2<Double>](repeating: .zero, count: blocks.count)
      parts.withUnsafeMutableBufferPointer { parts in
        forEachBlock { parts[$0] = rule.measure(slice(blocks[$0], .zero)) }
      }
      for (block, part) in zip(blocks, parts) { sums[block.item] += part }
    }
    forEachBlock { rule.update(slice(blocks[$0], sums[blocks[$0].item])) }
  }

  /// Each thread takes the blocks that start in its share of the elements.
  private func forEachBlock(_ body: (Int) -> Void) {
    Parallel.run(elements, grain: UpdatePass.grain) { part in
      var index = firstBlock(from: part.lowerBound)
      while index < blocks.count, blocks[index].start < part.upperBound {
        body(index)
        index += 1
      }
    }
  }

  private func firstBlock(from start: Int) -> Int {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].start < start { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func slice(_ block: Block, _ sums: SIMD2<Double>) -> UpdateSlice {
    let item = items[block.item]
    return UpdateSlice(
      parameter: item.values, slope: item.slope, memory: item.memory, range: block.range,
      rate: item.rate, decay: item.decay, step: item.step, scalar: item.scalar, sums: sums)
  }
}
