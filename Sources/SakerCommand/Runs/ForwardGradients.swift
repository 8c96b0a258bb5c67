import ArgumentParser
import Saker

/// `saker forward --gradients`: what one training step of a classifier computes before the
/// optimizer, for comparing with other frameworks.
struct ForwardGradients: ParsableArguments {
  @Option(
    name: .customLong("gradients"),
    help:
      "Classifiers: run as in training (batch statistics) and write the gradients of the mean cross-entropy to this safetensors file, by the parameters' names. The input file needs the tensor 'target', class numbers [N]; the output then has 'loss', too."
  )
  var file: String?
  @Option(help: "With --gradients: label smoothing.")
  var labelSmoothing: Float?

  func validate() throws {
    if let labelSmoothing {
      guard file != nil else {
        throw ValidationError("label smoothing: only with --gradients")
      }
      guard (0..<1).contains(labelSmoothing) else {
        throw ValidationError("label smoothing: expected 0..<1, got \(labelSmoothing)")
      }
    }
  }

  /// The network's outputs: `logits`, and with gradients `loss`.
  ///
  /// - Parameters:
  ///   - images: as the network takes them.
  ///   - input: the file that they come from.
  func outputs(
    of network: any Classifier, _ images: Tensor, classes: Int, input: String
  ) throws -> [NamedTensor] {
    guard let file else {
      return [NamedTensor("logits", network.evaluating { network(images) })]
    }
    let labels = try target(input, count: images.shape[0], classes: classes)
    network.train()
    // Whatever layers draw is the same each time.
    let logits = withSeed(0) { network(images) }
    let loss = crossEntropy(logits, labels, smoothing: labelSmoothing ?? 0)
    loss.backward()
    let gradients = network.namedParameters.compactMap { named in
      named.parameter.gradient.map {
        NamedTensor(named.name, $0.converted(to: .float32).contiguous())
      }
    }
    try Safetensors(gradients).write(to: file)
    return [NamedTensor("logits", logits.detached()), NamedTensor("loss", loss.detached())]
  }

  /// Class numbers, int32 `[N]`.
  private func target(_ input: String, count: Int, classes: Int) throws -> Tensor {
    guard Picture.Encoding(path: input) == nil else {
      throw ValidationError(
        "gradients: expected an input with the tensors 'input' and 'target' (.safetensors), got \(input)"
      )
    }
    guard let target = try Safetensors(contentsOf: input)["target"] else {
      throw CheckpointError(file: input, "has no tensor 'target'")
    }
    guard !target.dtype.isFloating, target.shape == [count] else {
      throw CheckpointError(
        file: input, "cannot be an input",
        ["target: expected class numbers, int32 [\(count)], got \(target.dtype) \(target.shape)"])
    }
    let labels = target.converted(to: .int32)
    let wrong = labels.scalars(as: Int32.self).first { !(0..<Int32(classes)).contains($0) }
    if let wrong {
      throw CheckpointError(
        file: input, "cannot be an input",
        ["target: expected numbers of 0...\(classes - 1), got \(wrong)"])
    }
    return labels
  }
}
