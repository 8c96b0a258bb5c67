/// Pictures by their index, with what is marked in them: what a `Loader` loads.
public protocol PictureSource: Sendable {
  var count: Int { get }

  /// A short name, for batches.
  func name(of index: Int) -> String

  /// Where the picture comes from, for messages.
  func file(of index: Int) -> String

  /// The decoded picture with its objects or classes; asked on several threads.
  func sample(at index: Int) throws -> Sample
}

/// A data set's pictures, read in a way of one's own.
struct DetectionSource: PictureSource {
  let dataset: DetectionDataset
  /// Whether samples carry masks and key points.
  let outlines: Bool
  let read: @Sendable (DetectionDataset.Item) throws -> Picture

  var count: Int { dataset.items.count }
  func name(of index: Int) -> String { dataset.items[index].name }
  func file(of index: Int) -> String { dataset.items[index].picture }

  func sample(at index: Int) throws -> Sample {
    let item = dataset.items[index]
    let picture = try read(item)
    return outlines
      ? item.sample(picture) : Sample(picture: picture, annotations: item.annotations)
  }
}
