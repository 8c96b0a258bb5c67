import Foundation
import SakerTensor

/// MNIST's files: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, also with `.gz`.
enum IDXFormat {
  /// Fashion-MNIST's classes, which its files do not name.
  static let fashionClasses = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
  ]

  /// - Parameter path: a folder with such files, or a file of pictures.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    var folder = LabelFolder(path)
    let base = FileBytes.isFolder(path) ? path : PathName.folder(path)
    let files =
      FileBytes.isFolder(path)
      ? LabelFolder.names(path).filter { $0.contains("images") && $0.contains("idx") }
      : [PathName.last(path)]
    guard !files.isEmpty else { throw LabelFolder.failure(path, "holds no *-images-idx3-ubyte") }
    var (set, archive, most) = (LabelSet(), IDXFile(), 0)
    for file in files {
      let whole = base + "/" + file
      let split = split(of: file, isAlone: files.count == 1)
      if let wanted = reading.split, split != wanted { continue }
      let first = archive.count
      let count = try archive.append(whole)
      var labels: [UInt8] = []
      let other = file.replacing("images", with: "labels").replacing("idx3", with: "idx1")
        .replacing("idx4", with: "idx1")
      let twin = [other, other + ".gz", PathName.stem(other)].map { base + "/" + $0 }
        .first(where: FileBytes.exists)
      if let twin {
        let content = try IDXContent(twin)
        guard content.dimensions.count == 1 else {
          throw LabelFolder.failure(twin, "expected one dimension, got \(content.dimensions)")
        }
        if content.dimensions[0] != count {
          folder.report(twin, "has \(content.dimensions[0]) labels for \(count) pictures")
        }
        labels = Array(content.bytes.suffix(content.dimensions[0]))
      } else {
        folder.report(whole, "has no file of labels beside it (\(other))")
      }
      for i in 0..<count {
        var picture = LabeledPicture(
          file: "\(split ?? "picture")-\(i)", path: whole, size: archive.size(at: first + i),
          split: split, label: i < labels.count ? Int(labels[i]) : nil, source: twin ?? "")
        picture.archiveIndex = first + i
        most = max(most, picture.label ?? 0)
        set.pictures.append(picture)
      }
    }
    let names =
      reading.classes
      ?? (FileBytes.exists(base + "/classes.txt") ? folder.classes(base + "/classes.txt") : nil)
      ?? (path.lowercased().contains("fashion") && most == 9
        ? fashionClasses : (0...most).map(String.init))
    set.classes = names.map { LabelClass($0) }
    set.archive = archive
    set.problems = folder.problems
    return set
  }

  /// MNIST's test files begin with t10k; EMNIST's have the split in the middle. What else stands
  /// before `-images` tells several files apart.
  private static func split(of file: String, isAlone: Bool) -> String? {
    if file.hasPrefix("t10k") { return "test" }
    if let told = SplitName.told(by: file) { return told }
    let prefix = file.components(separatedBy: "images")[0]
      .trimmingCharacters(in: .punctuationCharacters)
    return isAlone || prefix.isEmpty ? nil : prefix
  }
}

/// The content of one IDX file: big-endian sizes, then bytes.
struct IDXContent: Sendable {
  var dimensions: [Int]
  var bytes: ArraySlice<UInt8>

  init(_ file: String) throws {
    do {
      let content = try FileBytes.read(file)
      guard content.starts(with: [0x1F, 0x8B]) else {
        dimensions = try IDXContent.sizes(file) { at, count in content.dropFirst(at).prefix(count) }
        bytes = content[(4 + 4 * dimensions.count)...]
        try check(file)
        return
      }
      // The header says how much follows, and no more is unpacked, whatever the file could become.
      let packed = try Inflate(content, .gzip)
      dimensions = try IDXContent.sizes(file) { _, count in try packed.read(count)[...] }
      let claimed = dimensions.reduce(1, *)
      guard claimed <= Inflate.most(from: content.count) else {
        throw LabelFolder.failure(
          file, "states \(dimensions), which is \(claimed) bytes, more than it can hold")
      }
      bytes = try packed.read(claimed)[...]
      guard try bytes.count < claimed || packed.isOver() else {
        throw LabelFolder.failure(file, "states \(dimensions), but holds more")
      }
      try check(file)
    } catch let failure as FileBytes.Failure {
      throw LabelFolder.failure(file, failure.reason)
    } catch let failure as Inflate.Failure {
      throw LabelFolder.failure(file, failure.reason)
    }
  }

