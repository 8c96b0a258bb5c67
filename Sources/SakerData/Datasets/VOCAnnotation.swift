/// One annotation file in Pascal VOC's XML, as labelImg and the VOC devkit write it, with everything wrong in it.
struct VOCAnnotation {
  struct Object {
    var name: String
    var box: Box
    var difficult: Bool
    var line: Int
  }

  /// `<filename>`, its folder taken off; `nil` if there is none.
  var filename: String?
  var filenameLine: Int?
  var size: PictureSize?
  var sizeLine: Int?
  var objects: [Object] = []
  var problems: [DataProblem] = []
  var droppedBoxes = 0

  /// - Parameter file: the name under which problems are reported.
  init(_ bytes: [UInt8], file: String) {
    let root: MarkupElement
    do {
      root = try MarkupParser.parse(bytes)
    } catch {
      problems.append(
        DataProblem(.error, file: file, line: error.line, "is not XML: \(error.reason)"))
      return
    }
    guard root.name == "annotation" else {
      problems.append(
        DataProblem(
          .error, file: file, line: root.line, "expected <annotation>, got <\(root.name)>"))
      return
    }
    if let element = root["filename"], !element.text.isEmpty {
      filename = element.text.split { $0 == "/" || $0 == "\\" }.last.map(String.init)
      filenameLine = element.line
    }
    readSize(root, file)
    for object in root.children where object.name == "object" { read(object, file) }
  }

  private mutating func readSize(_ root: MarkupElement, _ file: String) {
    guard let element = root["size"] else {
      problems.append(DataProblem(.error, file: file, line: root.line, "has no <size>"))
      return
    }
    sizeLine = element.line
    let width = number("width", in: element, file)
    let height = number("height", in: element, file)
    guard let width, let height else { return }
    guard width >= 1 && height >= 1 && width <= 1e6 && height <= 1e6 else {
      problems.append(
        DataProblem(
          .error, file: file, line: element.line,
          "<size> says \(element["width"]!.text)x\(element["height"]!.text) pixels"))
      return
    }
    size = PictureSize(width: Int(width), height: Int(height))
  }

  private mutating func read(_ object: MarkupElement, _ file: String) {
    guard let name = object["name"]?.text, !name.isEmpty else {
      problems.append(DataProblem(.error, file: file, line: object.line, "<object> has no <name>"))
      return
    }
    guard let corners = object["bndbox"] else {
      problems.append(
        DataProblem(.error, file: file, line: object.line, "<object> \(name) has no <bndbox>"))
      return
    }
    let before = problems.count
    let values = ["xmin", "ymin", "xmax", "ymax"].map { number($0, in: corners, file) ?? 0 }
    guard problems.count == before else { return }
    let (left, top, right, bottom) = (values[0], values[1], values[2], values[3])
    let written = ["xmin", "ymin", "xmax", "ymax"].map { corners[$0]!.text }.joined(separator: ", ")
    if right < left || bottom < top {
      problems.append(
        DataProblem(
          .error, file: file, line: corners.line, "box of \(name) is inverted: \(written)"))
      return
    }
    if right == left || bottom == top {
      droppedBoxes += 1
      problems.append(
        DataProblem(
          .warning, file: file, line: corners.line,
          "box of \(name) has no area, left out: \(written)"))
      return
    }
    var box = Box(vocLeft: Float(left), top: Float(top), right: Float(right), bottom: Float(bottom))
    if let size {
      let (width, height) = (Float(size.width), Float(size.height))
      // A pixel of tolerance: some tools count from 0, some write the far corner exclusively.
      guard box.left >= -1 && box.top >= -1 && box.right <= width + 1 && box.bottom <= height + 1
      else {
        problems.append(
          DataProblem(
            .error, file: file, line: corners.line,
            "box of \(name) lies outside the \(size) picture: \(written)"))
        return
      }
      box = box.clipped(width: width, height: height)
    }
    objects.append(
      Object(name: name, box: box, difficult: object["difficult"]?.text == "1", line: object.line))
  }

  private mutating func number(_ name: String, in element: MarkupElement, _ file: String) -> Double?
  {
    guard let child = element[name] else {
      problems.append(
        DataProblem(.error, file: file, line: element.line, "<\(element.name)> has no <\(name)>"))
      return nil
    }
    guard let value = Double(child.text), value.isFinite, abs(value) < 1e9 else {
      problems.append(
        DataProblem(
          .error, file: file, line: child.line,
          "<\(name)>: expected a finite number, got \"\(child.text.prefix(40))\""))
      return nil
    }
    return value
  }
}
