/// Where a folder keeps Pascal VOC's annotations, pictures and lists: in the devkit's folders or
/// what people call them (`annotations` or `annotations/xmls` beside `images`), or side by side.
struct VOCLayout {
  /// Annotations, and where their pictures are.
  struct Place {
    var annotations: String
    /// `nil` if there is no folder of pictures.
    var pictures: String?
    var split: String?
  }

  let root: String
  /// Whether annotations have a folder of their own.
  let isDevkit: Bool
  let places: [Place]

  /// What the folder of annotations is called, in any case.
  private static let annotationNames = [
    "annotations", "annotation", "annots", "annot", "xmls", "xml", "labels", "label",
  ]
  private static let pictureNames = [
    "jpegimages", "images", "image", "imgs", "img", "pictures", "pics", "photos",
  ]

  static func isAnnotation(_ name: String) -> Bool { PathName.ends(name, with: "xml") }

  init(_ path: String) {
    let root = VOCLayout.nested(path).first ?? path
    self.root = root
    guard let annotations = VOCLayout.annotationFolder(root) else {
      isDevkit = false
      var places = [Place(annotations: root, pictures: root, split: nil)]
      for name in VOCLayout.folders(root) {
        let inside = root + "/" + name
        guard LabelFolder.names(inside).contains(where: VOCLayout.isAnnotation) else { continue }
        places.append(
          Place(annotations: inside, pictures: inside, split: SplitName.canonical(name)))
      }
      self.places = places
      return
    }
    isDevkit = true
    let pictures = VOCLayout.first(VOCLayout.pictureNames, in: root)
    var places = [Place(annotations: annotations, pictures: pictures, split: nil)]
    for name in VOCLayout.folders(annotations) {
      let inside = annotations + "/" + name
      guard LabelFolder.names(inside).contains(where: VOCLayout.isAnnotation) else { continue }
      let isSame = VOCLayout.annotationNames.contains(name.lowercased())
      let own = pictures.map { $0 + "/" + name }.flatMap { FileBytes.isFolder($0) ? $0 : nil }
      places.append(
        Place(
          annotations: inside, pictures: own ?? pictures,
          split: isSame ? nil : SplitName.canonical(name)))
    }
    self.places = places
  }

  /// The format of a folder that holds VOC's annotations in either way.
  var format: DataFormat { isDevkit ? .voc : .labelImgVOC }

  /// Names of the splits: lists, or folders that hold annotations; sorted.
  var splits: [String] {
    let lists = lists
    return Set(lists.isEmpty ? places.compactMap(\.split) : lists.map(SplitName.canonical)).sorted()
  }

  /// Names of the lists in `ImageSets/Main`, sorted.
  var lists: [String] {
    guard isDevkit else { return [] }
    return LabelFolder.names(root + "/ImageSets/Main").filter { $0.hasSuffix(".txt") }
      .map { String($0.dropLast(4)) }
  }

  func list(_ split: String) -> String { "\(root)/ImageSets/Main/\(split).txt" }

  /// Class names in an order: of `classes.txt`, which names all, or of labelImg's
  /// `predefined_classes.txt`, which proposes some.
  var classFile: (file: String, isBinding: Bool)? {
    let folders = [root] + (isDevkit ? places.map(\.annotations) : [])
    for (name, isBinding) in [("classes.txt", true), ("predefined_classes.txt", false)] {
      for folder in folders where FileBytes.exists(folder + "/" + name) {
        return (folder + "/" + name, isBinding)
      }
    }
    return nil
  }

  // MARK: Telling

  /// Whether a folder is laid out like the devkit, under whatever names.
  static func isDevkit(_ path: String) -> Bool { annotationFolder(path) != nil }

  /// The devkit's folders of years inside a folder: `VOCdevkit/VOC2007`.
  static func nested(_ path: String) -> [String] {
    guard annotationFolder(path) == nil else { return [] }
    var found: [String] = []
    for name in folders(path) {
      let inside = path + "/" + name
      if name.lowercased() == "vocdevkit" {
        found += folders(inside).map { inside + "/" + $0 }.filter(isUsual)
      } else if name.lowercased().hasPrefix("voc"), isUsual(inside) {
        found.append(inside)
      }
    }
    return found
  }

  private static func isUsual(_ path: String) -> Bool {
    FileBytes.isFolder(path + "/Annotations") && FileBytes.isFolder(path + "/JPEGImages")
  }

  private static func annotationFolder(_ root: String) -> String? {
    let usual = root + "/Annotations"
    // An empty one is VOC's too, but not one that holds COCO's JSON or YOLO's text.
    if FileBytes.isFolder(usual) {
      let names = LabelFolder.names(usual)
      if names.contains(where: isAnnotation)
        || !names.contains(where: { ["json", "txt"].contains(PathName.ending($0)) })
      {
        return usual
      }
    }
    guard first(pictureNames, in: root) != nil else { return nil }
    let names = folders(root)
    for word in annotationNames {
      for name in names where name.lowercased() == word && holdsAnnotations(root + "/" + name) {
        return root + "/" + name
      }
    }
    return nil
  }

  /// Whether there is XML in a folder, or in one inside it.
  private static func holdsAnnotations(_ folder: String) -> Bool {
    let names = LabelFolder.names(folder)
    if names.contains(where: isAnnotation) {
      // YOLO keeps its text there.
      return !PathName.last(folder).lowercased().hasPrefix("label")
        || !names.contains { PathName.ends($0, with: "txt") && !PathName.isListOfClasses($0) }
    }
    return folders(folder).contains {
      LabelFolder.names(folder + "/" + $0).contains(where: isAnnotation)
    }
  }

  /// The first folder of some names, given in small letters, in any case.
  private static func first(_ words: [String], in root: String) -> String? {
    let names = folders(root)
    for word in words {
      if let name = names.first(where: { $0.lowercased() == word }) { return root + "/" + name }
    }
    return nil
  }

  private static func folders(_ path: String) -> [String] {
    LabelFolder.names(path).filter {
      !PathName.isPicture($0) && !isAnnotation($0) && FileBytes.isFolder(path + "/" + $0)
    }
  }
}
