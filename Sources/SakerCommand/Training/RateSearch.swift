import ArgumentParser
import Foundation
import Saker

/// A run that learning rates can be tried with.
protocol SearchableJob {
  associatedtype Task: TrainingTask
  var trainer: Trainer<Task> { get }
  /// What its epochs are compared by, for tables.
  static var measure: String { get }

  /// - Parameters:
  ///   - holdsOut: whether pictures to validate on are taken from those to learn from where
  ///     there are no others.
  ///   - tells: whether the data's warnings are told.
  init(
    starting command: TrainCommand, changed: TrainingSettings?, into folder: RunFolder?,
    holdsOut: Bool, tells: Bool) throws
  func run(json: Bool, profile: Bool, pictures hasPictures: Bool, silent: Bool) throws
}

extension ClassificationJob: SearchableJob {
  static var measure: String { "top1" }

  init(
    starting command: TrainCommand, changed: TrainingSettings?, into folder: RunFolder?,
    holdsOut: Bool, tells: Bool
  ) throws {
    try self.init(
      starting: command, changed: changed, into: folder, fold: nil, holdsOut: holdsOut,
      tells: tells)
  }
}

extension DetectionJob: SearchableJob {
  static var measure: String { "mAP50" }
}

extension EpochResult {
  /// The whole of the losses, of whatever parts a task has.
  fileprivate var searched: (train: Double?, val: Double?) {
    if let trainLoss { return (trainLoss, valLoss) }
    let val = valClassLoss.flatMap { classes in valBoxLoss.map { classes + $0 } }
    return (trainClassLoss + trainBoxLoss, val)
  }
}

/// `saker train --search`: a range test, short runs at a few rates around what it suggests, and
/// then the run with the best of them. What is tried is measured on validation data, which are held
/// out where the data have none; the test data are not asked.
struct RateSearch<Job: SearchableJob> {
  let command: TrainCommand

  init(_ command: TrainCommand) { self.command = command }

  struct Trial: Encodable {
    var learningRate: Double
    var epochs: Int
    var seconds: Double
    /// Whether all of its epochs fitted into the time, and its loss stayed a number.
    var finished: Bool
    var trainLoss, valLoss: Double?
    /// Of a classifier.
    var top1: Double?
    /// Of a detector.
    var meanAveragePrecision: Double?
    var picked = false

    var score: Double? { top1 ?? meanAveragePrecision }
  }

  private struct Report: Encodable {
    var run: String
    var suggestion: Double?
    var trials: [Trial]
    var learningRate: Double
    var seconds: Double
    var top1, testTop1, meanAveragePrecision: Double?
  }

  func run() throws {
    let json = command.common.json
    let seconds = command.lessons.searchSeconds ?? 60
    let settings = try command.chosenSettings()
    let claim = try RunClaim.of(command.out, else: "runs/train", overwrite: command.overwrite)
    let folder = claim.folder
    let start = Date()
    let sweep = try rangeTest(settings, folder, seconds: seconds)
    try claim.clear(overwrite: command.overwrite)
    try folder.prepare()
    let suggestion = sweep.suggestion ?? settings.learningRate
    if !json {
      print(String(format: "range test: %.2g, after %d steps", suggestion, sweep.rates.count))
    }
    var trials = try tryRates(
      around: suggestion, settings, folder, until: start.addingTimeInterval(seconds))
    let picked = RateSearch.best(trials)
    if let picked { trials[picked].picked = true }
    let rate = picked.map { trials[$0].learningRate } ?? suggestion
    try write(trials, sweep, suggestion, folder)
    let spent = Date().timeIntervalSince(start)
    if !json {
      print(String(format: "picked %.2g after %.0f s: %@/search.csv", rate, spent, folder.path))
    }
    var chosen = settings
    chosen.learningRate = rate
    // The data are those of the range test, which told their warnings.
    let job = try Job(
      starting: command, changed: chosen, into: folder, holdsOut: false, tells: false)
    try job.run(json: json, profile: false, pictures: !command.noPictures, silent: json)
    guard json else { return }
    try printJSON(
      Report(
        run: folder.path, suggestion: sweep.suggestion, trials: trials, learningRate: rate,
        seconds: spent, top1: job.trainer.results.last?.top1,
        testTop1: (job as? ClassificationJob)?.testResult()?.top1,
        meanAveragePrecision: job.trainer.results.last?.meanAveragePrecision))
  }

  /// A run to try things with; its folder goes afterwards.
  private func job(
    _ settings: TrainingSettings, _ folder: String, tells: Bool = false
  ) throws -> Job {
    try Job(
      starting: command, changed: settings, into: RunFolder(folder), holdsOut: true, tells: tells)
  }

  /// From 1e-5 to 10, in at most 100 steps and a third of the time.
  private func rangeTest(
    _ settings: TrainingSettings, _ folder: RunFolder, seconds: Double
  ) throws -> LearningRateSweep {
    let trainer = try job(settings, folder.path + "/search", tells: true).trainer
    // One step tells how long they take; the first is the slowest.
    let start = Date()
    _ = try trainer.findLearningRate(LearningRateFinder(1e-6...1e-5, steps: 2))
    let each = Date().timeIntervalSince(start) / 2
    let steps = min(100, max(20, Int(seconds / 3 / max(each, 1e-6))))
    return try trainer.findLearningRate(
      LearningRateFinder(1e-5...10, steps: steps, smoothing: 0.9))
  }

