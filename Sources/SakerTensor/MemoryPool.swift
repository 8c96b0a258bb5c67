import CKernels
import Foundation
import Synchronization

/// The tensors' memory, in all and at most.
public struct MemoryUse: Sendable {
  /// Bytes that living tensors hold.
  public var inUse: Int
  /// The most that was in use at a time since the last reset.
  public var peak: Int
}

/// Memory that was used and is free: small blocks by size, large ones in an arena. One lock; it is
/// held for a search among some dozens of holes, thousands of times a second, not millions.
public final class MemoryPool: Sendable {
  public static let shared = MemoryPool()

  private struct State {
    var free: [Int: [UInt]] = [:]
    /// Of the sizes up to 4 KiB, by their multiple of 64.
    var small = [[UInt]](repeating: [], count: 65)
    var arena: Arena?
    var inUse = 0
    var peak = 0
  }

  private let state: Mutex<State>
  /// With SAKER_POISON set, memory comes full of NaN and goes full of NaN: who reads what nobody
  /// wrote, or what was given back, gives itself away.
  private static let isPoisoned = ProcessInfo.processInfo.environment["SAKER_POISON"] != nil
  /// Blocks from this size on come from the arena, if there is one.
  private static let large = 1 << 18

  private init() {
    // Addresses cost nothing: far more than there is memory, so that holes never end it.
    let arena = Arena(reserving: (Int(ProcessInfo.processInfo.physicalMemory >> 21) << 21) * 4)
    state = Mutex(State(arena: arena))
  }

  /// Sizes are rounded so that nearly equal requests meet: small ones to 64 bytes, above 4 KiB to
  /// an eighth of the power of two below.
  static func rounded(_ bytes: Int) -> Int {
    let bytes = max(bytes, 1)
    if bytes >= large { return Arena.rounded(bytes) }
    let step = bytes <= 4096 ? 64 : (1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)) / 8
    return min((bytes + step - 1) / step * step, large)
  }

  /// - Parameter bytes: as `rounded` gives it.
  func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let address = state.withLock { state -> UInt in
      state.inUse += bytes
      state.peak = max(state.peak, state.inUse)
      if bytes <= 4096 {
        return state.small[bytes >> 6].popLast() ?? UInt(bitPattern: saker_allocate(bytes))
      }
      if bytes >= MemoryPool.large, let address = state.arena?.take(bytes) { return address }
      return state.free[bytes]?.popLast() ?? UInt(bitPattern: saker_allocate(bytes))
    }
    guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else {
      fatalError("out of memory: \(bytes) bytes asked for, \(use.inUse) in use")
    }
    if MemoryPool.isPoisoned {
      pointer.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes)
    }
    return pointer
  }

  func give(_ pointer: UnsafeMutableRawPointer, _ bytes: Int) {
    let address = UInt(bitPattern: pointer)
    if MemoryPool.isPoisoned {
      pointer.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes)
    }
    state.withLock { state in
      state.inUse -= bytes
      if bytes <= 4096 {
        state.small[bytes >> 6].append(address)
      } else if bytes >= MemoryPool.large, state.arena?.contains(address) == true {
        state.arena?.give(address, bytes)
      } else {
        state.free[bytes, default: []].append(address)
      }
    }
  }

  /// Gives all free memory back to the system.
  public func releaseAll() {
    state.withLock { state in
      for block in state.small.joined() { saker_free(UnsafeMutableRawPointer(bitPattern: block)) }
      for block in state.free.values.joined() {
        saker_free(UnsafeMutableRawPointer(bitPattern: block))
      }
      state.free = [:]
      state.small = [[UInt]](repeating: [], count: 65)
      state.arena?.release()
    }
  }

  public var use: MemoryUse { state.withLock { MemoryUse(inUse: $0.inUse, peak: $0.peak) } }

  public func resetPeak() {
    state.withLock { $0.peak = $0.inUse }
  }
}
