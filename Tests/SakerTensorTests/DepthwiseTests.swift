import TestSupport
import Testing

@testable import SakerTensor

/// The gradient of depthwise weights by our kernel, against the sum that defines it.
@Suite struct DepthwiseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var pictures = 2
    var channels: Int
    var sides: (Int, Int)
    var kernel: (Int, Int)
    var stride = (1, 1)
    var before = [1, 1]
    var after = [1, 1]

    var testDescription: String {
      "\(pictures)x\(channels)x\(sides), kernel \(kernel), stride \(stride), \(before) \(after)"
    }

    var attributes: ConvolutionAttributes {
      var attributes = ConvolutionAttributes()
      attributes.groups = channels
      attributes.stride = [stride.0, stride.1]
      attributes.before = before
      attributes.after = after
      return attributes
    }
    var weight: Shape { [channels, 1, kernel.0, kernel.1] }
    var x: Tensor { random([pictures, channels, sides.0, sides.1], seed: 1).channelsLast() }
    var gradient: Tensor { random(attributes.output(x.shape, weight), seed: 2).channelsLast() }

    /// dw[c, i, j] = Σ dy[n, c, p, q] x[n, c, p stride + i - top, q stride + j - left], in
    /// double precision.
    var expected: [Float] {
      let (x, dy) = (x, gradient)
      let (xs, ys) = (x.contiguous().floats, dy.contiguous().floats)
      let (rows, columns) = (dy.shape[2], dy.shape[3])
      var result: [Float] = []
      for c in 0..<channels {
        for i in 0..<kernel.0 {
          for j in 0..<kernel.1 {
            var sum = 0.0
            for n in 0..<pictures {
              for p in 0..<rows {
                for q in 0..<columns {
                  let (row, column) = (p * stride.0 + i - before[0], q * stride.1 + j - before[1])
                  guard (0..<sides.0).contains(row), (0..<sides.1).contains(column) else {
                    continue
                  }
                  let map = n * channels + c
                  sum +=
                    Double(xs[(map * sides.0 + row) * sides.1 + column])
                    * Double(ys[(map * rows + p) * columns + q])
                }
              }
            }
            result.append(Float(sum))
          }
        }
      }
      return result
    }
  }

  /// Channels that vectors divide and do not, fewer than one vector; kernels wider than the
  /// picture; strides that leave a rest; edges of unequal padding.
  static let cases: [Case] = [
    Case(channels: 1, sides: (5, 6), kernel: (3, 3)),
    Case(channels: 5, sides: (7, 4), kernel: (3, 3), stride: (2, 2)),
    Case(channels: 16, sides: (9, 9), kernel: (3, 3)),
    Case(
      pictures: 3, channels: 24, sides: (8, 11), kernel: (5, 5), before: [2, 2], after: [2, 2]),
    Case(channels: 58, sides: (10, 7), kernel: (3, 3), stride: (2, 1), before: [0, 1]),
    Case(channels: 17, sides: (2, 3), kernel: (7, 7), before: [3, 3], after: [3, 3]),
    Case(channels: 33, sides: (12, 12), kernel: (1, 5), before: [0, 4], after: [0, 0]),
    Case(channels: 16, sides: (6, 6), kernel: (9, 2), before: [4, 0], after: [4, 1]),
    Case(
      channels: 20, sides: (6, 8), kernel: (4, 6), stride: (3, 3), before: [3, 2], after: [0, 5]),
    Case(pictures: 1, channels: 40, sides: (1, 1), kernel: (3, 3)),
    Case(
      pictures: 20, channels: 18, sides: (3, 3), kernel: (3, 3), before: [2, 2], after: [2, 2]),
  ]

  @Test(arguments: cases)
  func gradientIsTheSumThatDefinesIt(_ work: Case) throws {
    let dw = try #require(
      Depthwise.gradient(work.x, work.gradient, work.weight, work.attributes))
    expectClose(dw.floats, work.expected, relative: 1e-5)
    // As the tape asks for it.
    let weights = random(work.weight, seed: 3)
    let taped = gradients(at: [weights]) { weights in
      (conv2d(
        work.x, weights[0], stride: work.stride,
        padding: (work.before[0], work.after[0], work.before[1], work.after[1]),
        groups: work.channels) * work.gradient).sum()
    }.gradients[0]
    expectClose(taped.floats, work.expected, relative: 1e-5)
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() throws {
    let work = Case(
      pictures: 3, channels: 40, sides: (13, 15), kernel: (5, 5), stride: (2, 2), before: [2, 2],
      after: [2, 2])
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let results = try [1, 2, 3].map { count in
      Parallel.threads = count
      return try #require(
        Depthwise.gradient(work.x, work.gradient, work.weight, work.attributes)
      ).floats
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func othersAreLeftToOthers() {
    var attributes = ConvolutionAttributes()
    attributes.groups = 4
    let (x, dy) = (Tensor.ones([1, 8, 5, 5]), Tensor.ones([1, 8, 3, 3]))
    #expect(Depthwise.gradient(x, dy, [8, 2, 3, 3], attributes) == nil)
    attributes.groups = 8
    let wide = Tensor.ones([1, 16, 3, 3])
    #expect(Depthwise.gradient(x, wide, [16, 1, 3, 3], attributes) == nil)
    attributes.dilation = [2, 2]
    #expect(Depthwise.gradient(x, dy, [8, 1, 2, 2], attributes) == nil)
    attributes.dilation = [1, 1]
    #expect(
      Depthwise.gradient(x.converted(to: .bfloat16), dy, [8, 1, 3, 3], attributes) == nil)
  }
}