  /// Short runs at the suggestion and at three times and a third of it; then, while there is
  /// time, on from the end of the tried rates if the best is there. Each has as many epochs as a
  /// fifth of the time allows, at most half of the run's: all are as long, or their results
  /// could not be compared.
  private func tryRates(
    around suggestion: Double, _ settings: TrainingSettings, _ folder: RunFolder, until end: Date
  ) throws -> [Trial] {
    var short = settings
    let each = try time(settings, folder)
    let share = max(0, end.timeIntervalSinceNow) / 5
    short.epochs = min(max(1, settings.epochs / 2), max(1, Int(share / each)))
    var trials: [Trial] = []
    // The largest first: what explodes ends at once and leaves its time to the others.
    var rates = [3, 1, 1 / 3.0].map { suggestion * $0 }
    while let rate = rates.first, trials.count < RateSearch.mostTrials {
      // One that could not be finished would say nothing.
      guard end.timeIntervalSinceNow > 0.8 * (trials.last?.seconds ?? 0) else { break }
      rates.removeFirst()
      short.learningRate = rate
      trials.append(try attempt(short, folder, until: end))
      if rates.isEmpty, let next = RateSearch.beyond(trials) { rates = [next] }
    }
    return trials
  }

  private static var mostTrials: Int { 10 }

  /// The next rate where the best one tried is the largest or the smallest; `nil` if better ones
  /// lie on neither side.
  static func beyond(_ trials: [Trial]) -> Double? {
    guard let best = best(trials) else {
      // Nothing was finished or all exploded: only smaller rates can help.
      return trials.map(\.learningRate).min().map { $0 / 3 }
    }
    let rate = trials[best].learningRate
    if trials.allSatisfy({ $0.learningRate >= rate }) { return rate / 3 }
    return trials.allSatisfy({ $0.learningRate <= rate }) ? rate * 3 : nil
  }

  /// Seconds of one epoch with its validation.
  private func time(_ settings: TrainingSettings, _ folder: RunFolder) throws -> Double {
    var one = settings
    (one.epochs, one.warmUpEpochs) = (1, 0)
    return try attempt(one, folder, until: .distantFuture).seconds
  }

  private func attempt(
    _ settings: TrainingSettings, _ folder: RunFolder, until end: Date
  ) throws -> Trial {
    var settings = settings
    settings.patience = 0
    settings.warmUpEpochs = min(settings.warmUpEpochs, Double(settings.epochs) / 2)
    let place = folder.path + "/search"
    defer { try? FileManager.default.removeItem(atPath: place) }
    let trainer = try job(settings, place).trainer
    trainer.isQuiet = true
    trainer.isInterrupted = { Interruption.isWanted || Date() > end }
    let start = Date()
    var trial = Trial(
      learningRate: settings.learningRate, epochs: settings.epochs, seconds: 0, finished: false)
    do {
      trial.finished = try trainer.run() != .interrupted
    } catch let error as TrainingError where "\(error)".contains("no longer a number") {
      // Too fast: that is an answer.
    }
    trial.seconds = Date().timeIntervalSince(start)
    if let last = trainer.results.last {
      let found = last.searched
      (trial.trainLoss, trial.valLoss) = (found.train, found.val)
      (trial.top1, trial.meanAveragePrecision) = (last.top1, last.meanAveragePrecision)
    }
    return trial
  }

  /// The finished run with the best measure; of equal ones, as of detectors that find nothing yet,
  /// that with the smaller loss.
  static func best(_ trials: [Trial]) -> Int? {
    trials.indices.filter { trials[$0].finished && trials[$0].score != nil }.max {
      (trials[$0].score ?? 0, -(trials[$0].valLoss ?? .infinity))
        < (trials[$1].score ?? 0, -(trials[$1].valLoss ?? .infinity))
    }
  }

  /// `search.csv` and `search.png`.
  private func write(
    _ trials: [Trial], _ sweep: LearningRateSweep, _ suggestion: Double, _ folder: RunFolder
  ) throws {
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    let rows = trials.map { trial in
      [
        text(trial.learningRate), "\(trial.epochs)", text(trial.seconds), "\(trial.finished)",
        text(trial.trainLoss), text(trial.valLoss), text(trial.score), "\(trial.picked)",
      ].joined(separator: ",") + "\n"
    }
    let header = "lr,epochs,seconds,finished,train_loss,val_loss,\(Job.measure),picked\n"
    try RunFolder.write(header + rows.joined(), to: folder.path + "/search.csv")
    var charts = [
      Chart.learningRate(
        rates: sweep.rates, losses: sweep.losses, smoothed: sweep.smoothed, suggestion: suggestion)
    ]
    charts[0].title = "range test"
    let measured = trials.filter { $0.score != nil }.sorted { $0.learningRate < $1.learningRate }
    if !measured.isEmpty {
      charts.append(
        Chart(
          title: "\(Job.measure) of the short runs", x: Axis("learning rate", logarithmic: true),
          y: Axis(Job.measure),
          series: [
            Chart.Series(
              nil, x: measured.map(\.learningRate), y: measured.map { $0.score ?? 0 },
              color: Palette.color(0), style: .linePoints)
          ]))
    }
    try Figure(charts).write(to: folder.path + "/search.png")
  }
}
