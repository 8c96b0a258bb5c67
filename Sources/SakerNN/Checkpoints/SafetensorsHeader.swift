import SakerTensor

/// What a file says of its tensors.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: StoredType
    let shape: Shape
    /// In bytes after the header.
    let range: Range<Int>
  }

  /// More than any model needs; the format's own limit.
  static let longest: UInt64 = 100_000_000

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  init(_ text: [UInt8], file: String) throws {
    let members: [(name: String, value: JSONValue)]
    do throws(JSONValue.Problem) {
      guard case .object(let found) = try JSONValue(text) else {
        throw JSONValue.Problem("expected an object", at: 0)
      }
      members = found
    } catch {
      throw CheckpointError(
        file: file, "has a corrupt header", ["\(error.what) at byte \(error.position + 8)"])
    }
    var problems: [String] = []
    var names: Set<String> = []
    for (name, value) in members {
      if !names.insert(name).inserted { problems.append("\(name): appears twice") }
      do throws(Problem) {
        if name == "__metadata__" {
          metadata = try Self.metadata(value)
        } else {
          entries.append(try Self.entry(name, value))
        }
      } catch {
        problems.append("\(name): \(error.what)")
      }
    }
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "has a corrupt header", problems)
    }
  }

  private struct Problem: Error { let what: String }

  private static func metadata(_ value: JSONValue) throws(Problem) -> [String: String] {
    guard case .object(let members) = value else { throw Problem(what: "expected an object") }
    var result: [String: String] = [:]
    for (key, value) in members {
      guard case .string(let text) = value else {
        throw Problem(what: "expected a text for \(key)")
      }
      result[key] = text
    }
    return result
  }

  private static func entry(_ name: String, _ value: JSONValue) throws(Problem) -> Entry {
    guard case .object(let members) = value, members.count == 3,
      case .string(let typeName)? = value["dtype"], let sizes = value["shape"]?.naturals,
      let places = value["data_offsets"]?.naturals, places.count == 2
    else { throw Problem(what: "expected dtype, shape and two data_offsets") }
    guard let type = StoredType(rawValue: typeName) else {
      throw Problem(what: "unknown type \(typeName)")
    }
    guard let shape = Shape(claimed: sizes, elementSize: type.size), places[0] <= places[1],
      places[1] - places[0] == shape.elements * type.size
    else {
      throw Problem(
        what: "\(typeName) \(Shape(sizes)) does not fill bytes \(places[0])..<\(places[1])")
    }
    return Entry(name: name, type: type, shape: shape, range: places[0]..<places[1])
  }

  /// Checks that the tensors fill the data without holes and overlaps.
  func check(dataSize: Int, file: String) throws {
    var problems: [String] = []
    var end = 0
    for entry in entries.sorted(by: {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }) {
      if entry.range.lowerBound < end {
        problems.append("\(entry.name): overlaps the tensor before, which ends at byte \(end)")
      } else if entry.range.lowerBound > end {
        problems.append(
          "\(entry.name): bytes \(end)..<\(entry.range.lowerBound) before it are nobody's")
      }
      if entry.range.upperBound > dataSize {
        problems.append(
          "\(entry.name): ends at byte \(entry.range.upperBound) of \(dataSize): truncated?")
      }
      end = max(end, entry.range.upperBound)
    }
    if end < dataSize { problems.append("bytes \(end)..<\(dataSize) at the end are nobody's") }
    guard problems.isEmpty else { throw CheckpointError(file: file, "is damaged", problems) }
  }

  /// The header's bytes, filled with spaces to a multiple of 8.
  static func text(
    _ tensors: [NamedTensor], _ ranges: [Range<Int>], _ metadata: [String: String]
  ) -> [UInt8] {
    var members: [(name: String, value: JSONValue)] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      members.append(("__metadata__", .object(sorted.map { ($0.key, .string($0.value)) })))
    }
    for (named, range) in zip(tensors, ranges) {
      let (tensor, type) = (named.tensor, StoredType(named.tensor.dtype))
      members.append(
        (
          named.name,
          .object([
            ("dtype", .string(type.rawValue)),
            ("shape", .array(tensor.shape.map { .number("\($0)") })),
            (
              "data_offsets",
              .array([.number("\(range.lowerBound)"), .number("\(range.upperBound)")])
            ),
          ])
        ))
    }
    var text = Array(JSONValue.object(members).description.utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    return text
  }
}
