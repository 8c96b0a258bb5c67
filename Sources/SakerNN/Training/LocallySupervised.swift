import SakerTensor

/// A network that learns module by module: no gradient flows from one module into the one before,
/// so that only one module's results have to be kept at a time. Each module but the last learns
/// from an auxiliary head of its own, by InfoPro's loss; the last one from the network's. Wang et
/// al., arXiv:2101.10832. Greedy training is `InfoProLoss(reconstruction: 0, label: 1)`.
public final class LocallySupervised: Layer {
  /// One after the other.
  public let modules: [any Layer]
  /// Heads of all modules but the last.
  public let heads: [LocalHead]
  /// From the last module's maps to logits `[N, classes]`.
  public let classifier: any Layer
  /// The first module's and the last but one's; those between in proportion, as the paper does.
  public let losses: (first: InfoProLoss, last: InfoProLoss)

  /// - Parameter heads: one less than `modules`.
  public init(
    _ modules: [any Layer], heads: [LocalHead], classifier: any Layer,
    losses: (first: InfoProLoss, last: InfoProLoss)
  ) {
    check(
      !modules.isEmpty && heads.count == modules.count - 1, op: "LocallySupervised",
      expected: "a head for each module but the last", got: "\(modules.count) and \(heads.count)")
    self.modules = modules
    self.heads = heads
    self.classifier = classifier
    self.losses = losses
  }

  public var members: [(name: String, value: Any)] {
    [("modules", modules), ("heads", heads), ("classifier", classifier)]
  }

  /// Logits `[N, classes]`.
  public func forward(_ x: Tensor) -> Tensor {
    classifier(modules.reduce(x) { $1($0) })
  }

  /// InfoPro's loss of module `index`.
  public func loss(of index: Int) -> InfoProLoss {
    let share = heads.count > 1 ? Float(index) / Float(heads.count - 1) : 0
    func between(_ a: Float, _ b: Float) -> Float { a + (b - a) * share }
    return InfoProLoss(
      reconstruction: between(losses.first.reconstruction, losses.last.reconstruction),
      label: between(losses.first.label, losses.last.label))
  }

  /// One training step's gradients, added to the parameters'. Each module's tape is walked and
  /// forgotten before the next begins.
  ///
  /// - Parameters:
  ///   - images: `[N, C, H, W]` as the first module takes them.
  ///   - pictures: the same in 0...1, `[N, 3, H, W]` or `[N, 1, H, W]`: what
  ///     reconstruction aims at.
  ///   - labels: int32 or int64 `[N]`.
  /// - Returns: the loss of each module, the network's last.
  @discardableResult
  public func backward(_ images: Tensor, pictures: Tensor, labels: Tensor) -> [Float] {
    backward(images, pictures: pictures) { crossEntropy($0, labels) }
  }

  /// The same with any loss of logits `[N, classes]`.
  ///
  /// - Parameter together: what losses are divided by before gradients are taken: as many batches
  ///   as add up to a step.
  @discardableResult
  public func backward(
    _ images: Tensor, pictures: Tensor, together: Int = 1, labelLoss: (Tensor) -> Tensor
  ) -> [Float] {
    var x = images.detached()
    var values: [Float] = []
    for (index, module) in modules.enumerated() {
      let h = module(x)
      let local =
        index < heads.count
        ? heads[index].loss(h, pictures: pictures, loss(of: index), labelLoss)
        : labelLoss(classifier(h))
      (together == 1 ? local : local / Float(together)).backward()
      values.append(local.item)
      x = h.detached()
    }
    return values
  }
}

/// The local head of a module: a decoder that reconstructs the image, and a classifier. Both as
/// small as in section 4 of the paper.
public final class LocalHead: Layer {
  /// From the maps, resized, to the picture's logits.
  let decoder: Sequential
  /// From the maps to logits.
  let classifier: Sequential

  /// - Parameters:
  ///   - channels: of the module's maps.
  ///   - pictureChannels: of the pictures, 3 or 1.
  public init(channels: Int, classes: Int, pictureChannels: Int = 3, width: Int = 12) {
    decoder = Sequential(
      Conv2d(channels, width, kernel: 3, padding: 1, bias: false), BatchNorm2d(width), ReLU(),
      Conv2d(width, pictureChannels, kernel: 3, padding: 1))
    classifier = Sequential(
      Conv2d(channels, 2 * channels, kernel: 3, stride: 2, padding: 1, bias: false),
      BatchNorm2d(2 * channels), ReLU(), AdaptiveAvgPool2d(1), Flatten(),
      Linear(2 * channels, classes))
  }

  /// Logits `[N, classes]` of a module's maps.
  public func forward(_ x: Tensor) -> Tensor { classifier(x) }

  func loss(
    _ h: Tensor, pictures: Tensor, _ loss: InfoProLoss, _ error: (Tensor) -> Tensor
  ) -> Tensor {
    let labelLoss = error(classifier(h))
    guard loss.reconstruction > 0 else { return labelLoss * loss.label }
    let size = [pictures.shape[2], pictures.shape[3]]
    let resized = interpolate(h, size: size, mode: .linear)
    return loss(decoded: decoder(resized), picture: pictures, labelLoss: labelLoss)
  }
}
