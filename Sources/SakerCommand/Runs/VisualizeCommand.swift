import ArgumentParser
import Foundation
import Saker

struct VisualizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "visualize",
    abstract: "Draw the inside of a model: feature maps, kernels, Grad-CAM, receptive fields.",
    discussion: """
      Kinds: features, the channels of a layer's output; filters, the kernels of its convolution; cam, the regions that \
      support a class (Grad-CAM); receptive-field, what the centre of a layer's output sees of the image.
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case features, filters, cam
    case receptiveField = "receptive-field"
  }

  @OptionGroup var common: CommonOptions

  @Argument(help: "features, filters, cam or receptive-field.")
  var kind: Kind
  @Argument(
    help: "A checkpoint or a run's folder, or the name of a classifier ('saker models').")
  var model: String
  @Option(help: "The image (not for filters).")
  var picture: String?
  @Option(help: "Weights for a classifier given by name; random by default.")
  var weights: String?
  @Option(help: "A file with one class name per line, for weights without class names.")
  var names: String?
  @Option(help: "A layer's name, as 'saker info' lists it; an informative one by default.")
  var layer: String?
  @Option(help: "cam: the class, by name or number; the most confident one by default.")
  var target: String?
  @Option(help: "The image file to write (.png, .jpg, .svg).")
  var out: String?
  @Option(help: "Maximum number of channels or kernels.")
  var limit = 64

  func validate() throws {
    guard kind == .filters || picture != nil else {
      throw ValidationError("picture: expected one for \(kind.rawValue)")
    }
    guard (1...4096).contains(limit) else {
      throw ValidationError("limit: expected 1...4096, got \(limit)")
    }
    guard target == nil || kind == .cam else {
      throw ValidationError("target: for cam only")
    }
  }

  private struct Result: Encodable {
    var picture: String
    var layer: String
    var target: String?
  }

  func run() throws {
    common.apply()
    let subject = try VisualizedModel(model, weights: weights, names: names)
    let path = out ?? "\(kind.rawValue).png"
    var result = Result(picture: path, layer: "")
    switch kind {
    case .filters:
      let (name, weight) = try subject.kernels(of: layer)
      result.layer = name
      let shape = weight.shape.sizes.map(String.init).joined(separator: "x")
      try MapPictures.filters(weight, title: "kernels of \(name), \(shape)", limit: limit)
        .write(to: path)
    case .features:
      let (_, input) = try subject.input(picture ?? "")
      let seen = try subject.look(at: input, layer: layer, gradientOf: nil)
      result.layer = seen.layer
      try MapPictures.features(
        seen.output, title: "\(subject.name), \(seen.layer)", limit: limit
      ).write(to: path)
    case .cam:
      let (shown, input) = try subject.input(picture ?? "")
      let label = try subject.label(target)
      let seen = try subject.look(at: input, layer: layer, gradientOf: label)
      result.layer = seen.layer
      result.target = subject.className(seen.label)
      try enlarged(MapPictures.overlaid(shown, seen.classActivation)).write(to: path)
    case .receptiveField:
      let (shown, input) = try subject.input(picture ?? "")
      let seen = try subject.sight(of: layer, input)
      result.layer = seen.layer
      var drawn = enlarged(try MapPictures.overlaid(shown, seen.gradient))
      if let box = seen.box {
        let scale = Float(drawn.width) / Float(shown.width)
        let place = Box(
          left: box.left * scale, top: box.top * scale, right: box.right * scale,
          bottom: box.bottom * scale)
        drawn = try drawn.annotated(
          with: [Detection(box: place, label: 0, score: 1)],
          classNames: ["\(Int(box.width))x\(Int(box.height)) pixels"],
          style: VisualizeCommand.outline)
      }
      try drawn.write(to: path)
    }
    if common.json {
      try printJSON(result)
    } else {
      print("\(path): \(result.layer)" + (result.target.map { ", \($0)" } ?? ""))
    }
  }

  /// Small inputs are shown large enough to see something.
  private func enlarged(_ picture: Picture) -> Picture {
    let factor = max(1, 480 / max(picture.width, picture.height, 1))
    return picture.resized(width: picture.width * factor, height: picture.height * factor)
  }

  private static var outline: AnnotationStyle {
    var style = AnnotationStyle()
    style.showsScores = false
    return style
  }
}