  /// The sizes that a header states.
  ///
  /// - Parameter read: the bytes at a place, called in their order; fewer where they end.
  private static func sizes(_ file: String, read: (Int, Int) throws -> ArraySlice<UInt8>) throws
    -> [Int]
  {
    func failure(_ reason: String) -> DatasetError { LabelFolder.failure(file, reason) }
    let start = Array(try read(0, 4))
    guard start.count == 4, start[0] == 0, start[1] == 0 else { throw failure("is no IDX file") }
    guard start[2] == 8 else { throw failure("holds other than bytes (IDX type \(start[2]))") }
    let count = Int(start[3])
    let rest = Array(try read(4, 4 * count))
    guard (1...4).contains(count), rest.count == 4 * count else {
      throw failure("is a broken IDX file: \(count) dimensions")
    }
    let sizes = (0..<count).map { d in (0..<4).reduce(0) { $0 << 8 | Int(rest[4 * d + $1]) } }
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, next <= FileBytes.limit else {
        throw failure("is a broken IDX file: sizes \(sizes)")
      }
      product = next
    }
    return sizes
  }

  private func check(_ file: String) throws {
    let product = dimensions.reduce(1, *)
    guard product == bytes.count else {
      throw LabelFolder.failure(
        file, "states \(dimensions), which is \(product) bytes, but holds \(bytes.count)")
    }
  }
}

/// Pictures kept together in files of IDX's form: `[N, H, W]` gray or `[N, H, W, 3]`.
public struct IDXFile: Sendable {
  private struct Part: Sendable {
    var file: String
    var content: IDXContent
    var first: Int
  }
  private var parts: [Part] = []
  public private(set) var count = 0

  mutating func append(_ file: String) throws -> Int {
    let content = try IDXContent(file)
    let sizes = content.dimensions
    guard sizes.count == 3 || sizes.count == 4 && sizes[3] == 3 else {
      throw LabelFolder.failure(file, "expected [N, H, W] or [N, H, W, 3], got \(sizes)")
    }
    guard (1...Picture.maximumSide).contains(sizes[1]), (1...Picture.maximumSide).contains(sizes[2])
    else { throw LabelFolder.failure(file, "has pictures of \(sizes[2])x\(sizes[1]) pixels") }
    parts.append(Part(file: file, content: content, first: count))
    count += sizes[0]
    return sizes[0]
  }

  private func part(_ index: Int) -> Part { parts.last { $0.first <= index }! }

  func size(at index: Int) -> PictureSize {
    let sizes = part(index).content.dimensions
    return PictureSize(width: sizes[2], height: sizes[1])
  }

  /// A picture; gray becomes red, green and blue alike.
  func picture(at index: Int) throws -> Picture {
    let part = part(index)
    let (sizes, bytes) = (part.content.dimensions, part.content.bytes)
    let count = sizes[1] * sizes[2] * (sizes.count == 4 ? 3 : 1)
    let start = bytes.startIndex + (index - part.first) * count
    guard start + count <= bytes.endIndex else {
      throw PictureError(file: part.file, reason: "has no picture \(index - part.first)")
    }
    let pixels = bytes[start..<start + count]
    return Picture(
      width: sizes[2], height: sizes[1],
      pixels: sizes.count == 4 ? Array(pixels) : pixels.flatMap { [$0, $0, $0] })
  }
}
