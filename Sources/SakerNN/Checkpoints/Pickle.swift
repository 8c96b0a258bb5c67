/// A value in a pickle, Python's format for objects. Only what files of weights need;
/// nothing is ever called.
indirect enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case bytes([UInt8])
  /// With how deep tuples lie in it: tuples are values, and one of tuples of tuples would be
  /// looked at by recursion.
  case tuple([PickleValue], depth: Int)
  /// By place in `Pickle.lists`, as several values may share one list, or a list hold itself.
  case list(Int)
  /// By place in `Pickle.dictionaries`.
  case dictionary(Int)
  /// A class or function by name, such as `torch.FloatStorage`.
  case global(String)
  /// What a tensor's numbers are: the arguments after "storage".
  case storage(PickleStorage)
  case tensor(PickleTensor)
  /// Something harmless that weights don't need, such as a `Namespace` of options.
  case other(String)
}

struct PickleStorage: Hashable {
  /// The class, such as `torch.FloatStorage`.
  let type: String
  let key: String
  /// Elements.
  let count: Int
}

struct PickleTensor {
  let storage: PickleStorage
  /// In elements.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// Reads pickles of protocols 2 to 5 without running anything: a fixed list of classes becomes
/// values, every other name is refused. Python's `pickletools` is the reference for the opcodes.
struct Pickle {
  struct Problem: Error {
    let what: String
    /// In bytes from the start.
    let position: Int
  }

  /// Members of lists, by place.
  private(set) var lists: [[PickleValue]] = []
  /// Members of dictionaries in their order, by place.
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var result = PickleValue.none
  /// Behind the last byte read.
  private(set) var end = 0

  private let text: [UInt8]
  private var position: Int
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// Reads one pickle that begins at `start`.
  init(_ text: [UInt8], from start: Int = 0) throws(Problem) {
    self.text = text
    position = start
    try run()
    end = position
  }

  private func fail(_ what: String) -> Problem { Problem(what: what, position: position) }
}

// MARK: - Bytes

extension Pickle {
  private mutating func byte() throws(Problem) -> UInt8 {
    guard position < text.count else { throw fail("it ends too early") }
    position += 1
    return text[position - 1]
  }

  private mutating func number(_ size: Int) throws(Problem) -> UInt64 {
    guard size <= text.count - position else { throw fail("it ends too early") }
    var value: UInt64 = 0
    for i in 0..<size { value |= UInt64(text[position + i]) << (8 * UInt64(i)) }
    position += size
    return value
  }

  private mutating func bytes(_ count: UInt64) throws(Problem) -> [UInt8] {
    guard count <= UInt64(text.count - position) else {
      throw fail("a text of \(count) bytes does not end")
    }
    position += Int(count)
    return Array(text[position - Int(count)..<position])
  }

  private mutating func string(_ count: UInt64) throws(Problem) -> String {
    guard let result = String(validating: try bytes(count), as: UTF8.self) else {
      throw fail("expected UTF-8")
    }
    return result
  }

  private mutating func line() throws(Problem) -> String {
    guard let stop = text[position...].firstIndex(of: 0x0A) else {
      throw fail("a line does not end")
    }
    let result = try string(UInt64(stop - position))
    position += 1
    return result
  }

