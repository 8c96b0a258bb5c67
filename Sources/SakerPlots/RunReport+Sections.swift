import Foundation

extension RunReport {
  /// What is said about each picture of a detector's run folder that is there.
  static func known(_ names: Set<String>) -> [Section] {
    var list = SectionList(names)
    list.addCurves()
    list.add(
      "confusion_matrix_normalized.png", "Confusion, as shares",
      "A column for each true class: which share of its objects was predicted as what. The diagonal is correct; the last row, background, is what was missed.",
      "Dark cells off the diagonal are classes that look alike: check their labels first, then add images of both. A dark last row: objects are missed; add more or larger images of that class, use a larger input, or anchors that fit."
    )
    list.add(
      "confusion_matrix.png", "Confusion, counted",
      "The same as counts. The last column, background, has detections where nothing is labelled.",
      "Many false positives on background: look at them below; if the object is there, the labels are incomplete. Otherwise add images without objects that look like them."
    )
    list.add(
      "PR_curve.png", "Precision against recall",
      "For each class: precision at each recall. The area under a line is its average precision.",
      "A line that falls early: wrong detections with high confidence. One that ends early: objects that are never found, whatever the threshold."
    )
    list.add(
      "F1_curve.png", "F1 against confidence",
      "The harmonic mean of precision and recall by threshold; the dashed line is the best.",
      "Use the confidence of the peak when misses and false alarms cost the same. A broad peak means that the threshold matters little."
    )
    list.add(
      "P_curve.png", "Precision against confidence",
      "The share of the detections above a confidence that are correct.",
      "Read off the threshold that gives the precision you need. A line that does not rise: confidence says little, train longer or check the labels."
    )
    list.add(
      "R_curve.png", "Recall against confidence",
      "The share of the objects that is found by detections above a confidence.",
      "Read off what a threshold costs. Low even at 0: the model cannot see these objects, often because they are too small at this input size."
    )
    list.add(
      "worst_false_positives.jpg", "Worst false positives",
      "The wrong detections with the highest confidence. True boxes are striped.",
      "Check the labels before blaming the model. Real mistakes on background: add those regions as images without objects."
    )
    list.add(
      "worst_misses.jpg", "Worst misses",
      "The largest objects that were not found.",
      "Large and clear, but missed: too few such objects in training. Occluded, truncated or blurred ones: label them as difficult, or augment for them."
    )
    list.addNumbered(
      "val_batch", "_labels.jpg", "Validation, labels", "The labelled objects.",
      "Boxes that are loose, missing or of the wrong class limit what any model can reach: fix these first."
    )
    list.addNumbered(
      "val_batch", "_pred.jpg", "Validation, predictions", "The detections in the same images.",
      "Compare with the labels: the same mistake in many images shows what data is missing.")
    list.add(
      "labels.jpg", "Labels",
      "Objects per class, box shapes overlaid, positions of centres, and box sizes.",
      "Rare classes need more images or a balanced sampler. Very small boxes need a larger input. Centres in one place only: augment with shifts and crops."
    )
    list.add(
      "labels_correlogram.jpg", "Labels, correlogram",
      "Position and size of boxes, each against each other.",
      "A strong pattern (size that depends on height in the image, say) will be learned, too; it will not hold for cameras placed differently."
    )
    list.addNumbered(
      "train_batch", ".jpg", "Training batch",
      "Images as the model sees them, augmented, with their boxes.",
      "Boxes must still lie on their objects. Objects that you cannot recognize yourself are augmented too strongly."
    )
    return list.sections
  }

  /// The same for a classifier's.
  static func ofClassifier(_ names: Set<String>) -> [Section] {
    var list = SectionList(names)
    list.addCurves()
    list.add(
      ClassificationPictures.classTable, "Classes",
      "Images of each class. Precision: of the images predicted as this class, the share that are. Recall: of the images of this class, the share predicted so. F1: their harmonic mean. Top-1: the share of all images that were classified correctly; top-5: the share whose class was among the five most probable.",
      "Low recall, high precision: the class is predicted too rarely; add images of it, or use --balance sampler where it is rare. Low precision: other classes are mistaken for it; its row of the confusion matrix shows which."
    )
    list.add(
      "confusion_matrix_normalized.png", "Confusion, as shares",
      "A column for each true class: which share of its images was predicted as which class. The diagonal is correct: it is the recall of the class.",
      "Dark cells off the diagonal are classes that look alike: check their labels first, then add images of both, larger ones if the difference is small."
    )
    list.add(
      "confusion_matrix.png", "Confusion, counted",
      "The same as counts: a row has all images predicted as a class.",
      "Columns with few images say little: one image of ten is a tenth of the recall."
    )
    list.add(
      "worst_pictures.jpg", "Worst mistakes",
      "Misclassified images, the most confident first: the predicted class, its probability, and the label.",
      "Check the label before blaming the network. Images that show both classes: decide which counts, and label all of them alike. Real mistakes: add more images like these."
    )
    list.add(
      ClassificationPictures.worstTable, "Worst mistakes, by name",
      "All misclassified images, the most confident first: the file, the label, the predicted class, and the probabilities of both.",
      "Fix wrong labels by these names. A label whose probability is just below the prediction's is a near miss; one near 0 is a mistake of the label or of the network."
    )
    list.addNumbered(
      "val_batch", "_labels.jpg", "Validation, labels",
      "Images from all over the data, with their labels.",
      "Wrong or doubtful labels limit what any network can reach: fix these first.")
    list.addNumbered(
      "val_batch", "_pred.jpg", "Validation, predictions",
      "The predictions for the same images, with their probabilities.",
      "Compare with the labels: the same mistake in many images shows what data is missing.")
    list.addNumbered(
      "train_batch", ".jpg", "Training batch",
      "Images as the network sees them, augmented and mixed, with the shares of their classes.",
      "What makes the class must still be visible. Images that you cannot recognize yourself are augmented too strongly."
    )
    return list.sections
  }
}

/// Sections for the files that are there.
private struct SectionList {
  private let names: Set<String>
  private(set) var sections: [RunReport.Section] = []

  init(_ names: Set<String>) { self.names = names }

  mutating func add(_ file: String, _ title: String, _ meaning: String, _ advice: String) {
    guard names.contains(file) else { return }
    sections.append(
      RunReport.Section(file: file, title: title, meaning: meaning, advice: advice))
  }

  mutating func addNumbered(
    _ prefix: String, _ suffix: String, _ title: String, _ meaning: String, _ advice: String
  ) {
    for number in 0..<100 where names.contains("\(prefix)\(number)\(suffix)") {
      add("\(prefix)\(number)\(suffix)", "\(title) \(number + 1)", meaning, advice)
    }
  }

  mutating func addCurves() {
    add(
      "results.png", "Learning curves",
      "Losses should fall and measures rise over the epochs; faint points are the values, bold lines their trend.",
      "Still falling at the end: train longer. Training falls while validation gets worse: the model overfits; more data or stronger augmentation helps, or stop earlier (--patience). Jumps or no fall at all: a smaller learning rate, or --clip-norm."
    )
  }
}
