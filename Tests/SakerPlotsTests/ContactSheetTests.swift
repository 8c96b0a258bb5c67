import SakerData
import SakerPlots
import Testing

struct ContactSheetTests {
  @Test func everyPictureHasItsPlace() throws {
    let sizes = [(64, 48), (30, 90), (200, 20), (64, 48), (64, 48)]
    let tiles = sizes.enumerated().map { i, size in
      ContactSheet.Tile(plain(size.0, size.1, Palette.color(i)), caption: "picture \(i)")
    }
    var sheet = ContactSheet(tiles, columns: 3)
    sheet.tileWidth = 120
    let picture = try sheet.picture()
    for i in sizes.indices {
      let places = picture.places(of: Palette.color(i))
      #expect(places.count > 500, "picture \(i)")
      // Its center lies in the third and the half of the sheet where it belongs, and its ratio is
      // kept.
      let (xs, ys) = (places.map(\.x), places.map(\.y))
      let (left, right) = (xs.min() ?? 0, xs.max() ?? 0)
      let (top, bottom) = (ys.min() ?? 0, ys.max() ?? 0)
      #expect((left + right) / 2 * 3 / picture.width == i % 3)
      #expect((top + bottom) / 2 * 2 / picture.height == i / 3)
      let ratio = Double(right - left + 1) / Double(bottom - top + 1)
      let expected = Double(sizes[i].0) / Double(sizes[i].1)
      #expect(abs(ratio / expected - 1) < 0.1)
    }
    // Captions take room and leave ink.
    var silent = ContactSheet(tiles.map { ContactSheet.Tile($0.picture) }, columns: 3)
    silent.tileWidth = 120
    #expect(try silent.picture().height < picture.height)
  }

  @Test func noPicturesThrow() {
    #expect(throws: PlotError.self) { try ContactSheet([]).picture() }
  }
}
