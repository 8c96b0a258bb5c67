import Foundation
import SakerData

/// What a checkpoint says about its model, so that the weights alone suffice to build and use it.
public struct ModelCard: Hashable, Codable, Sendable {
  /// The name in the command line's table, such as `tiny-ssd`.
  public var architecture: String
  /// In the order of the labels.
  public var classNames: [String]
  /// The finest level first; empty for a model without anchors.
  public var anchors: [AnchorLevel]
  /// How a picture becomes the model's input.
  public var preprocessing: Preprocessing

  public init(
    architecture: String, classNames: [String], anchors: [AnchorLevel] = [],
    preprocessing: Preprocessing
  ) {
    self.architecture = architecture
    self.classNames = classNames
    self.anchors = anchors
    self.preprocessing = preprocessing
  }
}

/// A checkpoint that does not tell which model it is for.
public struct ModelCardError: Error, Hashable, CustomStringConvertible {
  public let description: String
}

extension ModelCard {
  /// The key in a checkpoint's metadata.
  public static let metadataKey = "saker.model"

  /// As an entry for a checkpoint's metadata; the same card gives the same text.
  public var metadata: [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Finite numbers and texts always encode.
    guard let data = try? encoder.encode(self) else {
      fatalError("ModelCard: expected finite numbers, got \(self)")
    }
    return [ModelCard.metadataKey: String(decoding: data, as: UTF8.self)]
  }

  /// From a checkpoint's metadata.
  ///
  /// - Parameter file: what messages call the checkpoint.
  /// - Throws: `ModelCardError` if there is no card, or one that makes no sense.
  public init(metadata: [String: String], file: String) throws(ModelCardError) {
    func fail(_ problem: String) -> ModelCardError {
      ModelCardError(description: "\(file): \(ModelCard.metadataKey): \(problem)")
    }
    guard let text = metadata[ModelCard.metadataKey] else {
      throw ModelCardError(
        description:
          "\(file): expected metadata '\(ModelCard.metadataKey)' that says which model it is for, "
          + "got none")
    }
    do {
      self = try JSONDecoder().decode(ModelCard.self, from: Data(text.utf8))
    } catch let DecodingError.keyNotFound(key, _) {
      throw fail("expected '\(key.stringValue)', got none")
    } catch {
      throw fail("expected the description of a model as JSON, got \(text.prefix(60))")
    }
    if let problem { throw fail(problem) }
  }

  /// What would make the model or its input impossible.
  private var problem: String? {
    if classNames.isEmpty { return "expected class names, got none" }
    let (height, width) = (preprocessing.height, preprocessing.width)
    let sides = 1...16384
    if !sides.contains(height) || !sides.contains(width) {
      return "expected an input of 1 to 16384 pixels a side, got \(width)x\(height)"
    }
    let (mean, std) = (preprocessing.mean, preprocessing.std)
    if mean.count != 3 || std.count != 3 || std.contains(0)
      || !(mean + std).allSatisfy(\.isFinite)
    {
      return "expected 3 means and 3 deviations that aren't 0, got \(mean) and \(std)"
    }
    for level in anchors where !level.isValid {
      if let shapes = level.shapes { return "expected positive anchor shapes, got \(shapes)" }
      return "expected positive anchor sizes and ratios, got \(level.sizes) and \(level.ratios)"
    }
    return nil
  }
}
