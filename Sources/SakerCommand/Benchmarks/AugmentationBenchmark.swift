import Foundation
import Saker

/// How fast augmentation is, for Benchmarks/peers/augmentation.py, which asks in turns
/// with torchvision.
enum AugmentationBenchmark {
  private static let source: Picture = {
    // Smooth areas and edges, as in photos: levels that are pure noise would favour nobody,
    // but compress badly.
    var random = Random(seed: 1)
    var small = Picture(width: 80, height: 60)
    for i in small.pixels.indices { small.pixels[i] = UInt8(truncatingIfNeeded: random.next()) }
    return small.resized(width: 640, height: 480)
  }()

  /// Each makes a new picture of an old one.
  private static let operations: [String: @Sendable (Picture) -> Picture] = {
    func changed(
      _ change: @escaping @Sendable (inout Picture) -> Void
    ) -> @Sendable (Picture) -> Picture {
      { picture in
        var copy = picture
        change(&copy)
        return copy
      }
    }
    let size = PictureSize(width: 640, height: 480)
    let middle = PicturePoint(x: 320, y: 240)
    let turn = PlaneMap.affine(degrees: -10, around: middle)
    let affine = PlaneMap.affine(
      degrees: 12, x: 20, y: -10, scale: 1.2, shearX: 5, around: middle)
    let corners = [(0, 0), (640, 0), (640, 480), (0, 480)].map { (x: Float, y: Float) in
      PicturePoint(x: x, y: y)
    }
    let moved = [(10, 20), (600, 5), (620, 470), (15, 460)].map { (x: Float, y: Float) in
      PicturePoint(x: x, y: y)
    }
    let tilt = PlaneMap(from: corners, to: moved) ?? .identity
    return [
      "horizontal_flip": { $0.flippedHorizontally() },
      "vertical_flip": { $0.flippedVertically() },
      "rotate_90": { $0.oriented(.leftTurn) },
      "rotate_nearest": { $0.warped(by: turn, to: size, interpolation: .nearest) },
      "rotate_bilinear": { $0.warped(by: turn, to: size) },
      "affine_bilinear": { $0.warped(by: affine, to: size) },
      "perspective_bilinear": { $0.warped(by: tilt, to: size) },
      "crop": { $0.cropped(x: 60, y: 50, width: 400, height: 300) },
      "resized_crop": {
        var sample = Sample(picture: $0)
        sample.cutAndResize(
          x: 60, y: 50, width: 400, height: 300, to: PictureSize(width: 224, height: 224))
        return sample.picture
      },
      "resize_down": { $0.resized(width: 320, height: 320) },
      "resize_up": { $0.resized(width: 853, height: 640) },
      "pad": {
        var sample = Sample(picture: $0)
        sample.show(x: -20, y: -30, width: 700, height: 560, fill: .letterboxGray)
        return sample.picture
      },
      "brightness": changed { $0.adjustBrightness(by: 1.3) },
      "contrast": changed { $0.adjustContrast(by: 1.3) },
      "saturation": changed { $0.adjustSaturation(by: 1.3) },
      "hue": changed { $0.turnHue(by: 0.1) },
      "gamma": changed { $0.adjustGamma(1.3) },
      "grayscale": changed { $0.removeColor() },
      "sharpness": { $0.sharpened(by: 1.5) },
      "gaussian_blur_5": { $0.gaussianBlurred(kernel: 5, sigma: 1.5) },
      "gaussian_blur_13": { $0.gaussianBlurred(kernel: 13, sigma: 3) },
      "gaussian_noise": changed { $0.addNoise(deviation: 0.1, seed: 7) },
      "jpeg": { $0.withJPEGArtifacts(quality: 50) },
      "invert": { $0.inverted() },
      "posterize": { $0.posterized(bits: 4) },
      "solarize": changed { $0.solarize(threshold: 100) },
      "autocontrast": changed { $0.autocontrast() },
      "equalize": changed { $0.equalize() },
      "erase": changed { $0.erase(x: 100, y: 100, width: 100, height: 100) },
      "mixup": { picture in
        var copy = picture
        copy.mix(with: source, share: 0.3)
        return copy
      },
    ]
  }()

  /// Answers lines `OPERATION SECONDS` with the median of its times in milliseconds,
  /// until input ends.
  static func serve() throws {
    let picture = source
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 2, let seconds = Double(words[1]), let operation = operations[words[0]]
      else {
        print("unknown")
        continue
      }
      var times: [Double] = []
      let end = DispatchTime.now().uptimeNanoseconds + UInt64(seconds * 1e9)
      _ = operation(picture)
      while times.count < 5 || DispatchTime.now().uptimeNanoseconds < end {
        let start = DispatchTime.now().uptimeNanoseconds
        _ = operation(picture)
        times.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
      }
      times.sort()
      print(times[times.count / 2])
    }
  }

  /// JPEG files of a folder to batches with mosaic, affine map, HSV gains and flip, and prints
  /// pictures a second.
  static func load(_ folder: String, workers: Int, size: Int, seconds: Double) throws {
    let files = try PictureFiles([folder]).files
    let items = try files.map { file in
      DetectionDataset.Item(
        name: file, picture: file, size: try Picture.size(ofFile: file),
        annotations: (0..<12).map { i in
          let x = Float(40 * i)
          return Annotation(
            box: Box(left: x, top: 100, right: x + 60, bottom: 180), label: i % 3)
        })
    }
    // Over and over, so that an epoch outlasts the measurement.
    let repeats = max(1, 20_000 / max(1, items.count))
    let dataset = DetectionDataset(
      classes: ["a", "b", "c"], items: (0..<repeats).flatMap { _ in items })
    var options = Loader.Options()
    options.batchSize = 16
    options.workers = workers
    options.shuffle = true
    options.cacheBytes = 0
    options.prefetch = 4
    let loader = Loader(
      dataset, preprocessing: Preprocessing(height: size, width: size),
      transforms: AugmentationRecipe().transforms(size: size), options: options)
    let epoch = loader.epoch(0)
    for _ in 0..<6 { _ = try epoch.next() }
    let start = Date()
    var count = 0
    while Date().timeIntervalSince(start) < seconds, let batch = try epoch.next() {
      count += batch.count
    }
    let rate = Double(count) / Date().timeIntervalSince(start)
    print("{\"images_per_second\": \(rate), \"workers\": \(workers)}")
  }
}
