import Foundation

/// Some pictures ready for a model.
public struct Batch: Sendable {
  /// `[count, height, width, 3]`, normalized.
  public let images: BatchMemory
  /// Pictures in it.
  public var count: Int { indices.count }
  public let height, width: Int
  /// For each picture its objects; boxes in fractions 0...1 of the model's input.
  public let targets: [[Annotation]]
  /// For each picture the classes it shows as a whole, and their shares; empty in data of boxes.
  public let classes: [[ClassShare]]
  /// For each picture its index in the data set.
  public let indices: [Int]
  /// For each picture its name in the data set.
  public let names: [String]
}

/// Floats of a batch, 64-byte aligned. A tensor can keep the object and use its memory without
/// copying; when the last reference goes, the memory returns to the loader for a later batch. One
/// owner writes, and only before anyone reads.
public final class BatchMemory: @unchecked Sendable {
  public let pointer: UnsafeMutablePointer<Float>
  /// Elements in use.
  public let count: Int
  private let home: BatchMemoryPool

  fileprivate init(_ pointer: UnsafeMutablePointer<Float>, _ count: Int, _ home: BatchMemoryPool) {
    self.pointer = pointer
    self.count = count
    self.home = home
  }

  public var floats: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: pointer, count: count)
  }

  deinit { home.put(pointer) }
}

/// Keeps the memory of released batches: fresh pages would cost more than decoding into them.
final class BatchMemoryPool: @unchecked Sendable {
  private let lock = NSLock()
  private var free: [UnsafeMutablePointer<Float>] = []
  private let capacity: Int
  private let limit: Int

  /// - Parameters:
  ///   - capacity: floats of a whole batch.
  ///   - limit: batches kept.
  init(capacity: Int, limit: Int) {
    self.capacity = capacity
    self.limit = limit
  }

  func take() -> UnsafeMutablePointer<Float> {
    if let pointer = lock.withLock({ free.popLast() }) { return pointer }
    let bytes = max(64, capacity * MemoryLayout<Float>.stride)
    return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: capacity)
  }

  /// Makes `pointer`, which `take` gave, an object that brings it back.
  func own(_ pointer: UnsafeMutablePointer<Float>, count: Int) -> BatchMemory {
    BatchMemory(pointer, count, self)
  }

  func put(_ pointer: UnsafeMutablePointer<Float>) {
    let kept = lock.withLock {
      guard free.count < limit else { return false }
      free.append(pointer)
      return true
    }
    if !kept { UnsafeMutableRawPointer(pointer).deallocate() }
  }

  deinit {
    for pointer in free { UnsafeMutableRawPointer(pointer).deallocate() }
  }
}