  /// Two's complement of any length.
  private mutating func long(_ count: UInt64) throws(Problem) -> PickleValue {
    let digits = try bytes(count)
    // Only the magic number of old files is longer than 8 bytes; what it says does not matter.
    guard digits.count <= 8 else { return .bytes(digits) }
    var value: UInt64 = digits.last.map { $0 & 0x80 != 0 } == true ? .max : 0
    for (i, digit) in digits.enumerated() {
      value = value & ~(0xFF << (8 * UInt64(i))) | UInt64(digit) << (8 * UInt64(i))
    }
    return .int(Int(Int64(bitPattern: value)))
  }
}

// MARK: - The machine

extension Pickle {
  private mutating func pop() throws(Problem) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw fail("expected a value")
    }
    return value
  }

  private mutating func popMark() throws(Problem) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fail("expected a mark") }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  private func memorized(_ key: Int) throws(Problem) -> PickleValue {
    guard let value = memo[key] else { throw fail("nothing was kept as \(key)") }
    return value
  }

  private mutating func keep(_ key: UInt64) throws(Problem) {
    guard let value = stack.last, let key = Int(exactly: key) else {
      throw fail("expected a value")
    }
    memo[key] = value
  }

  private mutating func newList(_ values: [PickleValue]) -> PickleValue {
    lists.append(values)
    return .list(lists.count - 1)
  }

  private mutating func newDictionary() -> PickleValue {
    dictionaries.append([])
    return .dictionary(dictionaries.count - 1)
  }

  private mutating func append(_ values: [PickleValue]) throws(Problem) {
    switch stack.last {
    case .list(let place): lists[place] += values
    case .other: break
    default: throw fail("expected a list to append to")
    }
  }

  private mutating func set(_ pairs: [PickleValue]) throws(Problem) {
    guard pairs.count % 2 == 0 else { throw fail("a key without a value") }
    switch stack.last {
    case .dictionary(let place):
      for i in stride(from: 0, to: pairs.count, by: 2) {
        dictionaries[place].append((pairs[i], pairs[i + 1]))
      }
    case .other: break
    default: throw fail("expected a dictionary")
    }
  }

  private static let deepestTuple = 64

  private mutating func push(tuple members: [PickleValue]) throws(Problem) {
    var depth = 1
    for case .tuple(_, let inner) in members { depth = max(depth, inner + 1) }
    guard depth <= Pickle.deepestTuple else { throw fail("nested too deeply") }
    stack.append(.tuple(members, depth: depth))
  }

  private mutating func run() throws(Problem) {
    while true {
      let code = try byte()
      switch code {
      case UInt8(ascii: "."):
        result = try pop()
        return
      case 0x80: _ = try byte()  // PROTO
      case 0x95: _ = try number(8)  // FRAME
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"): _ = try pop()
      case UInt8(ascii: "1"): _ = try popMark()
      case UInt8(ascii: "2"):
        let value = try pop()
        stack += [value, value]
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "J"):
        stack.append(.int(Int(Int32(truncatingIfNeeded: try number(4)))))
      case UInt8(ascii: "K"): stack.append(.int(Int(try number(1))))
      case UInt8(ascii: "M"): stack.append(.int(Int(try number(2))))
      case 0x8A: stack.append(try long(try number(1)))
      case 0x8B: stack.append(try long(try number(4)))
      case UInt8(ascii: "G"):
        stack.append(.float(Double(bitPattern: try number(8).byteSwapped)))
      case UInt8(ascii: "X"): stack.append(.string(try string(try number(4))))
      case 0x8C: stack.append(.string(try string(try number(1))))
      case 0x8D: stack.append(.string(try string(try number(8))))
      // Texts of Python 2: bytes, most often ASCII.
      case UInt8(ascii: "U"): stack.append(.string(try string(try number(1))))
      case UInt8(ascii: "T"): stack.append(.string(try string(try number(4))))
      case UInt8(ascii: "C"): stack.append(.bytes(try bytes(try number(1))))
      case UInt8(ascii: "B"): stack.append(.bytes(try bytes(try number(4))))
      case 0x8E: stack.append(.bytes(try bytes(try number(8))))
      case UInt8(ascii: "]"): stack.append(newList([]))
      case UInt8(ascii: "}"): stack.append(newDictionary())
      case 0x8F: stack.append(newList([]))  // EMPTY_SET
      case UInt8(ascii: ")"): stack.append(.tuple([], depth: 1))
      case UInt8(ascii: "l"): stack.append(newList(try popMark()))
      case UInt8(ascii: "t"): try push(tuple: try popMark())
      case UInt8(ascii: "d"):
        let pairs = try popMark()
        stack.append(newDictionary())
        try set(pairs)
      case 0x85: try push(tuple: [try pop()])
      case 0x86:
        let b = try pop()
        try push(tuple: [try pop(), b])
      case 0x87:
        let (c, b) = (try pop(), try pop())
        try push(tuple: [try pop(), b, c])
      case UInt8(ascii: "a"):
        let value = try pop()
        try append([value])
      case UInt8(ascii: "e"), 0x90:  // APPENDS, ADDITEMS
        let values = try popMark()
        try append(values)
      case UInt8(ascii: "s"):
        let value = try pop()
        let key = try pop()
        try set([key, value])
      case UInt8(ascii: "u"):
        let pairs = try popMark()
        try set(pairs)
      case UInt8(ascii: "q"): try keep(try number(1))
      case UInt8(ascii: "r"): try keep(try number(4))
      case 0x94: try keep(UInt64(memo.count))  // MEMOIZE
      case UInt8(ascii: "h"): stack.append(try memorized(Int(try number(1))))
      case UInt8(ascii: "j"): stack.append(try memorized(Int(try number(4))))
      case UInt8(ascii: "c"):
        let module = try line()
        stack.append(try global(module + "." + (try line())))
      case 0x93:  // STACK_GLOBAL
        guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
          throw fail("expected the name of a class")
        }
        stack.append(try global(module + "." + name))
      case UInt8(ascii: "Q"): stack.append(try persistent(try pop()))
      case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
        let arguments = try pop()
        let callee = try pop()
        stack.append(try made(callee, arguments))
      case UInt8(ascii: "b"): try build(try pop())
      default: throw fail("unknown or forbidden opcode 0x\(String(code, radix: 16))")
      }
    }
  }
}

