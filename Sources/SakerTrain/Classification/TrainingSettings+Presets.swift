/// Recipes for classifiers.
extension TrainingSettings {
  /// As the field trains small residual networks on small pictures: SGD with one cycle to 0.1,
  /// decay, shifts, flips and label smoothing, 20 epochs of batches of 64, float32.
  public static var reference: TrainingSettings {
    var settings = TrainingSettings()
    settings.epochs = 20
    settings.batch = 64
    settings.rule = .sgd
    settings.momentum = 0.9
    settings.learningRate = 0.1
    settings.decay = 5e-4
    settings.course = .onecycle
    settings.averageDecay = 0
    settings.horizontalFlip = 0.5
    settings.verticalFlip = 0
    settings.colorJitter = 0
    var own = ClassificationSettings()
    own.labelSmoothing = 0.1
    own.shift = 2
    settings.classification = own
    return settings
  }

  /// From random weights: long and strongly varied, with an average of the weights; found best on a
  /// part of the embedded Fashion-MNIST's own training pictures (docs/benchmarks.md), with a
  /// network a quarter as wide.
  public static var fromScratch: TrainingSettings {
    var settings = reference
    settings.epochs = 80
    settings.averageDecay = 0.995
    settings.classification?.cutmix = 1
    settings.classification?.erasing = 0.5
    return settings
  }

  /// From weights that know other pictures: fewer and smaller steps, the new head ten times faster
  /// than the rest, crops instead of shifts.
  public static var fineTuning: TrainingSettings {
    var settings = reference
    settings.epochs = 10
    settings.batch = 32
    settings.learningRate = 0.01
    settings.decay = 1e-4
    settings.classification?.headRate = 10
    settings.classification?.shift = 0
    settings.classification?.resizedCrop = 0.5
    return settings
  }
}
