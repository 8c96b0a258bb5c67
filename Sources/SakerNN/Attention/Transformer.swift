import SakerTensor

/// What transformer layers have in common. Names and defaults are PyTorch's.
public struct TransformerOptions: Sendable {
  public enum Activation: Sendable { case relu, gelu }

  /// Width of the two-layer network after the attention.
  public var feedforward: Int
  public var dropout: Float
  public var activation: Activation
  /// Whether normalization stands before attention and network (as in ViT and GPT-2: trains without
  /// a warm-up, Xiong et al., arXiv:2002.04745) or after the sum (as in the paper).
  public var normFirst: Bool
  public var epsilon: Float

  public init(
    feedforward: Int = 2048, dropout: Float = 0.1, activation: Activation = .relu,
    normFirst: Bool = false, epsilon: Float = 1e-5
  ) {
    self.feedforward = feedforward
    self.dropout = dropout
    self.activation = activation
    self.normFirst = normFirst
    self.epsilon = epsilon
  }

  func activate(_ x: Tensor) -> Tensor { activation == .relu ? relu(x) : gelu(x) }
}

/// Self-attention and a two-layer network, each with a shortcut and layer normalization. Vaswani et
/// al., arXiv:1706.03762, section 3.1; names of torch.nn.TransformerEncoderLayer.
public final class TransformerEncoderLayer: Layer {
  public let selfAttn: MultiheadAttention
  public let linear1: Linear
  public let dropout: Dropout
  public let linear2: Linear
  public let norm1, norm2: LayerNorm
  public let dropout1, dropout2: Dropout
  public let options: TransformerOptions

  public init(_ width: Int, heads: Int, _ options: TransformerOptions = .init()) {
    self.options = options
    selfAttn = MultiheadAttention(width, heads: heads, dropout: options.dropout)
    linear1 = Linear(width, options.feedforward)
    dropout = Dropout(options.dropout)
    linear2 = Linear(options.feedforward, width)
    norm1 = LayerNorm(width, epsilon: options.epsilon)
    norm2 = LayerNorm(width, epsilon: options.epsilon)
    dropout1 = Dropout(options.dropout)
    dropout2 = Dropout(options.dropout)
  }

  /// `[N, L, E]`, everything visible.
  public func forward(_ x: Tensor) -> Tensor { encode(x) }

  /// `[N, L, E]`; masks as in `MultiheadAttention.attend`.
  public func encode(
    _ x: Tensor, mask: Tensor? = nil, padding: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    func attend(_ x: Tensor) -> Tensor {
      dropout1(selfAttn.attend(x, mask: mask, keyPadding: padding, causal: causal))
    }
    func network(_ x: Tensor) -> Tensor {
      dropout2(linear2(dropout(options.activate(linear1(x)))))
    }
    if options.normFirst {
      let y = x + attend(norm1(x))
      return y + network(norm2(y))
    }
    let y = norm1(x + attend(x))
    return norm2(y + network(y))
  }
}

/// Self-attention, attention to an encoder's result, and a two-layer network. Vaswani et al.,
/// arXiv:1706.03762, section 3.1; names of torch.nn.TransformerDecoderLayer.
public final class TransformerDecoderLayer: Module {
  public let selfAttn, multiheadAttn: MultiheadAttention
  public let linear1: Linear
  public let dropout: Dropout
  public let linear2: Linear
  public let norm1, norm2, norm3: LayerNorm
  public let dropout1, dropout2, dropout3: Dropout
  public let options: TransformerOptions

  public init(_ width: Int, heads: Int, _ options: TransformerOptions = .init()) {
    self.options = options
    selfAttn = MultiheadAttention(width, heads: heads, dropout: options.dropout)
    multiheadAttn = MultiheadAttention(width, heads: heads, dropout: options.dropout)
    linear1 = Linear(width, options.feedforward)
    dropout = Dropout(options.dropout)
    linear2 = Linear(options.feedforward, width)
    norm1 = LayerNorm(width, epsilon: options.epsilon)
    norm2 = LayerNorm(width, epsilon: options.epsilon)
    norm3 = LayerNorm(width, epsilon: options.epsilon)
    dropout1 = Dropout(options.dropout)
    dropout2 = Dropout(options.dropout)
    dropout3 = Dropout(options.dropout)
  }

