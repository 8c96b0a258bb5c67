import Saker
import Testing

@Suite struct MathematicsExamples {
  @Test("FFT") func fourierTransform() {
    // Three waves over 64 samples: one peak, at frequency 3/64.
    let wave = sin(Tensor.arange(64).converted(to: .float32) * (6 * Float.pi / 64))
    let spectrum = rfft(wave).norm(axes: [-1])
    #expect(spectrum.argmax(axis: 0).item == 3 && fftFrequencies(64)[3] == 3 / 64)
    #expect(allClose(irfft(rfft(wave)), wave, absolute: 1e-5))
  }

  @Test("Low- and high-pass filters") func filters() {
    var random = Random(seed: 1)
    let picture = Tensor.uniform([3, 32, 32], using: &random)
    let smooth = lowPass(picture, .gaussian(cutoff: 0.1))
    let edges = highPass(picture, .ideal(cutoff: 0.1))
    #expect(smooth.variance().item < picture.variance().item)
    #expect(Swift.abs(edges.mean().item) < 1e-6)
  }

  @Test("FNet") func fourierMixing() {
    let block = FNetBlock(16, hidden: 32)
    #expect(block(.ones([2, 10, 16])).shape == [2, 10, 16])
  }

  @Test("Cubic splines") func splines() {
    let (x, y) = ([0.0, 1, 2, 3], [0.0, 1, 4, 9])
    #expect(CubicSpline(x, y)(1.5) == 2.25)  // not-a-knot: finds the parabola
    #expect(abs(CubicSpline(x, y, ends: .natural)(0, derivative: 2)) < 1e-12)
  }

  @Test("AIC and BIC") func criteria() {
    let aic = ModelCriterion.aic(logLikelihood: -40, parameters: 3)
    let bic = ModelCriterion.bic(logLikelihood: -40, parameters: 3, samples: 8)
    #expect(aic == 86 && bic > aic)
  }

  @Test("Entropy, divergences, mutual information") func information() {
    let (p, q) = ([0.5, 0.5, 0], [0.25, 0.25, 0.5])
    let cost = Information.crossEntropy(p, q) - Information.entropy(p)
    #expect(Swift.abs(Information.klDivergence(p, q) - cost) < 1e-12)
    #expect(Information.klDivergence(q, p) == .infinity && Information.jsDivergence(q, p) < 1)
    #expect(Information.mutualInformation([[0.25, 0.25], [0.25, 0.25]]) == 0)
  }

  @Test("√n to many digits, Newton's method") func roots() {
    #expect(squareRoot(of: 2, digits: 30) == "1.414213562373095048801688724209")
    #expect(newtonRoot({ $0 * $0 - 9 }, slope: { 2 * $0 }, from: 1) == 3)
  }

  @Test("Second derivatives") func secondDerivatives() {
    let h = hessian(at: [1, 2]) { $0[0] * $0[1] }
    #expect(Swift.abs(h[0][1] - 1) < 1e-6 && h[0][1] == h[1][0])
  }

  @Test("LP pooling") func lpPooling() {
    let x = Tensor([3, 0, 0, 4] as [Float], [1, 1, 2, 2])
    #expect(LPPool2d(p: 2, kernel: 2)(x).item == 5)
  }

  @Test("Position-sensitive RoI pooling") func positionSensitivePooling() {
    let maps = Tensor.ones([1, 2 * 9, 20, 20])  // 2 numbers for each of 3×3 cells
    let boxes = Tensor([0, 2, 3, 14, 12] as [Float], [1, 5])
    #expect(positionSensitiveRoIPool(maps, boxes, size: (3, 3)).shape == [1, 2, 3, 3])
  }

  @Test("Corner pooling module") func cornerModule() {
    let block = CornerPoolingModule(16, corner: .topLeft, width: 8)
    #expect(block(.ones([2, 16, 8, 8])).shape == [2, 16, 8, 8])
  }

  @Test("Virtual batch size") func virtualBatchSize() {
    let norm = BatchNorm(3, virtualBatchSize: 2)
    var random = Random(seed: 1)
    let x = Tensor.normal([4, 3, 5, 5], using: &random)
    let first = norm(x)[0..<2]
    #expect(allClose(first.mean(axes: [0, 2, 3]), .zeros([3]), absolute: 1e-5))
  }

  @Test("Fourier transforms there and back, in one and two dimensions") func transforms() {
    let ones = complex(Tensor.ones([4]))
    #expect(allClose(fft(ones).select(axis: -1, at: 0), Tensor([4, 0, 0, 0] as [Float])))
    #expect(allClose(ifft(fft(ones)), ones, absolute: 1e-6))
    let picture = complex(Tensor([1, 2, 3, 5] as [Float], [2, 2]))
    let spectrum = fft2(picture)
    #expect(spectrum[0, 0, 0].item == 11)  // the sum
    #expect(allClose(ifft2(spectrum), picture, absolute: 1e-6))
  }

  @Test("What a frequency filter lets pass") func filterGains() {
    let filter = FrequencyFilter.ideal(cutoff: 0.2)
    #expect(filter.gain(0.2) == 1 && filter.gain(0.21) == 0)
    #expect(FrequencyFilter.gaussian(cutoff: 0.2).gain(0) == 1)
  }
}
