/// Stops the program when the caller broke the contract of an operation, and says what was
/// expected and what was got. What comes from outside (files, pictures, options) is never checked
/// by this: it throws.
@inlinable
public func check(
  _ condition: @autoclosure () -> Bool, op: @autoclosure () -> String,
  expected: @autoclosure () -> String, got: @autoclosure () -> Any,
  file: StaticString = #filePath, line: UInt = #line
) {
  guard condition() else {
    fatalError("\(op()): expected \(expected()), got \(got())", file: (file), line: line)
  }
}
