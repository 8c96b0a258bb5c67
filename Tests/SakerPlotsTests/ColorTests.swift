import Foundation
import SakerPlots
import Testing

struct ColorTests {
  @Test func contrastOfBlackAndWhite() {
    #expect(abs(Color.black.contrast(with: .white) - 21) < 1e-9)
    #expect(Color(0x777777).contrast(with: Color(0x777777)) == 1)
    // WCAG's own example of the lightest gray that passes on white.
    #expect(abs(Color(0x767676).contrast(with: .white) - 4.54) < 0.01)
  }

  @Test func textOnEveryPlateIsReadable() {
    for index in 0..<1000 {
      let color = Palette.color(index)
      #expect(color.contrast(with: color.readableText) >= 4.5, "class \(index)")
    }
  }

  /// Also for people without red, green or blue cones: distances in CIE Lab of the colours as they
  /// see them.
  @Test(arguments: Vision.allCases)
  func fixedColorsAreApart(vision: Vision) {
    let seen = Palette.fixed.map { vision.lab($0) }
    for i in seen.indices {
      for j in 0..<i {
        let distance = sqrt(zip(seen[i], seen[j]).reduce(0) { $0 + pow($1.0 - $1.1, 2) })
        #expect(distance > 13, "colours \(j) and \(i)")
      }
    }
  }

  @Test func laterColorsDifferFromTheirNeighbours() {
    let colors = (0..<200).map { Palette.color($0) }
    #expect(Set(colors).count == colors.count)
    #expect(zip(colors, colors.dropFirst()).allSatisfy { Vision.all.distance($0, $1) > 20 })
    // An index that makes no sense still has a colour.
    #expect((0...1).contains(Palette.color(-1).red) && (0...1).contains(Palette.color(.max).red))
  }
}

/// Machado et al., "A physiologically-based model for simulation of color vision deficiency", 2009,
/// severity 1.
enum Vision: CaseIterable {
  case all, noRed, noGreen, noBlue

  private var matrix: [[Double]] {
    switch self {
    case .all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    case .noRed:
      [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
      ]
    case .noGreen:
      [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
      ]
    case .noBlue:
      [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
      ]
    }
  }

  func lab(_ color: Color) -> [Double] {
    let linear = [color.red, color.green, color.blue].map {
      $0 <= 0.04045 ? $0 / 12.92 : pow(($0 + 0.055) / 1.055, 2.4)
    }
    let seen = product(matrix, linear).map { min(max($0, 0), 1) }
    let toXYZ = [
      [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
      [0.0193339, 0.1191920, 0.9503041],
    ]
    let white = product(toXYZ, [1, 1, 1])
    let f = zip(product(toXYZ, seen), white).map { value, white in
      let t = value / white
      return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116
    }
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]
  }

  func distance(_ a: Color, _ b: Color) -> Double {
    sqrt(zip(lab(a), lab(b)).reduce(0) { $0 + pow($1.0 - $1.1, 2) })
  }

  private func product(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
    matrix.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } }
  }
}