// MARK: - Names

extension Pickle {
  /// Classes whose objects are not needed, and harmless as nothing is made of them.
  private static let ignored: Set<String> = [
    "argparse.Namespace", "pathlib.PosixPath", "pathlib.Path", "pathlib.WindowsPath",
    "datetime.datetime", "_codecs.encode", "numpy.dtype", "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar", "torch.device", "torch.Size", "collections.defaultdict",
    "builtins.set", "__builtin__.set", "builtins.int", "builtins.dict", "builtins.list",
    "torch.float32", "torch.float16", "torch.bfloat16", "torch.float64", "torch.int64",
  ]

  private static let rebuilders: Set<String> = [
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
  ]

  private func global(_ name: String) throws(Problem) -> PickleValue {
    let isStorage = name.hasPrefix("torch.") && name.hasSuffix("Storage")
    guard
      isStorage || name == "collections.OrderedDict" || Pickle.rebuilders.contains(name)
        || Pickle.ignored.contains(name)
    else {
      throw fail(
        "it wants to make a '\(name)', which weights do not need and nothing here will do: save the model's state_dict"
      )
    }
    return .global(name)
  }

  private func persistent(_ id: PickleValue) throws(Problem) -> PickleValue {
    guard case .tuple(let parts, _) = id, parts.count >= 5, case .string("storage") = parts[0],
      case .global(let type) = parts[1], case .string(let key) = parts[2],
      case .int(let count) = parts[4], count >= 0
    else { throw fail("expected a storage") }
    if parts.count > 5, case .tuple = parts[5] { throw fail("a storage that is part of another") }
    return .storage(PickleStorage(type: type, key: key, count: count))
  }

  private mutating func made(
    _ callee: PickleValue, _ arguments: PickleValue
  ) throws(Problem) -> PickleValue {
    guard case .global(let name) = callee, case .tuple(let arguments, _) = arguments else {
      throw fail("expected a class and its arguments")
    }
    switch name {
    case "collections.OrderedDict":
      let dictionary = newDictionary()
      guard let first = arguments.first else { return dictionary }
      // Python 2's way: a list of pairs.
      guard case .list(let place) = first else { throw fail("expected the pairs of a dictionary") }
      var pairs: [PickleValue] = []
      for case .list(let pair) in lists[place] where lists[pair].count == 2 { pairs += lists[pair] }
      for case .tuple(let pair, _) in lists[place] where pair.count == 2 { pairs += pair }
      stack.append(dictionary)
      try set(pairs)
      return try pop()
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
      guard arguments.count >= 4, case .storage(let storage) = arguments[0],
        case .int(let offset) = arguments[1], let shape = naturals(arguments[2]),
        let strides = naturals(arguments[3])
      else { throw fail("expected a tensor's storage, offset, shape and strides") }
      return .tensor(
        PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides))
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      guard let first = arguments.first, case .tensor = first else {
        throw fail("expected a parameter's tensor")
      }
      return first
    default: return .other(name)
    }
  }

  private func naturals(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let members, _) = value else { return nil }
    let numbers = members.compactMap { member -> Int? in
      guard case .int(let number) = member, number >= 0 else { return nil }
      return number
    }
    return numbers.count == members.count ? numbers : nil
  }

  /// An object's attributes: an ordered dictionary's hold what is not among its members, and
  /// nothing else matters.
  private func build(_ state: PickleValue) throws(Problem) {
    switch stack.last {
    case .dictionary, .other, .tensor, .list: return
    default: throw fail("expected an object")
    }
  }
}
