import CKernels
import SakerTensor

extension Initializer {
  /// A matrix whose rows, or columns if there are more rows, are orthonormal, times `gain`; a
  /// weight `[out, in, kernel...]` is the matrix `[out, in · kernel...]`. Every such matrix is as
  /// likely as any other. Saxe et al., arXiv:1312.6120.
  ///
  /// The Q of the decomposition Q R of a matrix of normal numbers. It is made by Gram and Schmidt's
  /// method, whose R has a positive diagonal: without that, signs would depend on the method, and Q
  /// would not be uniform (Mezzadri, arXiv:math-ph/0609050).
  public static func orthogonal(gain: Float = 1) -> Initializer {
    Initializer { shape, random in
      check(
        shape.rank >= 2 && shape.elements > 0, op: "Initializer.orthogonal",
        expected: "a weight [out, in, ...]", got: shape)
      let (rows, columns) = (shape[0], shape.elements / shape[0])
      let (vectors, length) = (min(rows, columns), max(rows, columns))
      let q = orthonormal(vectors, length, using: &random)
      return Tensor(shape, of: Float.self) { elements in
        for vector in 0..<vectors {
          for i in 0..<length {
            let place = rows <= columns ? vector * columns + i : i * columns + vector
            elements[place] = gain * Float(q[vector * length + i])
          }
        }
      }
    }
  }

  /// `count` orthonormal vectors of `length` numbers, one after the other.
  private static func orthonormal(
    _ count: Int, _ length: Int, using random: inout Random
  ) -> [Double] {
    var vectors: [Double] = []
    vectors.reserveCapacity(count * length + 1)
    while vectors.count < count * length {
      let (a, b) = normalPair(&random)
      vectors += [Double(a), Double(b)]
    }
    vectors.withUnsafeMutableBufferPointer { elements in
      guard let start = elements.baseAddress else { return }
      // Once leaves of nearly parallel vectors little but rounding; twice is enough
      // (Giraud et al. 2005).
      for _ in 0..<2 { orthogonalize(start, count, length) }
    }
    return vectors
  }

  /// Gram and Schmidt's method as modified for computers: every vector takes its direction out
  /// of all later ones.
  private static func orthogonalize(
    _ vectors: UnsafeMutablePointer<Double>, _ count: Int, _ length: Int
  ) {
    for k in 0..<count {
      let vector = vectors + k * length
      let norm = saker_dot_f64(vector, vector, length).squareRoot()
      for i in 0..<length { vector[i] /= norm }
      let later = count - k - 1
      Parallel.run(later, grain: max(1, (1 << 14) / length)) { part in
        for j in part {
          let other = vectors + (k + 1 + j) * length
          saker_add_scaled_f64(other, -saker_dot_f64(vector, other, length), vector, length)
        }
      }
    }
  }
}
