import SakerData
import Testing

@Test func vocCornersCoverWholePixels() {
  let pixel = Box(vocLeft: 1, top: 1, right: 1, bottom: 1)
  #expect(pixel == Box(left: 0, top: 0, right: 1, bottom: 1) && pixel.area == 1)
}

@Test func clippingNeverInverts() {
  let box = Box(left: -5, top: 2, right: 7, bottom: 20)
  #expect(box.clipped(width: 6, height: 10) == Box(left: 0, top: 2, right: 6, bottom: 10))
  let outside = Box(left: 8, top: 2, right: 12, bottom: 4).clipped(width: 6, height: 10)
  #expect(outside == Box(left: 6, top: 2, right: 6, bottom: 4) && outside.area == 0)
}

@Test func boxesScaleAndMove() {
  let box = Box(left: 1, top: 2, right: 3, bottom: 6)
  #expect(box.scaled(x: 2, y: 0.5) == Box(left: 2, top: 1, right: 6, bottom: 3))
  #expect(box.moved(x: -1, y: 4) == Box(left: 0, top: 6, right: 2, bottom: 10))
}
