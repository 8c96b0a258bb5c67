import Foundation

extension RunReport {
  /// What is said about each picture of a run folder that is there.
  static func known(_ names: Set<String>) -> [Section] {
    var sections: [Section] = []
    func add(_ file: String, _ title: String, _ meaning: String, _ advice: String) {
      guard names.contains(file) else { return }
      sections.append(Section(file: file, title: title, meaning: meaning, advice: advice))
    }
    func addNumbered(
      _ prefix: String, _ suffix: String, _ title: String, _ meaning: String, _ advice: String
    ) {
      for number in 0..<100 where names.contains("\(prefix)\(number)\(suffix)") {
        add("\(prefix)\(number)\(suffix)", "\(title) \(number + 1)", meaning, advice)
      }
    }
    add(
      "results.png", "Learning curves",
      "Losses should fall and measures rise over the epochs; faint points are the values, bold lines their trend.",
      "Still falling at the end: train longer. Training falls while validation gets worse: the model learns the pictures by heart; more data or stronger augmentation helps, or stop earlier (--patience). Jumps or no fall at all: a smaller learning rate, or --clip-norm."
    )
    add(
      "confusion_matrix_normalized.png", "Confusion, as shares",
      "A column for each true class: which share of its objects was taken for what. The diagonal is right; the last row, background, is what was missed.",
      "Dark cells off the diagonal are classes that look alike: look at their labels first, then add pictures of both. A dark last row: objects are missed; more or larger pictures of that class, a larger input, anchors that fit."
    )
    add(
      "confusion_matrix.png", "Confusion, counted",
      "The same as counts. The last column, background, has detections where nothing is marked.",
      "Many detections of nothing: look at them below; if the object is there, the labels are incomplete. Otherwise add pictures without objects that look like them."
    )
    add(
      "PR_curve.png", "Precision against recall",
      "For each class: how many of the detections are right when so much of the objects is found. The area under a line is its average precision.",
      "A line that falls early: wrong detections with high confidence. One that ends early: objects that are never found, whatever the threshold."
    )
    add(
      "F1_curve.png", "F1 against confidence",
      "The harmonic mean of precision and recall by threshold; the dashed line is the best.",
      "Use the confidence of the peak when misses and false alarms cost the same. A broad peak means that the threshold matters little."
    )
    add(
      "P_curve.png", "Precision against confidence",
      "How many of the detections above a confidence are right.",
      "Read off the threshold that gives the precision you need. A line that does not rise: confidence says little, train longer or check the labels."
    )
    add(
      "R_curve.png", "Recall against confidence",
      "How many of the objects are found when only detections above a confidence count.",
      "Read off what a threshold costs. Low even at 0: the model cannot see these objects, often because they are too small at this input size."
    )
    add(
      "worst_false_positives.jpg", "Worst false positives",
      "The wrong detections that the model is most sure of. Truths are striped.",
      "Look whether the labels are wrong before blaming the model. Real mistakes on background: add those places as pictures without objects."
    )
    add(
      "worst_misses.jpg", "Worst misses",
      "The largest objects that were not found.",
      "Large and clear, but missed: too few such objects in training. Hidden, cut or blurred ones: mark them as difficult, or augment for them."
    )
    add(
      "worst_pictures.jpg", "Worst pictures",
      "Pictures told wrong, the surest first: what was said, how surely, and what is marked.",
      "Look whether the marked class is wrong before blaming the network. Pictures that show both: say what counts, and mark all of them alike. Real mistakes: more pictures like these."
    )
    addNumbered(
      "val_batch", "_labels.jpg", "Validation, truths", "The marked objects.",
      "Boxes that are loose, missing or of the wrong class limit what any model can reach: mend these first."
    )
    addNumbered(
      "val_batch", "_pred.jpg", "Validation, found", "What the model finds in the same pictures.",
      "Compare with the truths: the same mistake in many pictures shows what data is missing.")
    add(
      "labels.jpg", "Labels",
      "Objects a class, box shapes laid on one another, where centres lie, and how large boxes are.",
      "Rare classes need more pictures or a balanced sampler. Very small boxes need a larger input. Centres in one place only: augment with shifts and crops."
    )
    add(
      "labels_correlogram.jpg", "Labels, against one another",
      "Position and size of boxes, each against each other.",
      "A strong pattern (size that depends on height in the picture, say) will be learnt too; it will not hold for cameras placed differently."
    )
    addNumbered(
      "train_batch", ".jpg", "Training batch",
      "Pictures as the model gets them, augmented, with their boxes.",
      "Boxes must still lie on their objects. Objects that you cannot recognize yourself are augmented too strongly."
    )
    return sections
  }
}
