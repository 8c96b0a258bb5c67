import Foundation

/// A colour of the sRGB space: parts and opacity 0...1.
public struct Color: Hashable, Codable, Sendable {
  public var red, green, blue, opacity: Double

  public init(red: Double, green: Double, blue: Double, opacity: Double = 1) {
    self.red = red
    self.green = green
    self.blue = blue
    self.opacity = opacity
  }

  /// `0xRRGGBB`
  public init(_ hex: UInt32) {
    func part(_ shift: UInt32) -> Double { Double((hex >> shift) & 255) / 255 }
    self.init(red: part(16), green: part(8), blue: part(0))
  }

  public static let white = Color(0xFFFFFF)
  public static let black = Color(0x000000)

  public func with(opacity: Double) -> Color {
    Color(red: red, green: green, blue: blue, opacity: opacity)
  }

  /// Relative luminance, 0 (black) to 1 (white), opacity aside. WCAG 2.1.
  public var luminance: Double {
    func linear(_ c: Double) -> Double {
      c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// Contrast ratio, 1 (the same) to 21 (black on white). WCAG 2.1; text is readable from 4.5 on.
  public func contrast(with other: Color) -> Double {
    let (a, b) = (luminance, other.luminance)
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)
  }

  /// Black or white, whichever reads better on this colour; one of them always reaches 4.5.
  public var readableText: Color {
    contrast(with: .white) >= contrast(with: .black) ? .white : .black
  }
}

/// The colours of classes and lines.
public enum Palette {
  /// Ten colours that people with normal vision and with either kind of red-green blindness, or
  /// blue blindness, can tell apart: six of Okabe and Ito ("Color Universal Design", 2008), four in
  /// the manner of Tol ("Colour schemes", SRON/EPS/TN/09-002), in an order that keeps the first
  /// ones far apart.
  public static let fixed: [Color] = [
    Color(0x0072B2), Color(0xE69F00), Color(0x009E73), Color(0xD55E00), Color(0x56B4E9),
    Color(0xCC79A7), Color(0x332288), Color(0xB2DF57), Color(0x882255), Color(0x117733),
  ]

  /// The colour of a class, the same in every picture and chart. From the eleventh on, hues at the
  /// golden angle, in turn dark and light: apart from their neighbours, but no more from all
  /// others.
  public static func color(_ index: Int) -> Color {
    if fixed.indices.contains(index) { return fixed[index] }
    let turn = Double(index.magnitude % 10_007) * 0.618_033_988_75
    let hue = (turn - turn.rounded(.down)) * 6
    let value = index.isMultiple(of: 2) ? 0.62 : 0.9
    func part(_ n: Double) -> Double {
      let k = (n + hue).truncatingRemainder(dividingBy: 6)
      return value - value * 0.75 * max(0, min(k, 4 - k, 1))
    }
    return Color(red: part(5), green: part(3), blue: part(1))
  }
}
