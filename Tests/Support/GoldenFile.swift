import Foundation
import SakerTensor

/// A `.safetensors` file that a script of `Scripts/golden` wrote: tensors by name, and texts.
///
/// A reader of its own, so that tests of the library's reader don't test it with itself.
public struct GoldenFile: Sendable {
  public let tensors: [String: Tensor]
  public let metadata: [String: String]

  /// - Parameter name: below `Tests/Fixtures`, such as `golden/tensor_ops.safetensors`.
  public init(_ name: String) throws {
    let data = try Data(contentsOf: Fixtures.url(name))
    guard data.count >= 8 else { throw GoldenError(description: "\(name): shorter than a header") }
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= data.count - 8,
      var header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any]
    else { throw GoldenError(description: "\(name): the header is no JSON object") }
    metadata = header.removeValue(forKey: "__metadata__") as? [String: String] ?? [:]
    var tensors: [String: Tensor] = [:]
    for (key, value) in header {
      guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
        let sizes = entry["shape"] as? [Int], let ends = entry["data_offsets"] as? [Int],
        ends.count == 2, 8 + length + ends[1] <= data.count
      else { throw GoldenError(description: "\(name): \(key) is not described well") }
      let bytes = data[(8 + length + ends[0])..<(8 + length + ends[1])]
      guard let tensor = GoldenFile.tensor(type, Shape(sizes), bytes) else {
        throw GoldenError(description: "\(name): \(key) is \(type), which tests can't read")
      }
      tensors[key] = tensor
    }
    self.tensors = tensors
  }

  /// The tensor `name`; stops if the file has none, because then script and test disagree.
  public subscript(name: String) -> Tensor {
    guard let tensor = tensors[name] else {
      fatalError("golden file: expected \(name), got \(tensors.keys.sorted())")
    }
    return tensor
  }

  /// The JSON under `key` of the metadata.
  public func json<T: Decodable>(_ key: String, as type: T.Type = T.self) throws -> T {
    try JSONDecoder().decode(T.self, from: Data((metadata[key] ?? "null").utf8))
  }

  private static func tensor(_ type: String, _ shape: Shape, _ bytes: Data) -> Tensor? {
    func read<T: Scalar>(_: T.Type) -> Tensor? {
      guard bytes.count == shape.elements * MemoryLayout<T>.stride else { return nil }
      return Tensor(
        [T](unsafeUninitializedCapacity: shape.elements) { buffer, count in
          count = bytes.copyBytes(to: buffer) / MemoryLayout<T>.stride
        }, shape)
    }
    return switch type {
    case "F32": read(Float.self)
    case "F16": read(Float16.self)
    case "BF16": read(BFloat16.self)
    case "I8": read(Int8.self)
    case "U8": read(UInt8.self)
    case "I32": read(Int32.self)
    case "I64": read(Int64.self)
    case "BOOL": read(Bool.self)
    default: nil
    }
  }
}

public struct GoldenError: Error, CustomStringConvertible {
  public let description: String
}
