import CKernels
import Synchronization

/// A block of memory that tensors share, aligned to 64 bytes. Given back to a pool when the last tensor goes, so that a
/// training step after the first asks the system for nothing: page faults on fresh memory cost more than the
/// arithmetic they serve.
final class Storage: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  let bytes: Int
  private let release: Release

  /// Whether the memory is ours to write: nobody sees what was adopted change.
  var isOwn: Bool {
    if case .pool = release { true } else { false }
  }

  private enum Release {
    case pool
    case owner(AnyObject)
  }

  init(bytes: Int) {
    self.bytes = MemoryPool.rounded(bytes)
    pointer = MemoryPool.shared.take(self.bytes)
    release = .pool
  }

  /// Memory that somebody else owns and keeps while `owner` lives.
  init(adopting pointer: UnsafeMutableRawPointer, bytes: Int, owner: AnyObject) {
    self.pointer = pointer
    self.bytes = bytes
    release = .owner(owner)
  }

  deinit {
    if case .pool = release { MemoryPool.shared.give(pointer, bytes) }
  }

  /// What was computed from these bytes and holds while they do not change: weights packed for a kernel.
  private let derived = Mutex<[[Int]: Storage]>([:])

  func derived(_ key: [Int]) -> Storage? { derived.withLock { $0[key] } }
  func keep(_ storage: Storage, _ key: [Int]) { derived.withLock { $0[key] = storage } }
  /// To be called by whoever writes into memory that was read before.
  func didChange() { derived.withLock { if !$0.isEmpty { $0 = [:] } } }
}

/// The tensors' memory, in all and at most.
public struct MemoryUse: Sendable {
  /// Bytes that living tensors hold.
  public var inUse: Int
  /// Bytes that wait in the pool.
  public var pooled: Int
  /// The most that was in use at a time since the last reset.
  public var peak: Int
}

/// Free blocks by size. One lock: it is held for a dictionary access, thousands of times a second, not millions.
public final class MemoryPool: Sendable {
  public static let shared = MemoryPool()

  private struct State {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var inUse = 0
    var pooled = 0
    var peak = 0
  }

  private let state = Mutex(State())

  /// Sizes are rounded so that nearly equal requests meet: to 64 bytes, and above 4 KiB to an eighth of the power of two
  /// below.
  static func rounded(_ bytes: Int) -> Int {
    let bytes = max(bytes, 1)
    let step = bytes <= 4096 ? 64 : (1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)) / 8
    return (bytes + step - 1) / step * step
  }

  fileprivate func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let reused = state.withLock { state -> UInt in
      state.inUse += bytes
      state.peak = max(state.peak, state.inUse)
      guard let pointer = state.free[bytes]?.popLast() else { return 0 }
      state.pooled -= bytes
      return UInt(bitPattern: pointer)
    }
    if let reused = UnsafeMutableRawPointer(bitPattern: reused) { return reused }
    if let fresh = saker_allocate(bytes) { return fresh }
    releaseAll()
    guard let fresh = saker_allocate(bytes) else {
      fatalError("out of memory: \(bytes) bytes asked for, \(use.inUse) in use")
    }
    return fresh
  }

  fileprivate func give(_ pointer: UnsafeMutableRawPointer, _ bytes: Int) {
    let address = UInt(bitPattern: pointer)
    state.withLock { state in
      state.inUse -= bytes
      state.pooled += bytes
      state.free[bytes, default: []].append(UnsafeMutableRawPointer(bitPattern: address)!)
    }
  }

  /// Gives all waiting blocks back to the system.
  public func releaseAll() {
    state.withLock { state in
      for block in state.free.values.joined() { saker_free(block) }
      state.free = [:]
      state.pooled = 0
    }
  }

  public var use: MemoryUse {
    state.withLock { MemoryUse(inUse: $0.inUse, pooled: $0.pooled, peak: $0.peak) }
  }

  public func resetPeak() {
    state.withLock { $0.peak = $0.inUse }
  }
}
