/// Which scans a progressive JPEG holds. ITU-T T.81, annex G: the first scans bring the lowest
/// frequency of each component, later ones further frequencies and further bits. What is missing at
/// the end costs detail, not a part of the picture.
struct JPEGScans {
  /// Whether every component has its lowest frequency, in scans that don't end early: then the
  /// whole picture is there.
  private(set) var showAll = false
  /// Whether every component has all frequencies with all bits.
  private(set) var areComplete = false

  /// `nil` for JPEGs that aren't progressive.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var (components, at): ([UInt8], Int) = ([], 2)
    // Of each component, for each frequency, how many low bits are still to come; `nil`
    // before its first scan.
    var left: [UInt8: [UInt8?]] = [:]
    var whole: Set<UInt8> = []
    while at + 4 <= bytes.count, bytes[at] == 0xFF {
      let marker = bytes[at + 1]
      if marker == 0xFF || marker == 0x01 || (0xD0...0xD7).contains(marker) {
        at += marker == 0xFF ? 1 : 2
        continue
      }
      if marker == 0xD9 { break }
      let (data, length) = (at + 4, Int(bytes[at + 2]) << 8 | Int(bytes[at + 3]))
      let end = at + 2 + length
      guard length >= 2, end <= bytes.count else { break }
      at = end
      switch marker {
      case 0xC2:
        guard length >= 8, end - data >= 6 + 3 * Int(bytes[data + 5]) else { return nil }
        components = (0..<Int(bytes[data + 5])).map { bytes[data + 6 + 3 * $0] }
        for component in components { left[component] = [UInt8?](repeating: nil, count: 64) }
      case 0xC0, 0xC1, 0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
        return nil
      case 0xDA:
        guard length >= 6, end - data >= 4 + 2 * Int(bytes[data]) else { break }
        let named = (0..<Int(bytes[data])).map { bytes[data + 1 + 2 * $0] }
        let spectrum = data + 1 + 2 * named.count
        let (first, last) = (Int(bytes[spectrum]), min(Int(bytes[spectrum + 1]), 63))
        let isWhole = JPEGScans.skipData(bytes, &at)
        guard isWhole, first <= last else { break }
        for component in named where left[component] != nil {
          for frequency in first...last {
            left[component]![frequency] = bytes[spectrum + 2] & 15
          }
          if first == 0 { whole.insert(component) }
        }
      default: break
      }
    }
    guard !components.isEmpty else { return nil }
    showAll = whole.isSuperset(of: components)
    areComplete = left.values.allSatisfy { $0.allSatisfy { $0 == 0 } }
  }

  /// Goes to the marker behind a scan's data; `false` if the file ends before.
  private static func skipData(_ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Bool {
    while at + 1 < bytes.count {
      // FF 00 is a byte FF of the data, FF D0 to FF D7 are inside them.
      if bytes[at] == 0xFF, bytes[at + 1] != 0, !(0xD0...0xD7).contains(bytes[at + 1]),
        bytes[at + 1] != 0xFF
      {
        return true
      }
      at += 1
    }
    return false
  }
}
