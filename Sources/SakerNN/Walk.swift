import SakerTensor

/// One pass over everything a module holds.
struct Walk {
  enum Item {
    case parameter(Parameter)
    case buffer(Buffer)

    var value: Tensor {
      switch self {
      case .parameter(let parameter): parameter.value.detached()
      case .buffer(let buffer): buffer.value
      }
    }

    func set(_ value: Tensor) {
      switch self {
      case .parameter(let parameter): parameter.value = value
      case .buffer(let buffer): buffer.value = value
      }
    }
  }

  private(set) var entries: [(name: String, item: Item)] = []
  private(set) var modules: [(name: String, module: any Module)] = []
  /// Further names of what is in `entries`: a shared layer is stored once, but files may
  /// name it every time.
  private(set) var aliases: [String: String] = [:]
  private var names: [ObjectIdentifier: String] = [:]
  private var known: Set<ObjectIdentifier> = []
  /// Modules that are being walked: a reference back to one of them is not followed.
  private var open: Set<ObjectIdentifier> = []

  init(_ root: any Module) {
    visit(module: root, "")
  }

  private mutating func visit(module: any Module, _ name: String) {
    let id = ObjectIdentifier(module)
    guard open.insert(id).inserted else { return }
    if known.insert(id).inserted { modules.append((name, module)) }
    for member in module.members {
      visit(member.value, name.isEmpty ? member.name : name + "." + member.name)
    }
    open.remove(id)
  }

  private mutating func visit(_ value: Any, _ name: String) {
    if let parameter = value as? Parameter {
      add(parameter, .parameter(parameter), name)
    } else if let buffer = value as? Buffer {
      add(buffer, .buffer(buffer), name)
    } else if let module = value as? any Module {
      visit(module: module, name)
    } else {
      visit(container: Mirror(reflecting: value), name)
    }
  }

  private mutating func visit(container: Mirror, _ name: String) {
    switch container.displayStyle {
    case .optional:
      if let content = container.children.first { visit(content.value, name) }
    case .collection:
      for (index, element) in container.children.enumerated() {
        // Arrays are of one type: numbers need not be looked at one by one.
        if index == 0 && !Walk.isOfInterest(element.value) { break }
        visit(element.value, "\(name).\(index)")
      }
    case .tuple, .struct, .dictionary, .set, .enum:
      // Found by nobody, its parameters would silently never learn.
      check(
        !container.children.contains { Walk.holdsModule($0.value) }, op: "Module",
        expected: "modules and parameters as properties or in arrays",
        got: "\(name) of type \(container.subjectType)")
    default: break
    }
  }

  private mutating func add(_ object: AnyObject, _ item: Item, _ name: String) {
    if let first = names[ObjectIdentifier(object)] {
      aliases[name] = first
    } else {
      names[ObjectIdentifier(object)] = name
      entries.append((name, item))
    }
  }

  static func isOfInterest(_ value: Any) -> Bool {
    if value is Parameter || value is Buffer || value is any Module { return true }
    let style = Mirror(reflecting: value).displayStyle
    return style != nil && style != .class && !(value is String)
  }

  private static func holdsModule(_ value: Any) -> Bool {
    if value is Parameter || value is Buffer || value is any Module { return true }
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle == .tuple else { return false }
    return mirror.children.contains { holdsModule($0.value) }
  }
}

extension String {
  /// `runningMean` as `running_mean`; `blk_0`, `conv1` and `fc` as they are.
  var snakeCased: String {
    guard contains(where: \.isUppercase) else { return self }
    var result = ""
    for character in self {
      if character.isUppercase {
        if !result.isEmpty && result.last != "_" { result += "_" }
        result += character.lowercased()
      } else {
        result.append(character)
      }
    }
    return result
  }

  /// Whether all of this text fits `glob`, where `*` is any text, also none, and `?`
  /// any one character.
  public func matches(glob: String) -> Bool {
    let (text, pattern) = (Array(self), Array(glob))
    var (t, p) = (0, 0)
    var star: (text: Int, pattern: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        star = (t, p)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        t += 1
        p += 1
      } else if let last = star {
        // The star takes one character more.
        star = (last.text + 1, last.pattern)
        (t, p) = (last.text + 1, last.pattern + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
