import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SakerTensor

/// oneDNN 2.6 describes a convolution with the help of a global variable: two threads at it, one in
/// float32 and one in bfloat16, can get kernels that leave channels out, and keep them
/// (openvinotoolkit/oneDNN#167). So primitives are made one at a time.
@Suite struct PrimitiveCreationTests {
  /// Two threads meet here before each creation.
  final class Gate: Sendable {
    private let arrived = Atomic(0)
    func meet(_ round: Int) {
      arrived.add(1, ordering: .acquiringAndReleasing)
      while arrived.load(ordering: .acquiring) < 2 * (round + 1) { sched_yield() }
    }
  }

  @Test func primitivesMadeAtOnceAreThoseMadeAlone() {
    let gate = Gate()
    let wrong = Mutex<[String]>([])
    // More channels than a vector has, and not a multiple of it: the last block of channels is
    // what was mixed up.
    let weight = random([8, 17, 3, 3], seed: 2)
    // Threads of their own: a queue may run both on one, which would wait for itself.
    let isDone = DispatchSemaphore(value: 0)
    for worker in 0..<2 {
      Thread {
        work(worker)
        isDone.signal()
      }.start()
    }
    for _ in 0..<2 { isDone.wait() }
    let all = wrong.withLock { $0 }
    #expect(all.isEmpty, "\(all.count) of 400, the first \(all.first ?? "")")

    @Sendable func work(_ worker: Int) {
      let dtype: DType = worker == 0 ? .float32 : .bfloat16
      for round in 0..<200 {
        let x = random([1, 17, 5 + round / 15, 5 + round % 15], seed: 1).converted(to: dtype)
        let attributes = ConvolutionAttributes((2, 2), (1, 1, 1, 1), (1, 1), 1)
        gate.meet(round)
        let y = withoutGradients { conv2d(x, weight, stride: (2, 2), padding: (1, 1, 1, 1)) }
        let exact = exactConvolution(x.converted(to: .float32), weight, nil, attributes)
        let largest = exact.map(abs).max()!
        // bfloat16 rounds x, weight and result; a channel left out changes results by a fourth.
        let isRight = zip(y.converted(to: .float32).floats, exact).allSatisfy {
          abs(Double($0) - Double($1)) <= 0.03 * Double(largest)
        }
        if !isRight { wrong.withLock { $0.append("\(dtype) \(x.shape)") } }
      }
    }
  }
}
