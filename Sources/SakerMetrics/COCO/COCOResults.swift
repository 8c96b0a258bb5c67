import SakerData

extension COCODataset {
  /// The truths beside detections, picture by picture, for the measures that aren't COCO's; crowds
  /// are marked difficult. What has no box, or belongs to a picture or category that isn't listed,
  /// is left out.
  ///
  /// - Returns: the results, the pictures' file names (ids where there is none), and the classes'
  ///   names (ids where there is none), in file order.
  public func results(
    with detections: [COCODetection]
  ) -> (results: [PictureResult], pictures: [String], classNames: [String]) {
    let places = Dictionary(images.enumerated().map { ($1.id, $0) }) { first, _ in first }
    let labels = Dictionary(categories.enumerated().map { ($1.id, $0) }) { first, _ in first }
    var results = images.map { _ in PictureResult(detections: [], truths: []) }
    for annotation in annotations {
      guard let place = places[annotation.imageID], let label = labels[annotation.categoryID],
        let box = annotation.box
      else { continue }
      results[place].truths.append(
        Annotation(box: box.box, label: label, difficult: annotation.isCrowd))
    }
    for detection in detections {
      guard let place = places[detection.imageID], let label = labels[detection.categoryID],
        let box = detection.box
      else { continue }
      results[place].detections.append(
        Detection(box: box.box, label: label, score: Float(detection.score)))
    }
    return (
      results, images.map { $0.fileName.isEmpty ? "\($0.id)" : $0.fileName },
      categories.map { $0.name.isEmpty ? "\($0.id)" : $0.name }
    )
  }
}

extension COCOEvaluation {
  /// From Saker's own types: labels are places in `classNames`. Truths marked difficult count as
  /// crowds; areas are those of boxes.
  public init(
    _ results: [PictureResult], classNames: [String]
  ) throws(COCOEvaluationError) {
    var truths = COCODataset(
      images: results.indices.map { COCOImage(id: $0 + 1) },
      categories: classNames.enumerated().map { COCOCategory(id: $0 + 1, name: $1) })
    var found: [COCODetection] = []
    for (index, result) in results.enumerated() {
      for truth in result.truths {
        let box = COCOBox(truth.box)
        truths.annotations.append(
          COCOAnnotation(
            id: truths.annotations.count + 1, imageID: index + 1, categoryID: truth.label + 1,
            box: box, area: box.area, isCrowd: truth.difficult))
      }
      for detection in result.detections {
        found.append(
          COCODetection(
            imageID: index + 1, categoryID: detection.label + 1, box: COCOBox(detection.box),
            score: Double(detection.score)))
      }
    }
    try self.init(truths: truths, detections: found)
  }
}
