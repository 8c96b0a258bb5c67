import TestSupport
import Testing

@testable import SakerTensor

@Suite struct ThreadCountTests {
  /// Kernels that were made for one number of threads are not run by another: results don't depend
  /// on who came first.
  @Test func changingTheThreadsChangesNothing() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let x = random([3, 24, 19, 17], seed: 1)
    let w = random([40, 24, 5, 5], seed: 2)
    // What was made is found by the number of threads, too.
    let keys = Set(
      [1, 4].map { count in
        Parallel.threads = count
        return PrimitiveCache.Key(kind: "convolution", numbers: [])
      })
    #expect(keys.count == 2)
    var results: [[Float]] = []
    for count in [1, 4, 2, 3, 1, 4] {
      Parallel.threads = count
      let leaf = Parameter(w)
      let y = conv2d(x, leaf.value, bias: nil, stride: (2, 2), padding: (2, 2, 2, 2))
      square(y).mean().backward()
      results.append(y.floats + (leaf.gradient?.floats ?? []))
    }
    for result in results { expectClose(result, results[0], relative: 1e-5) }
    // The same number of threads computes the same bits, whoever computed in between.
    #expect(results[0] == results[4] && results[1] == results[5])
  }
}