  /// `[N, L, E]` over an encoder's `memory`, `[N, S, E]`. A query sees itself and what came before
  /// unless `causal` is false; masks as in `MultiheadAttention.attend`.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: Tensor? = nil, padding: Tensor? = nil,
    memoryMask: Tensor? = nil, memoryPadding: Tensor? = nil, causal: Bool = true
  ) -> Tensor {
    func attend(_ x: Tensor) -> Tensor {
      dropout1(selfAttn.attend(x, mask: mask, keyPadding: padding, causal: causal))
    }
    func look(_ x: Tensor) -> Tensor {
      dropout2(
        multiheadAttn.attend(x, memory, mask: memoryMask, keyPadding: memoryPadding))
    }
    func network(_ x: Tensor) -> Tensor {
      dropout3(linear2(dropout(options.activate(linear1(x)))))
    }
    if options.normFirst {
      let y = x + attend(norm1(x))
      let z = y + look(norm2(y))
      return z + network(norm3(z))
    }
    let y = norm1(x + attend(x))
    let z = norm2(y + look(y))
    return norm3(z + network(z))
  }
}

/// Encoder layers one after the other, and a last normalization if one is wanted, as layers that
/// normalize first need.
public final class TransformerEncoder: Layer {
  public let layers: [TransformerEncoderLayer]
  public let norm: LayerNorm?

  public init(
    _ width: Int, heads: Int, layers: Int, _ options: TransformerOptions = .init(),
    norm: Bool? = nil
  ) {
    self.layers = (0..<layers).map { _ in TransformerEncoderLayer(width, heads: heads, options) }
    self.norm = norm ?? options.normFirst ? LayerNorm(width, epsilon: options.epsilon) : nil
  }

  public func forward(_ x: Tensor) -> Tensor { encode(x) }

  public func encode(
    _ x: Tensor, mask: Tensor? = nil, padding: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    let y = layers.reduce(x) { $1.encode($0, mask: mask, padding: padding, causal: causal) }
    return norm?(y) ?? y
  }
}

/// Decoder layers one after the other, as `TransformerEncoder`.
public final class TransformerDecoder: Module {
  public let layers: [TransformerDecoderLayer]
  public let norm: LayerNorm?

  public init(
    _ width: Int, heads: Int, layers: Int, _ options: TransformerOptions = .init(),
    norm: Bool? = nil
  ) {
    self.layers = (0..<layers).map { _ in TransformerDecoderLayer(width, heads: heads, options) }
    self.norm = norm ?? options.normFirst ? LayerNorm(width, epsilon: options.epsilon) : nil
  }

  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: Tensor? = nil, padding: Tensor? = nil,
    memoryMask: Tensor? = nil, memoryPadding: Tensor? = nil, causal: Bool = true
  ) -> Tensor {
    let y = layers.reduce(x) {
      $1(
        $0, memory: memory, mask: mask, padding: padding, memoryMask: memoryMask,
        memoryPadding: memoryPadding, causal: causal)
    }
    return norm?(y) ?? y
  }
}

/// An encoder reads the source, a decoder writes the target: the whole network between embeddings
/// and logits. Vaswani et al., arXiv:1706.03762, figure 1; names of torch.nn.Transformer, which
/// like this one normalizes at both ends.
public final class Transformer: Module {
  public let encoder: TransformerEncoder
  public let decoder: TransformerDecoder

  /// The paper's base model if nothing is said. Matrices start Xavier uniform, as in PyTorch's.
  public init(
    _ width: Int = 512, heads: Int = 8, encoderLayers: Int = 6, decoderLayers: Int = 6,
    _ options: TransformerOptions = .init()
  ) {
    encoder = TransformerEncoder(width, heads: heads, layers: encoderLayers, options, norm: true)
    decoder = TransformerDecoder(width, heads: heads, layers: decoderLayers, options, norm: true)
    for parameter in parameters where parameter.shape.rank > 1 {
      let shape = parameter.shape
      parameter.value = StartGenerator.current.use {
        Initializer.xavierUniform()(shape, using: &$0)
      }
    }
  }

  /// `[N, S, E]` and `[N, L, E]` to `[N, L, E]`; a place of the target sees itself and what came
  /// before. `padding` and `targetPadding` as in `MultiheadAttention.attend`; the decoder does not
  /// see the source's padding either.
  public func callAsFunction(
    _ source: Tensor, _ target: Tensor, padding: Tensor? = nil, targetPadding: Tensor? = nil
  ) -> Tensor {
    decoder(
      target, memory: encoder.encode(source, padding: padding), padding: targetPadding,
      memoryPadding: padding)
  }
}
