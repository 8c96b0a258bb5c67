import CKernels
import Synchronization

/// A block of memory that tensors share, aligned to 64 bytes. Given back to a pool when the last
/// tensor goes, so that a training step after the first asks the system for nothing: page faults on
/// fresh memory cost more than the arithmetic they serve.
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

  /// What was computed from these bytes and holds while they do not change: weights
  /// packed for a kernel.
  private let derived = Mutex<[[Int]: Storage]>([:])

  func derived(_ key: [Int]) -> Storage? { derived.withLock { $0[key] } }
  func keep(_ storage: Storage, _ key: [Int]) { derived.withLock { $0[key] = storage } }
  /// To be called by whoever writes into memory that was read before.
  func didChange() { derived.withLock { if !$0.isEmpty { $0 = [:] } } }
}
