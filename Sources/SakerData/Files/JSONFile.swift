/// A whole file in memory, for a cursor.
public struct JSONFile: Sendable {
  private let bytes: [UInt8]

  /// - Throws: a whole-file error (line 0) if it can't be read.
  public static func bytes(_ file: String) throws(JSONError) -> JSONFile {
    do {
      return JSONFile(bytes: try FileBytes.read(file))
    } catch {
      throw JSONError(file: file, line: 0, byte: 0, reason: error.reason)
    }
  }

  /// Calls `body` with the bytes, which stay where they are until it returns.
  public func read<Value>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(JSONError) -> Value
  ) throws(JSONError) -> Value {
    let result: Result<Value, JSONError> = bytes.withUnsafeBufferPointer { buffer in
      do throws(JSONError) {
        return .success(try body(buffer))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
