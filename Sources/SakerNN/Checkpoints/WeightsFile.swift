import SakerTensor

/// A file of tensors of any kind that can be read: safetensors, or what PyTorch, NumPy
/// or Darknet saves.
public struct WeightsFile: Sendable {
  public enum Format: String, Codable, Sendable {
    case safetensors
    /// PyTorch's, in either of its forms.
    case torch
    /// `.npy` or `.npz`.
    case numpy
    /// The numbers one after the other, without names; only a model tells which are whose. They are
    /// one tensor, `darknet`.
    case darknet

    /// Whose files these are.
    var program: String {
      switch self {
      case .safetensors: "safetensors"
      case .torch: "PyTorch"
      case .numpy: "NumPy"
      case .darknet: "Darknet"
      }
    }
  }

  public let path: String
  public let format: Format
  /// As the file names them.
  public let tensors: [NamedTensor]
  /// Texts that go with them.
  public let metadata: [String: String]

  /// Reads a whole file. The format is recognized by content, not by name.
  /// - Throws: `CheckpointError` with everything that is wrong with the file.
  public init(contentsOf path: String) throws {
    self.path = path
    let file = try InputFile(path)
    let start = try file.read(min(9, file.size), at: 0) { Array($0) }
    switch WeightsFile.otherFormat(start) {
    case .torch:
      // NumPy's archives are ZIP files too: what they hold tells.
      if start.starts(with: [0x50, 0x4B]) {
        let directory = try ZipDirectory(file, path: path)
        if let foreign = ForeignFile(zip: directory.entries.map(\.name)) {
          throw foreign.error(path)
        }
        if directory.entries.contains(where: { $0.name.hasSuffix(".npy") }) {
          (format, metadata) = (.numpy, [:])
          tensors = try NumpyFile(directory, file, path: path).tensors
          return
        }
      }
      let file = try TorchFile(contentsOf: path)
      (format, tensors, metadata) = (.torch, file.tensors, file.metadata)
    case .numpy:
      (format, metadata) = (.numpy, [:])
      tensors = try NumpyFile(array: path).tensors
    case .darknet:
      let file = try DarknetFile(contentsOf: path)
      (format, metadata) = (.darknet, file.metadata)
      tensors = [NamedTensor("darknet", file.values)]
    case .safetensors, nil:
      let file = try Safetensors(contentsOf: path)
      (format, tensors, metadata) = (.safetensors, file.tensors, file.metadata)
    }
  }

  /// What a file's first bytes say it is, for a reader of safetensors alone; `nil` for that or
  /// something unknown.
  static func otherFormat(_ start: [UInt8]) -> Format? {
    if TorchFile.matches(start) { return .torch }
    if NumpyFile.matches(start) { return .numpy }
    return DarknetFile.matches(start) ? .darknet : nil
  }

  /// Under which names training programs wrap a model's state, the averaged ones last.
  private static let wrappers = [
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "weights",
    "model_ema", "state_dict_ema", "ema_state_dict", "ema", "params_ema",
  ]

  /// The parts of the file that look like a model's state: what is left of the names under
  /// `state_dict`, `model`, `ema` and the like.
  public var parts: [String] {
    WeightsFile.wrappers.filter { wrapper in
      tensors.contains { $0.name.hasPrefix(wrapper + ".") }
    }
  }

  /// A model's state, without what wraps it: names of a part, without `module.` and `_orig_mod.`,
  /// which parallel and compiled models put before theirs, and without batch norm's counters of
  /// types that differ.
  ///
  /// - Parameters:
  ///   - part: one of `parts`, such as `ema`; the first of them if left out, or the whole
  ///     file if it has none.
  ///   - names: those of the model that is to take it: they tell a part from a layer that happens
  ///     to bear its name.
  /// - Throws: `CheckpointError` if there is no such part.
  public func state(part: String? = nil, fitting names: Set<String> = []) throws -> [NamedTensor] {
    let fits = tensors.contains { names.contains(WeightsFile.bare($0.name)) }
    guard let chosen = part ?? (fits ? nil : parts.first) else {
      return tensors.map { NamedTensor(WeightsFile.bare($0.name), $0.tensor) }
    }
    let prefix = chosen + "."
    let found = tensors.filter { $0.name.hasPrefix(prefix) }
    guard !found.isEmpty else {
      throw CheckpointError(
        file: path, "has no part '\(chosen)'",
        ["expected one of \(parts.joined(separator: ", ")), or none"])
    }
    return found.map {
      NamedTensor(WeightsFile.bare(String($0.name.dropFirst(prefix.count))), $0.tensor)
    }
  }

  /// A name without what programs put before all names.
  private static func bare(_ name: String) -> String {
    var name = Substring(name)
    while let prefix = ["module.", "_orig_mod."].first(where: { name.hasPrefix($0) }) {
      name = name.dropFirst(prefix.count)
    }
    return String(name)
  }
}
