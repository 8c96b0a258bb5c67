import Foundation
import SakerTensor
import Synchronization

/// A call of an operation, with inputs at which its gradient can be compared with differences.
public struct OperationStep: Sendable, CustomStringConvertible {
  public let name: String
  public let inputs: [Tensor]
  /// Of the differences.
  public let step: Float
  public let function: @Sendable ([Tensor]) -> Tensor
  public var description: String { name }

  public init(
    _ name: String, _ inputs: Tensor..., step: Float = 1e-2,
    of function: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    self.init(name, inputs, step: step, of: function)
  }

  public init(
    _ name: String, _ inputs: [Tensor], step: Float = 1e-2,
    of function: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    self.step = step
    self.name = name
    self.inputs = inputs
    self.function = function
  }
}

/// What a walk over steps, there and back, met.
public struct OperationWalk: Sendable {
  /// Types of operations.
  public var forward: Set<String> = []
  public var backward: Set<String> = []
  /// Names of the operations, by type: one type may stand for many functions.
  public var names: [String: Set<String>] = [:]

  public init(_ steps: [OperationStep]) {
    let watcher = Watcher()
    Observers.add(watcher)
    Watcher.$isWalking.withValue(true) {
      for step in steps {
        let floating = step.inputs.filter(\.dtype.isFloating)
        var inputs = step.inputs
        let places = inputs.indices.filter { inputs[$0].dtype.isFloating }
        _ = gradients(at: floating) { tensors in
          for (place, tensor) in zip(places, tensors) { inputs[place] = tensor }
          return step.function(inputs).sum()
        }
      }
    }
    Observers.remove(watcher)
    self = watcher.seen.withLock { $0 }
  }

  private init() {}

  /// Notes the types of operations that this task runs; other tests run at the same time.
  private final class Watcher: Observer {
    @TaskLocal static var isWalking = false
    let seen = Mutex(OperationWalk())

    func didRun(_ event: OperationEvent) {
      guard Watcher.isWalking else { return }
      let type = String(describing: Swift.type(of: event.operation))
      seen.withLock { seen in
        if event.phase == .forward { seen.forward.insert(type) } else { seen.backward.insert(type) }
        seen.names[type, default: []].insert(event.operation.name)
      }
    }
  }
}

/// The sources, read by tests that nothing may be left out of.
public enum Sources {
  /// What the first group of `pattern` finds in all Swift files below a folder of the
  /// checkout, or in one file.
  public static func matches(_ pattern: String, below path: String) throws -> [String] {
    let root = Fixtures.package.appending(path: path)
    var files = [root]
    if !path.hasSuffix(".swift") {
      let found = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
      files = (found?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    }
    let regex = try NSRegularExpression(pattern: pattern)
    return try files.flatMap { file in
      let text = try String(contentsOf: file, encoding: .utf8)
      return regex.matches(in: text, range: NSRange(text.startIndex..., in: text)).map {
        String(text[Range($0.range(at: 1), in: text)!])
      }
    }
  }
}
