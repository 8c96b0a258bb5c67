import SakerNN
import SakerTensor

/// A classifier with auxiliary heads: their losses bring gradients to the lower layers. Afterwards
/// nobody asks them. Szegedy et al., arXiv:1409.4842, section 5.
public protocol AuxiliaryClassifier: Classifier {
  /// Names of the heads it was built with, the lowest first: `["aux1", "aux2"]`, or none.
  var auxiliaryHeads: [String] { get }
  /// Names of those it can be built with.
  var namesOfAllAuxiliaryHeads: [String] { get }
  /// How much each of their losses counts beside the last head's, as published.
  var auxiliaryWeight: Float { get }
  /// What training sees: the logits that `forward` gives, and those of the auxiliary heads.
  func outputs(_ images: Tensor) -> AuxiliaryOutputs
}

/// Logits of a classifier and of its auxiliary heads.
public struct AuxiliaryOutputs {
  /// `[N, classes]`
  public let logits: Tensor
  /// `[N, classes]` each, in the order of the heads; empty without any.
  public let auxiliary: [Tensor]
}

extension Classifier {
  /// Names of its auxiliary heads.
  public var namesOfAuxiliaryHeads: [String] {
    (self as? any AuxiliaryClassifier)?.auxiliaryHeads ?? []
  }

  /// Whether a parameter, buffer or module belongs to an auxiliary head, by its name.
  public func isAuxiliary(_ name: String) -> Bool {
    namesOfAuxiliaryHeads.contains { name == $0 || name.hasPrefix($0 + ".") }
  }
}
