import SakerNN
import SakerTensor

/// The order in which a `.weights` file has a network's numbers: convolution by convolution as they
/// compute, of each its batch norm's shifts, scales, means and variances, or its biases, then its
/// kernels `[out, in, height, width]`.
struct DarknetLayout {
  /// One convolution of Darknet's.
  private struct Slot {
    var conv: String
    /// Its batch norm; `nil` for one with biases.
    var norm: String?
    /// The half of our convolution's outputs that it computes, where Darknet has two.
    var half: Int?
    /// Whether what it joins lies the other way around.
    var swapsInputs = false
  }

  private let slots: [Slot]
  /// The last convolution, or linear layer, which tells the classes apart.
  private let head: String
  private let shapes: [String: Shape]

  /// - Throws: `CheckpointError` if Darknet has no such network.
  init(_ model: any Classifier, file: String) throws {
    func normalized(_ name: String) -> Slot { Slot(conv: name + ".conv", norm: name + ".bn") }
    func blocks(_ stage: Int, _ count: Int) -> [Slot] {
      (0..<count).flatMap { block in
        ["conv1", "conv2"].map { normalized("stages.\(stage).blocks.\(block).\($0)") }
      }
    }
    switch model {
    case let model as Darknet19:
      slots = model.stages.enumerated().flatMap { stage, layers in
        layers.layers.indices.map { normalized("stages.\(stage).\($0)") }
      }
    case let model as Darknet53:
      slots =
        [normalized("stem.conv1")]
        + model.depths.enumerated().flatMap { stage, depth in
          [normalized("stages.\(stage).conv_down")] + blocks(stage, depth)
        }
    case let model as CSPNet where model.kind == .darknet:
      slots =
        [normalized("stem.conv1")]
        + model.depths.enumerated().flatMap { stage, depth in
          let name = "stages.\(stage)"
          var halves = [normalized(name + ".conv_exp"), normalized(name + ".conv_exp")]
          // The half that passes by the blocks is computed first, and joined last.
          (halves[0].half, halves[1].half) = (0, 1)
          var join = normalized(name + ".conv_transition")
          join.swapsInputs = true
          return [normalized(name + ".conv_down")] + halves + blocks(stage, depth)
            + [normalized(name + ".conv_transition_b"), join]
        }
    default:
      throw CheckpointError(
        file: file, "is a Darknet file",
        ["expected a model that Darknet has: darknet19, darknet53 or cspdarknet53"])
    }
    head = model.head[0]
    shapes = Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor.shape) })
  }

  /// The parts of one convolution in the file's order.
  private func parts(_ slot: Slot) -> [String] {
    let statistics = ["bias", "weight", "running_mean", "running_var"]
    return (slot.norm.map { norm in statistics.map { "\(norm).\($0)" } } ?? [slot.conv + ".bias"])
      + [slot.conv + ".weight"]
  }

  /// The shape of a part, of the half that the slot computes.
  private func shape(_ name: String, _ slot: Slot) -> Shape {
    let whole = shapes[name] ?? []
    guard slot.half != nil else { return whole }
    return Shape([whole[0] / 2] + whole.dropFirst())
  }

  private func count(_ slots: [Slot]) -> Int {
    slots.reduce(0) { sum, slot in
      sum + parts(slot).reduce(0) { $0 + shape($1, slot).elements }
    }
  }

  /// A file's numbers under our names.
  ///
  /// - Parameter headIsOptional: whether the file may end before the head, or go on otherwise, as
  ///   a detector's does.
  /// - Throws: `CheckpointError` with how many numbers were expected and got.
  func state(_ values: Tensor, headIsOptional: Bool, file: String) throws -> [NamedTensor] {
    let all = slots + [Slot(conv: head)]
    let (backbone, whole) = (count(slots), count(all))
    let isWhole = values.count == whole
    guard isWhole || headIsOptional && values.count >= backbone else {
      let what = values.count < whole ? "truncated, or another network's" : "another network's"
      throw CheckpointError(
        file: file, "does not fit the model",
        [
          "expected \(whole) numbers (\(backbone) without the head), got \(values.count): \(what)"
        ])
    }
    var place = 0
    var found: [String: [Tensor]] = [:]
    for slot in isWhole ? all : slots {
      for name in parts(slot) {
        let shape = shape(name, slot)
        let part = values.narrow(0, place..<place + shape.elements).reshape(shape)
        place += shape.elements
        let isJoined = slot.swapsInputs && name.hasSuffix("conv.weight")
        found[name, default: []].append(isJoined ? DarknetLayout.swapped(part) : part)
      }
    }
    return found.map { name, parts in
      NamedTensor(name, parts.count > 1 ? concatenate(parts, axis: 0) : parts[0])
    }
  }

  /// A model's numbers in the file's order.
  func values(_ state: [NamedTensor]) -> Tensor {
    let tensors = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) })
    let all = (slots + [Slot(conv: head)]).flatMap { slot in
      parts(slot).compactMap { name -> Tensor? in
        guard var part = tensors[name] else { return nil }
        if let half = slot.half {
          let length = part.shape[0] / 2
          part = part.narrow(0, half * length..<(half + 1) * length)
        }
        if slot.swapsInputs && name.hasSuffix("conv.weight") { part = DarknetLayout.swapped(part) }
        return part.contiguous().flatten()
      }
    }
    return concatenate(all, axis: 0)
  }

  /// With the halves of the inputs exchanged.
  private static func swapped(_ weight: Tensor) -> Tensor {
    let half = weight.shape[1] / 2
    return concatenate(
      [weight.narrow(1, half..<2 * half), weight.narrow(1, 0..<half)], axis: 1)
  }
}
