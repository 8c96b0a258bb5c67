import Foundation
import SakerTensor
import TestSupport
import Testing

@Suite struct FourierTransformTests {
  /// PyTorch's transforms in double precision: lengths of the factors 2, 3, 4, 5, and those
  /// that have others.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 30, 64, 97, 100, 120, 127])
  func anyLengthIsPyTorchs(_ n: Int) throws {
    let golden = try GoldenFile("golden/fourier.safetensors")
    let x = golden["fft.\(n)/x"]
    expectClose(fft(x), golden["fft.\(n)/y"], "fft")
    expectClose(ifft(x), golden["fft.\(n)/inverse"], "ifft")
    let real = x.select(axis: -1, at: 0)
    expectClose(rfft(real), golden["fft.\(n)/real"], "rfft")
    expectClose(irfft(rfft(real), count: n), real, "irfft of rfft")
  }

  @Test func twoAxesAndOthersThanTheLastArePyTorchs() throws {
    let golden = try GoldenFile("golden/fourier.safetensors")
    let x = golden["fft2/x"]
    expectClose(fft2(x), golden["fft2/y"])
    expectClose(fft(x, axis: 1), golden["fft2/first"])
    expectClose(fft(x, axis: -2), golden["fft2/first"])
    expectClose(ifft2(fft2(x)), x)
    // Any strides: the transform along one axis of what lies the other way round.
    expectClose(fft(x.transposed(1, 2), axis: 2), golden["fft2/first"].transposed(1, 2))
  }

  /// The results' gradients are those that PyTorch gives, complex gradients as pairs.
  @Test func gradientsArePyTorchs() throws {
    let golden = try GoldenFile("golden/fourier.safetensors")
    func check(_ name: String, _ function: (Tensor) -> Tensor) {
      let x = Parameter(golden["gradient.\(name)/x"])
      let y = function(x.value)
      expectClose(y, golden["gradient.\(name)/y"], name)
      y.backward(golden["gradient.\(name)/gy"])
      guard let gradient = x.gradient else {
        Issue.record("\(name): no gradient")
        return
      }
      expectClose(gradient, golden["gradient.\(name)/gx"], "gradient of \(name)")
    }
    check("fft") { fft($0) }
    check("ifft") { ifft($0) }
    check("fft2") { fft2($0) }
    check("rfft") { rfft($0) }
    check("irfft.even") { irfft($0, count: 10) }
    check("irfft.odd") { irfft($0, count: 11) }
    check("lowpass") { lowPass($0, .gaussian(cutoff: 0.2)) }
    check("mixing") { fft2(complex($0)).select(axis: -1, at: 0) }
  }

  @Test func filtersArePyTorchs() throws {
    let golden = try GoldenFile("golden/fourier.safetensors")
    for (name, filter) in [
      ("ideal", FrequencyFilter.ideal(cutoff: 0.23)), ("gaussian", .gaussian(cutoff: 0.23)),
    ] {
      let (x, y) = (golden["filter.\(name)/x"], golden["filter.\(name)/y"])
      expectClose(lowPass(x, filter), y, name)
      expectClose(highPass(x, filter), x - y, name)
    }
  }

  // MARK: - Laws

  @Test(arguments: [9, 13, 60, 1009, 4096]) func parseval(_ n: Int) {
    let x = random([2, n, 2], seed: 5)
    let (before, after) = (square(x).sum().item, square(fft(x)).sum().item)
    #expect(Swift.abs(after / Float(n) - before) < 1e-4 * before)
    expectClose(ifft(fft(x)), x, relative: 1e-6)
  }

  /// A product of transforms is the transform of the circular convolution.
  @Test func convolutionBecomesAProduct() {
    let n = 14
    let (a, b) = (random([n], seed: 1), random([n], seed: 2))
    let (p, q) = (fft(complex(a)), fft(complex(b)))
    func part(_ z: Tensor, _ i: Int) -> Tensor { z.select(axis: -1, at: i) }
    let real = part(p, 0) * part(q, 0) - part(p, 1) * part(q, 1)
    let imaginary = part(p, 0) * part(q, 1) + part(p, 1) * part(q, 0)
    let (x, y) = (a.floats, b.floats)
    let direct = (0..<n).map { k in
      (0..<n).reduce(Float(0)) { $0 + x[$1] * y[(k - $1 + n) % n] }
    }
    expectClose(ifft(complex(real, imaginary)).select(axis: -1, at: 0), direct)
  }

  /// 1, 2, 3, 4: the sum, and by hand −2 ± 2i and −2.
  @Test func fourNumbersByHand() {
    let y = fft(complex(Tensor([1, 2, 3, 4] as [Float])))
    #expect(y.floats == [10, 0, -2, 2, -2, 0, -2, -2])
    #expect(fftFrequencies(4) == [0, 0.25, -0.5, -0.25])
    #expect(fftFrequencies(5) == [0, 0.2, 0.4, -0.4, -0.2])
  }

  /// The finest stripes go, a flat picture stays; what both filters give adds up.
  @Test func filtersByHand() {
    let stripes = Tensor((0..<64).map { Float($0 % 2) }, [8, 8])
    expectClose(lowPass(stripes, .ideal(cutoff: 0.4)), Tensor.full([8, 8], 0.5), absolute: 1e-6)
    expectClose(highPass(stripes, .ideal(cutoff: 0.4)), stripes - 0.5, absolute: 1e-6)
    let flat = Tensor.full([2, 3, 5, 7], 3)
    expectClose(lowPass(flat, .gaussian(cutoff: 0.01)), flat)
  }

  // MARK: - Extreme input

  @Test func emptyHalvesAndInfinities() {
    #expect(fft(.zeros([0, 8, 2])).shape == [0, 8, 2])
    #expect(rfft(.zeros([0, 8])).shape == [0, 5, 2])
    let half = random([3, 8, 2], seed: 3).converted(to: .bfloat16)
    #expect(fft(half).dtype == .float32)
    #expect(lowPass(half, .gaussian(cutoff: 0.2)).dtype == .bfloat16)
    let infinite = fft(complex(Tensor([1, .infinity, 0, 0] as [Float])))
    #expect(infinite.floats.allSatisfy { !$0.isFinite || $0 == 0 })
    // Lines are transformed in eights, but do not touch: a bad one spoils only itself.
    let lines = stack([Tensor.full([7, 2], .nan), .ones([7, 2])], axis: 0)
    #expect(fft(lines)[1].floats.allSatisfy { $0.isFinite })
  }

  @Test func wrongShapesStop() async {
    expectStopped(
      saying: "fft: expected floating [..., 2]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = fft(.zeros([4, 3]))
      })
    expectStopped(
      saying: "irfft: expected",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = irfft(.zeros([4, 2]), count: 5)
      })
    expectStopped(
      saying: "lowPass: expected",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = lowPass(.zeros([4, 4]), .ideal(cutoff: 0))
      })
    expectStopped(
      saying: "fft: expected an axis that is not empty",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = fft(.zeros([4, 0, 2]))
      })
  }
}
