import Foundation
import SakerData
import Testing

struct ClassificationDatasetTests {
  /// Labels of pictures that nobody decodes.
  private func labels(_ counts: [String: [Int]], classes: [String]) -> LabelSet {
    var set = LabelSet(classes: classes.map { LabelClass($0) })
    for (split, numbers) in counts.sorted(by: { $0.key < $1.key }) {
      for (label, count) in numbers.enumerated() {
        for number in 0..<count {
          let file = "\(split)/\(classes[label])/\(number).png"
          set.pictures.append(
            LabeledPicture(
              file: file, path: "/data/" + file, size: PictureSize(width: 8, height: 8),
              split: split.isEmpty ? nil : split, label: label))
        }
      }
    }
    return set
  }

  @Test func splitsThatAreThereAreTaken() throws {
    let set = labels(["train": [4, 3], "val": [1, 1], "test": [2, 0]], classes: ["a", "b"])
    let parts = try ClassificationParts(set)
    #expect(parts.training.countsByClass == [4, 3])
    #expect(parts.validation?.countsByClass == [1, 1] && parts.test?.countsByClass == [2, 0])
    let all = try ClassificationParts(set, train: "all")
    #expect(all.training.count == 11 && all.validation == nil && all.test == nil)
    let share = try ClassificationParts(set, validation: .share(0.3), seed: 1)
    #expect(share.training.count + (share.validation?.count ?? 0) == 7)
    #expect(share.test?.count == 2)
    #expect(try ClassificationParts(set, validation: .none).validation == nil)
    #expect(throws: DatasetError.self) { _ = try ClassificationParts(set, train: "nothing") }
    // IDX files have train and test: nothing to choose on unless it is asked for.
    let two = labels(["train": [4, 4], "test": [1, 1]], classes: ["a", "b"])
    #expect(try ClassificationParts(two).validation == nil)
  }

  @Test func dataWithoutSplitsAreDividedEvenly() throws {
    let set = labels(["": [50, 30, 20]], classes: ["a", "b", "c"])
    let parts = try ClassificationParts(set, seed: 5)
    #expect(parts.training.countsByClass == [30, 18, 12])
    #expect(parts.validation?.countsByClass == [10, 6, 4])
    #expect(parts.test?.countsByClass == [10, 6, 4])
    let names = { (part: ClassificationDataset?) in Set(part?.items.map(\.file) ?? []) }
    #expect(names(parts.training).isDisjoint(with: names(parts.validation)))
    #expect(names(parts.test).isDisjoint(with: names(parts.validation)))
    #expect(try ClassificationParts(set, seed: 5).training.items == parts.training.items)
    #expect(try ClassificationParts(set, seed: 6).training.items != parts.training.items)
  }

  @Test func whatIsMissingIsTold() throws {
    var set = labels(["": [5, 5, 0]], classes: ["a", "b", "c"])
    let error = #expect(throws: DatasetError.self) { _ = try ClassificationParts(set) }
    #expect(error?.description.contains("no pictures to learn from of class c") == true)
    #expect(try ClassificationParts(set, skipBad: true).training.classes.count == 3)
    set = labels(["": [3, 3]], classes: ["a", "b"])
    set.pictures[1].label = nil
    let missing = #expect(throws: DatasetError.self) { _ = try ClassificationParts(set) }
    #expect(missing?.description.contains("/a/1.png has no class") == true)
    let parts = try ClassificationParts(set, validation: .none, skipBad: true)
    #expect(parts.training.count == 5 && parts.skipped == 1)
  }

  @Test func theEmbeddedClothesAreThere() throws {
    let labels = try LabelSet.fashionMNIST()
    let parts = try ClassificationParts(labels)
    #expect(parts.training.countsByClass == [108, 89, 99, 112, 114, 83, 106, 102, 96, 91])
    #expect(parts.test?.countsByClass == [Int](repeating: 90, count: 10))
    #expect(parts.validation == nil)
    #expect(parts.training.classes[8] == "Bag")
    let picture = try parts.training.picture(at: 17)
    #expect(picture.width == 28 && picture.height == 28)
    #expect(
      try parts.training.sample(at: 17).classes.map(\.label) == [parts.training.items[17].label])
  }

  @Test func tablesOfFilesAndClassesAreRead() throws {
    let folder = NSTemporaryDirectory() + "saker-classes-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    for name in ["x", "y", "z"] {
      try Picture(width: 4, height: 4).write(to: "\(folder)/\(name).png")
    }
    func read(_ text: String) throws -> LabelSet {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/labels.csv"))
      return try LabelSet(path: folder + "/labels.csv")
    }
    let set = try read("filename,label,split\nx.png,dog,train\ny.png,cat,train\nz.png,dog,test\n")
    #expect(set.format == .csv && set.problems.isEmpty)
    #expect(set.classNames == ["dog", "cat"] && set.pictures.map(\.label) == [0, 1, 0])
    #expect(set.splits == ["train", "test"])
    let numbers = try read("image,class\nx.png,2\ny.png,0\nz.png,1\n")
    #expect(numbers.classNames.count == 3 && numbers.pictures.map(\.label) == [2, 0, 1])
    let twice = try read("image,class\nx.png,a\nx.png,b\n")
    #expect(twice.problems.contains { $0.message.contains("second class") })
  }
}
