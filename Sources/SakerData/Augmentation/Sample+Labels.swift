/// The labelled outline of an object: kept as the files have it, rasterized to a mask when needed.
public struct ObjectOutline: Hashable, Sendable {
  /// In pixels of the picture.
  public var shape: LabeledObject.Shape
  public var keyPoints: [LabeledObject.KeyPoint]

  public init(shape: LabeledObject.Shape = .box, keyPoints: [LabeledObject.KeyPoint] = []) {
    self.shape = shape
    self.keyPoints = keyPoints
  }

  /// `nil` for an object that has nothing but its box.
  init?(_ object: LabeledObject) {
    if case .box = object.shape, object.keyPoints.isEmpty { return nil }
    self.init(shape: object.shape, keyPoints: object.keyPoints)
  }

  /// The inside of the outline, as large as the picture; `nil` for boxes and lines, which have
  /// none, and for run lengths of a picture of another size.
  public func mask(_ size: PictureSize) -> Mask? {
    switch shape {
    case .box, .line: return nil
    case .polygons(let parts):
      let polygons = parts.map { part in
        stride(from: 0, to: part.count - 1, by: 2).map {
          PicturePoint(x: Float(part[$0]), y: Float(part[$0 + 1]))
        }
      }
      return Mask(width: size.width, height: size.height, polygons: polygons)
    case .mask(let runs):
      guard runs.width == size.width, runs.height == size.height else { return nil }
      return Mask(width: size.width, height: size.height, values: runs.rows)
    }
  }
}

extension KeyPoint {
  /// COCO's triple; whatever it does not know counts as not marked.
  public init(_ point: LabeledObject.KeyPoint) {
    self.init(
      PicturePoint(x: Float(point.x), y: Float(point.y)),
      Visibility(rawValue: point.visibility) ?? .unknown)
  }
}

extension SampleObject {
  /// An object with its outline as a mask and its key points; the box is clipped to the picture.
  public init(_ annotation: Annotation, _ outline: ObjectOutline?, size: PictureSize) {
    self.init(
      annotation, mask: outline?.mask(size),
      keypoints: outline?.keyPoints.map { KeyPoint($0) } ?? []
    )
  }

  /// An object of any format, in pixels of a picture of that size.
  public init(_ object: LabeledObject, size: PictureSize) {
    let box = object.box.box.clipped(width: Float(size.width), height: Float(size.height))
    self.init(
      Annotation(box: box, label: object.label, difficult: object.flags.contains(.difficult)),
      ObjectOutline(object), size: size)
  }
}

extension DetectionDataset.Item {
  /// The item as a sample: boxes, and masks and key points where the labels have them.
  ///
  /// - Parameter picture: the item's, decoded; one of another size than the item states
  ///   goes without masks.
  public func sample(_ picture: Picture) -> Sample {
    let size = PictureSize(width: picture.width, height: picture.height)
    guard outlines.count == annotations.count, size == self.size else {
      return Sample(picture: picture, annotations: annotations)
    }
    return Sample(
      picture: picture,
      objects: zip(annotations, outlines).map { SampleObject($0, $1, size: size) })
  }
}

extension LabelSet {
  /// A picture with everything marked in it, for transforms: boxes, masks, key points and the
  /// picture's class. Crowds, lines and objects without area or of unknown classes are left out.
  ///
  /// - Throws: `PictureError`.
  public func sample(at index: Int) throws -> Sample {
    let picture = try picture(at: index)
    let size = PictureSize(width: picture.width, height: picture.height)
    let entry = pictures[index]
    let objects = entry.objects.compactMap { object -> SampleObject? in
      if case .line = object.shape { return nil }
      guard classes.indices.contains(object.label), !object.flags.contains(.crowd),
        object.box.isFinite
      else { return nil }
      // Boxes stay fractions while nobody has looked at the picture.
      let isFraction = entry.size == nil && (format == .yolo || format == .labelImgYOLO)
      let sample = SampleObject(
        isFraction ? object.scaled(x: Double(size.width), y: Double(size.height)) : object,
        size: size)
      return sample.box.width > 0 && sample.box.height > 0 ? sample : nil
    }
    return Sample(
      picture: picture, objects: objects,
      classes: entry.label.map { [ClassShare(label: $0, share: 1)] } ?? [])
  }
}
