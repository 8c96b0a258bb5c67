/// A data set in COCO's terms (Lin et al., "Microsoft COCO", arXiv:1405.0312, and its format page):
/// ids are the file's own and may have gaps, in any order.
public struct COCODataset: Hashable, Sendable {
  public var images: [COCOImage]
  /// In file order, which is the order of classes.
  public var categories: [COCOCategory]
  public var annotations: [COCOAnnotation]
  /// What the file says of itself and of its pictures' licences: JSON as it stands there.
  public var info, licenses: String?
  /// Entries that were left out because something about them is wrong; empty unless a file
  /// was read leniently.
  public var problems: [JSONError] = []

  public init(
    images: [COCOImage] = [], categories: [COCOCategory] = [], annotations: [COCOAnnotation] = []
  ) {
    self.images = images
    self.categories = categories
    self.annotations = annotations
  }
}

public struct COCOImage: Hashable, Sendable {
  public var id: Int
  /// Empty if the file doesn't say.
  public var fileName: String
  /// In pixels; 0 if the file doesn't say.
  public var width, height: Int
  /// The number of its licence, if the file gives one.
  public var license: Int?

  public init(id: Int, fileName: String = "", width: Int = 0, height: Int = 0) {
    self.id = id
    self.fileName = fileName
    self.width = width
    self.height = height
  }
}

public struct COCOCategory: Hashable, Sendable {
  public var id: Int
  /// Both empty if the file doesn't say.
  public var name, supercategory: String

  public init(id: Int, name: String = "", supercategory: String = "") {
    self.id = id
    self.name = name
    self.supercategory = supercategory
  }
}

/// `[x, y, width, height]` in pixels between pixels, from the upper left; in double precision, for
/// thresholds are compared without tolerance.
public struct COCOBox: Hashable, Sendable {
  public var x, y, width, height: Double

  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  public init(_ box: Box) {
    self.init(
      x: Double(box.left), y: Double(box.top), width: Double(box.right) - Double(box.left),
      height: Double(box.bottom) - Double(box.top))
  }

  public var area: Double { width * height }

  /// Corners in single precision.
  public var box: Box {
    Box(left: Float(x), top: Float(y), right: Float(x + width), bottom: Float(y + height))
  }
}

/// The pixels of an object.
public enum COCOSegmentation: Hashable, Sendable {
  /// Outlines `x0, y0, x1, y1, ...` whose union is the object.
  case polygons([[Double]])
  /// Runs, written as numbers or as a string.
  case runs(RunLengthMask, isCompressed: Bool)
}

/// A labelled object.
public struct COCOAnnotation: Hashable, Sendable {
  public var id, imageID, categoryID: Int
  public var box: COCOBox?
  /// In pixels; of the mask where there is one. Decides whether an object is small, medium or
  /// large.
  public var area: Double?
  /// A crowd: finding it or not doesn't count, and many detections may lie in it.
  public var isCrowd: Bool
  public var segmentation: COCOSegmentation?
  /// `x, y, visibility` a point; empty without key points.
  public var keypoints: [Double]

  public init(
    id: Int, imageID: Int, categoryID: Int, box: COCOBox? = nil, area: Double? = nil,
    isCrowd: Bool = false, segmentation: COCOSegmentation? = nil, keypoints: [Double] = []
  ) {
    self.id = id
    self.imageID = imageID
    self.categoryID = categoryID
    self.box = box
    self.area = area
    self.isCrowd = isCrowd
    self.segmentation = segmentation
    self.keypoints = keypoints
  }
}

/// One object, as a detector found it.
public struct COCODetection: Hashable, Sendable {
  public var imageID, categoryID: Int
  public var box: COCOBox?
  public var score: Double
  public var segmentation: COCOSegmentation?

  public init(
    imageID: Int, categoryID: Int, box: COCOBox? = nil, score: Double,
    segmentation: COCOSegmentation? = nil
  ) {
    self.imageID = imageID
    self.categoryID = categoryID
    self.box = box
    self.score = score
    self.segmentation = segmentation
  }
}
