import CKernels

/// Loops over all compute threads: OpenMP's, which oneDNN computes on too.
public enum Parallel {
  /// How many threads compute, oneDNN's included.
  public static var threads: Int {
    get { Int(saker_threads()) }
    set { saker_set_threads(Int32(max(1, newValue))) }
  }

  /// Calls `body` with parts of `0..<count` that together cover it; at least `grain` a part, so
  /// that short loops stay on the caller's thread.
  public static func run(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let parts = min(threads, (count + grain - 1) / max(grain, 1))
    if parts <= 1 { return KernelTime.measure { body(0..<count) } }
    typealias Body = (Range<Int>) -> Void
    withoutActuallyEscaping(body) { body in
      var context = (body: body, count: count)
      withUnsafeMutablePointer(to: &context) { context in
        KernelTime.measure {
          saker_parallel(
            { raw, id, of in
              let context = raw!.assumingMemoryBound(to: (body: Body, count: Int).self)
              let count = context.pointee.count
              let first = count * Int(id) / Int(of)
              let end = count * (Int(id) + 1) / Int(of)
              if first < end { context.pointee.body(first..<end) }
            }, context, Int32(parts))
        }
      }
    }
  }
}
