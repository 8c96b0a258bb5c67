import CKernels
import SakerTensor

/// One long vector in place of many parameters, for methods that see all of them as one point. Sums
/// are the same for any number of threads.
struct FlatVector {
  let storage: Buffer

  var count: Int { storage.value.count }
  var tensor: Tensor { storage.value }

  init(_ tensor: Tensor) { storage = Buffer(tensor) }

  init(count: Int, writing body: (UnsafeMutablePointer<Float>) -> Void) {
    storage = Buffer(
      Tensor([count], of: Float.self) { elements in
        if let start = elements.baseAddress, count > 0 { body(start) }
      })
  }

  /// All values one after the other.
  init(valuesOf parameters: [Parameter]) {
    self.init(joining: parameters.map { ($0.value.detached(), $0.shape.elements) })
  }

  /// All gradients one after the other; zeros where there is none.
  init(gradientsOf parameters: [Parameter]) {
    self.init(joining: parameters.map { ($0.gradient, $0.shape.elements) })
  }

  private init(joining parts: [(tensor: Tensor?, count: Int)]) {
    self.init(count: parts.reduce(0) { $0 + $1.count }) { start in
      var place = start
      for part in parts {
        if let tensor = part.tensor?.converted(to: .float32) {
          tensor.withElements(of: Float.self) { elements in
            if let source = elements.baseAddress { place.update(from: source, count: part.count) }
          }
        } else {
          place.update(repeating: 0, count: part.count)
        }
        place += part.count
      }
    }
  }

  func scaled(by factor: Float) -> FlatVector {
    read { first in
      FlatVector(count: count) { out in
        FlatVector.blocks(count) {
          saker_scale_f32(first + $0.lowerBound, factor, out + $0.lowerBound, $0.count)
        }
      }
    }
  }

  /// `self + factor · other`
  func adding(_ factor: Float, _ other: FlatVector) -> FlatVector {
    other.read { second in
      read { first in
        FlatVector(count: count) { out in
          FlatVector.blocks(count) {
            saker_sum_scaled_f32(
              out + $0.lowerBound, first + $0.lowerBound, factor, second + $0.lowerBound, $0.count)
          }
        }
      }
    }
  }

  /// `self += factor · other`
  func add(_ factor: Float, _ other: FlatVector) {
    other.read { source in
      storage.update { elements in
        guard let place = elements.baseAddress else { return }
        FlatVector.blocks(elements.count) {
          saker_add_scaled_f32(
            place + $0.lowerBound, factor, source + $0.lowerBound, $0.count)
        }
      }
    }
  }

  func dot(_ other: FlatVector) -> Double {
    other.read { second in
      read { first in
        sum { saker_dot_f32(first + $0.lowerBound, second + $0.lowerBound, $0.count) }
      }
    }
  }

  var sumOfMagnitudes: Double {
    read { first in sum { saker_sum_of_magnitudes_f32(first + $0.lowerBound, $0.count) } }
  }

  var largestMagnitude: Double {
    read { Double(saker_largest_magnitude_f32($0, count)) }
  }

  /// Writes the elements into the parameters, in their order.
  func store(in parameters: [Parameter]) {
    read { source in
      var place = source
      for parameter in parameters {
        parameter.update { values in
          values.baseAddress?.update(from: place, count: values.count)
        }
        place += parameter.shape.elements
      }
    }
  }

  // MARK: Blocks of fixed size

  private func read<R>(_ body: (UnsafePointer<Float>) -> R) -> R {
    // Tensors without elements have memory, too.
    storage.value.withElements(of: Float.self) { body($0.baseAddress!) }
  }

  private static func blocks(_ count: Int, _ body: (Range<Int>) -> Void) {
    Parallel.run(count, grain: 1 << 14, body)
  }

  /// Adds up what `body` gives for blocks, in their order.
  private func sum(_ body: (Range<Int>) -> Double) -> Double {
    let size = UpdatePass.blockSize
    var parts = [Double](repeating: 0, count: (count + size - 1) / size)
    let count = count
    parts.withUnsafeMutableBufferPointer { parts in
      Parallel.run(parts.count) { range in
        for i in range { parts[i] = body(i * size..<min((i + 1) * size, count)) }
      }
    }
    return parts.reduce(0, +)
  }
}
