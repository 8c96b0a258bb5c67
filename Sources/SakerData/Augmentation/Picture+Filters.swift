import CKernels
import Foundation

/// What changes each pixel with its neighbours.
extension Picture {
  /// Blurred by a Gaussian of `kernel` x `kernel` pixels; the border is mirrored.
  /// torchvision's `gaussian_blur`.
  ///
  /// - Parameters:
  ///   - kernel: odd. Cut to what the picture's sides allow.
  ///   - sigma: of the Gaussian, in pixels, above 0.
  public func gaussianBlurred(kernel: Int, sigma: Float) -> Picture {
    precondition(
      kernel > 0 && kernel % 2 == 1 && sigma > 0,
      "a kernel is odd and sigma above 0, got \(kernel) and \(sigma)")
    let radius = kernel / 2
    let weights = (-radius...radius).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
    return filtered(weights)
  }

  /// Each pixel becomes the mean of the `kernel` x `kernel` pixels around it; the
  /// border is mirrored.
  ///
  /// - Parameter kernel: odd. Cut to what the picture's sides allow.
  public func boxBlurred(kernel: Int) -> Picture {
    precondition(kernel > 0 && kernel % 2 == 1, "a kernel is odd, got \(kernel)")
    return filtered(Array(repeating: 1, count: kernel))
  }

  /// By the same weights on both axes, which are normalized.
  private func filtered(_ weights: [Float]) -> Picture {
    func fitting(_ side: Int) -> [Float] {
      let drop = max(0, weights.count / 2 - (side - 1))
      let kept = weights.dropFirst(drop).dropLast(drop)
      let sum = kept.reduce(0, +)
      return kept.map { $0 / sum }
    }
    let (wx, wy) = (fitting(width), fitting(height))
    return Picture(width: width, height: height) { result in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * (width + wx.count) + 64) {
        scratch in
        pixels.withUnsafeBufferPointer {
          saker_filter(
            $0.baseAddress, result.baseAddress, Int32(width), Int32(height), 3, wx,
            Int32(wx.count / 2), wy, Int32(wy.count / 2), scratch.baseAddress)
        }
      }
    }
  }

  /// Each level's distance from the smoothed picture times `factor`: 0 smooths, 1 leaves the
  /// picture, 2 sharpens. Border pixels stay, and pictures with a side of less than three pixels.
  /// torchvision's `adjust_sharpness`.
  public func sharpened(by factor: Float) -> Picture {
    precondition(factor >= 0, "a sharpness is 0 or more, got \(factor)")
    guard width > 2, height > 2 else { return self }
    return Picture(width: width, height: height) { result in
      withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 3 * width) { scratch in
        pixels.withUnsafeBufferPointer {
          saker_sharpen_rgb(
            $0.baseAddress, result.baseAddress, Int32(width), Int32(height), factor,
            scratch.baseAddress)
        }
      }
    }
  }

  /// Compressed as JPEG and decompressed again, with what is lost on the way. A picture too large
  /// for JPEG (a side above 65,500) stays.
  ///
  /// - Parameter quality: 1...100.
  public func withJPEGArtifacts(quality: Int) -> Picture {
    precondition((1...100).contains(quality), "JPEG quality is 1...100, got \(quality)")
    guard let bytes = try? encoded(as: .jpeg(quality: quality)),
      let decoded = try? Picture(bytes: bytes)
    else { return self }
    return decoded
  }
}
