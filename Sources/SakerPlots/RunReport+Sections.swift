import Foundation

extension RunReport {
  /// What is said about each picture of a detector's run folder that is there.
  static func known(_ names: Set<String>) -> [Section] {
    var list = SectionList(names)
    list.addCurves()
    list.add(
      "confusion_matrix_normalized.png", "Confusion, as shares",
      "A column for each true class: which share of its objects was taken for what. The diagonal is right; the last row, background, is what was missed.",
      "Dark cells off the diagonal are classes that look alike: look at their labels first, then add pictures of both. A dark last row: objects are missed; more or larger pictures of that class, a larger input, anchors that fit."
    )
    list.add(
      "confusion_matrix.png", "Confusion, counted",
      "The same as counts. The last column, background, has detections where nothing is marked.",
      "Many detections of nothing: look at them below; if the object is there, the labels are incomplete. Otherwise add pictures without objects that look like them."
    )
    list.add(
      "PR_curve.png", "Precision against recall",
      "For each class: how many of the detections are right when so much of the objects is found. The area under a line is its average precision.",
      "A line that falls early: wrong detections with high confidence. One that ends early: objects that are never found, whatever the threshold."
    )
    list.add(
      "F1_curve.png", "F1 against confidence",
      "The harmonic mean of precision and recall by threshold; the dashed line is the best.",
      "Use the confidence of the peak when misses and false alarms cost the same. A broad peak means that the threshold matters little."
    )
    list.add(
      "P_curve.png", "Precision against confidence",
      "How many of the detections above a confidence are right.",
      "Read off the threshold that gives the precision you need. A line that does not rise: confidence says little, train longer or check the labels."
    )
    list.add(
      "R_curve.png", "Recall against confidence",
      "How many of the objects are found when only detections above a confidence count.",
      "Read off what a threshold costs. Low even at 0: the model cannot see these objects, often because they are too small at this input size."
    )
    list.add(
      "worst_false_positives.jpg", "Worst false positives",
      "The wrong detections that the model is most sure of. Truths are striped.",
      "Look whether the labels are wrong before blaming the model. Real mistakes on background: add those places as pictures without objects."
    )
    list.add(
      "worst_misses.jpg", "Worst misses",
      "The largest objects that were not found.",
      "Large and clear, but missed: too few such objects in training. Hidden, cut or blurred ones: mark them as difficult, or augment for them."
    )
    list.addNumbered(
      "val_batch", "_labels.jpg", "Validation, truths", "The marked objects.",
      "Boxes that are loose, missing or of the wrong class limit what any model can reach: mend these first."
    )
    list.addNumbered(
      "val_batch", "_pred.jpg", "Validation, found", "What the model finds in the same pictures.",
      "Compare with the truths: the same mistake in many pictures shows what data is missing.")
    list.add(
      "labels.jpg", "Labels",
      "Objects a class, box shapes laid on one another, where centres lie, and how large boxes are.",
      "Rare classes need more pictures or a balanced sampler. Very small boxes need a larger input. Centres in one place only: augment with shifts and crops."
    )
    list.add(
      "labels_correlogram.jpg", "Labels, against one another",
      "Position and size of boxes, each against each other.",
      "A strong pattern (size that depends on height in the picture, say) will be learnt too; it will not hold for cameras placed differently."
    )
    list.addNumbered(
      "train_batch", ".jpg", "Training batch",
      "Pictures as the model gets them, augmented, with their boxes.",
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
      "Pictures of each class; precision is the share of those told to be of the class that are, recall the share of the class's pictures that were told so, F1 their harmonic mean. Top-1 is the share of all pictures that were told right, top-5 of those whose class was among the five most probable.",
      "Low recall, high precision: the class is told too rarely; more pictures of it, or --balance sampler where it is rare. Low precision: others are taken for it; its row of the confusion matrix says which."
    )
    list.add(
      "confusion_matrix_normalized.png", "Confusion, as shares",
      "A column for each true class: which share of its pictures was told to be of which class. The diagonal is right: it is the class's recall.",
      "Dark cells off the diagonal are classes that look alike: look at their labels first, then add pictures of both, larger ones if the difference is small."
    )
    list.add(
      "confusion_matrix.png", "Confusion, counted",
      "The same as counts: a row has all pictures that were told to be of a class.",
      "Columns with few pictures say little: of ten pictures, one is a tenth of the recall."
    )
    list.add(
      "worst_pictures.jpg", "Worst pictures",
      "Pictures told wrong, the surest first: what was said, how surely, and what is marked.",
      "Look whether the marked class is wrong before blaming the network. Pictures that show both: say what counts, and mark all of them alike. Real mistakes: more pictures like these."
    )
    list.add(
      ClassificationPictures.worstTable, "Worst pictures, by name",
      "All pictures told wrong, the surest first: the file, the class that is marked, the one that was said, and the probabilities of both.",
      "Mend wrong labels by these names. A probability of the marked class just below the other's is a near miss; one near 0 is a mistake of the label or of the network."
    )
    list.addNumbered(
      "val_batch", "_labels.jpg", "Validation, truths",
      "Pictures from all over the data, and the classes that are marked.",
      "Wrong or doubtful classes limit what any network can reach: mend these first.")
    list.addNumbered(
      "val_batch", "_pred.jpg", "Validation, told",
      "What the network says of the same pictures, and how surely.",
      "Compare with the truths: the same mistake in many pictures shows what data is missing.")
    list.addNumbered(
      "train_batch", ".jpg", "Training batch",
      "Pictures as the network gets them, augmented and mixed, with the shares of their classes.",
      "What tells the class must still be seen. Pictures that you cannot recognize yourself are augmented too strongly."
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
      "Still falling at the end: train longer. Training falls while validation gets worse: the model learns the pictures by heart; more data or stronger augmentation helps, or stop earlier (--patience). Jumps or no fall at all: a smaller learning rate, or --clip-norm."
    )
  }
}
