import ArgumentParser
import Foundation
import Saker

/// A run from the command line, of any task: what is told before, while and after it trains.
struct TrainingSession<Task: TrainingTask> {
  let trainer: Trainer<Task>
  let isResumed: Bool
  /// The model's name, for people.
  var subject = ""
  /// What it learns from, for people.
  var dataDescription = ""
  /// What became of the files of the data.
  var files: FileAccount?
  /// Lines before the training.
  var report: String?
  /// An epoch's measure, for its line.
  var measure: (EpochResult) -> String? = { _ in nil }
  /// Writes the run's first pictures; `nil` writes none, and no events.
  var begin: (() throws -> Void)?
  /// Writes the last ones, with those of an evaluation if it is wanted.
  var finish: (_ events: TensorBoardWriter?, _ evaluates: Bool) -> Void = { _, _ in }
  /// Which part of a training with a refit it is.
  var phase: RefitPhase?
  /// The second phase, once the first is done.
  var refit: (() throws -> Told)?
  /// Whether nothing is told: the run is a part of something larger.
  var isSilent = false
  /// Said last, before where everything is.
  var conclusion: () -> String? = { nil }

  init(_ trainer: Trainer<Task>, isResumed: Bool) {
    self.trainer = trainer
    self.isResumed = isResumed
  }

  /// How it ended, and what JSON says of it.
  struct Told {
    var ending: TrainingEnding
    var summary: any Encodable
  }

  private struct Summary<More: Encodable>: Encodable {
    var run: String
    var ending: String
    var weights: String
    var best: String
    var epochs: [EpochResult]
    var seconds: Double
    var imagesPerSecond: Double
    /// The most that tensors took at a time while it trained.
    var peakBytes: Int
    var profile: Profiler.Report?
    var files: FileAccount?
    /// What standard error was told besides: letters that no font has.
    var warnings: [String]?
    /// The epoch of the best validation result.
    var bestEpoch: Int?
    /// The second phase.
    var refit: (any Encodable)?
    var more: More

    private enum Keys: String, CodingKey {
      case run, ending, weights, best, epochs, seconds, imagesPerSecond, peakBytes, profile, files
      case warnings, bestEpoch, refit
    }

    /// What a task adds stands beside the rest.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(run, forKey: .run)
      try container.encode(ending, forKey: .ending)
      try container.encode(weights, forKey: .weights)
      try container.encode(best, forKey: .best)
      try container.encode(epochs, forKey: .epochs)
      try container.encode(seconds, forKey: .seconds)
      try container.encode(imagesPerSecond, forKey: .imagesPerSecond)
      try container.encode(peakBytes, forKey: .peakBytes)
      try container.encodeIfPresent(profile, forKey: .profile)
      try container.encodeIfPresent(files, forKey: .files)
      try container.encodeIfPresent(warnings, forKey: .warnings)
      try container.encodeIfPresent(bestEpoch, forKey: .bestEpoch)
      try refit?.encode(to: container.superEncoder(forKey: .refit))
      try more.encode(to: encoder)
    }
  }

  /// Trains, and tells about it.
  ///
  /// - Parameter more: what the task adds to the summary in JSON.
  /// - Throws: what training throws; an exit code of 130 when the user interrupted.
  func run(json: Bool, profile: Bool, more: () throws -> some Encodable) throws {
    let told = try train(json: json, profile: profile, more: more)
    if json, !isSilent { try printJSON(told.summary) }
    if told.ending == .interrupted { throw ExitCode(130) }
  }

  /// Trains, in the second phase, too, and tells about it, but for the summary.
  func train(json: Bool, profile: Bool, more: () throws -> some Encodable) throws -> Told {
    let json = json || isSilent
    trainer.isQuiet = json
    if !json { introduce() }
    try begin?()
    let events = begin == nil ? nil : try startEvents()
    var results: [EpochResult] = []
    trainer.onEpoch = { result in
      results.append(result)
      if !json { print(line(result)) }
    }
    trainer.beforeSaving = { [trainer] result in
      do { try events?.write(result, trainer.task) } catch { note("\(error)") }
    }
    let profiler = profile ? Profiler() : nil
    Interruption.watch()
    MemoryPool.shared.resetPeak()
    let ending = try trainer.run()
    let peakBytes = MemoryPool.shared.use.peak
    Interruption.ignore()
    let times = profiler?.finish(excluding: trainer.secondsWaiting)
    try LearningCurves(file: trainer.folder.results).write(to: trainer.folder.curves)
    KillPoint.pictures.pass(trainer.lastEpoch)
    finish(events, ending != .interrupted)
    KillPoint.end.pass(trainer.lastEpoch)
    if phase == .refit, ending != .interrupted { try closeRefit() }
    if !json {
      if let times { print(times) }
      if let conclusion = conclusion() { print(conclusion) }
      conclude(ending)
    }
    if !trainer.skipped.isEmpty {
      let count = trainer.skipped.count
      note("left out \(count) picture\(count == 1 ? "" : "s") that could not be read")
    }
    let second = ending == .interrupted ? nil : try refit?()
    let rates = results.map(\.imagesPerSecond).sorted()
    let warnings = MissingLetters.warnings
    let summary = try Summary(
      run: trainer.folder.path, ending: "\(ending)", weights: trainer.folder.last,
      best: trainer.folder.best, epochs: results, seconds: results.last?.seconds ?? 0,
      imagesPerSecond: rates.isEmpty ? 0 : rates[rates.count / 2],
      peakBytes: peakBytes, profile: times, files: files,
      warnings: warnings.isEmpty ? nil : warnings, bestEpoch: trainer.bestEpoch,
      refit: second?.summary, more: more())
    return Told(ending: second?.ending ?? ending, summary: summary)
  }

  /// The second phase is done: its start is of no more use, and the first one's report tells of it.
  private func closeRefit() throws {
    let own = URL(fileURLWithPath: trainer.folder.path)
    let first = RunFolder(own.deletingLastPathComponent().path)
    guard first.refit.isSame(as: trainer.folder), unlink(first.start) == 0 else { return }
    if FileManager.default.fileExists(atPath: first.report) {
      try RunPictures(folder: first).writeReport()
    }
  }

  /// A new event file; the first of a run begins with the settings as a text. Of the earlier ones,
  /// what this session writes again goes.
  private func startEvents() throws -> TensorBoardWriter {
    let goesOn =
      try isResumed
      && TensorBoardFolder(trainer.folder.path).rewind(to: trainer.lastEpoch)
    let events = try TensorBoardWriter(folder: trainer.folder.path)
    if goesOn { return events }
    let arguments = FileManager.default.contents(atPath: trainer.folder.arguments) ?? Data()
    let text = String(decoding: arguments, as: UTF8.self)
    try events.write([.text(tag: "args", "```\n\(text)```")], step: 0)
    return events
  }

  private func introduce() {
    let settings = trainer.settings
    print(
      "\(isResumed ? "resuming" : phase == .refit ? "training anew" : "training") \(subject), "
        + "\(trainer.task.network.parameterCount) parameters, on \(dataDescription)")
    if let files { print(files) }
    if let report { print(report) }
    let epochs =
      settings.lastEpoch.map { "the first \($0) of \(settings.epochs)" } ?? "\(settings.epochs)"
    print(
      "\(epochs) epochs, batch \(settings.batch), \(settings.rule.rawValue), "
        + "\(settings.course.rawValue) to \(settings.learningRate), \(settings.precision.rawValue), "
        + "seed \(settings.seed), \(Parallel.threads) threads; \(KernelLibrary.version), "
        + KernelLibrary.instructionSet)
  }

  private func line(_ result: EpochResult) -> String {
    let losses = trainer.task.lossColumns.map { column in
      "\(column.label) \(String(format: "%.4f", result[column] ?? .nan))"
    }
    let text =
      String(format: "epoch %3d/%d  ", result.epoch, trainer.settings.trainedEpochs)
      + losses.joined(separator: "  ")
      + String(
        format: "  lr %.2e  %5.1f img/s  %@", result.learningRate, result.imagesPerSecond,
        ProgressLine.clock(result.seconds))
    return text + (measure(result).map { "  " + $0 } ?? "")
  }

  private func conclude(_ ending: TrainingEnding) {
    let folder = trainer.folder
    let hasReport = FileManager.default.fileExists(atPath: folder.report)
    let told = hasReport ? folder.report : folder.curves
    if phase == .choosing, ending != .interrupted, let best = trainer.bestEpoch {
      print("chosen: \(best) epoch\(best == 1 ? "" : "s"), pictures in \(told)")
      return
    }
    switch ending {
    case .complete: print("done: \(folder.last), pictures in \(told)")
    case .early:
      print("stopped early, no better for \(trainer.settings.patience) epochs: \(folder.best)")
    case .interrupted:
      print("interrupted and saved; go on with: saker train --resume \(folder.path)")
    }
  }
}

/// Where a run that goes on stopped, and where it goes on.
struct ResumedRun {
  let file: String
  private let folder: RunFolder
  /// That wrote the checkpoint, if it still lies where it was written.
  let run: RunFolder?

  /// - Parameter path: a run's folder, or a checkpoint.
  init(_ path: String, out: String?) throws {
    file = ResumedRun.checkpoint(path)
    let isFolder = file != path
    run = isFolder ? RunFolder(path) : ResumedRun.folder(of: file)
    guard let folder = out.map(RunFolder.init) ?? run else {
      throw TrainingError(
        "\(file): does not lie in a run's folder weights: name a folder with --out")
    }
    self.folder = folder
  }

  /// The folder where it goes on, once the checkpoint is known to be good.
  func claim(overwrite: Bool) throws -> RunClaim {
    if let run, run.isSame(as: folder) { return try RunClaim(folder) }
    return try RunClaim.of(folder.path, else: folder.path, overwrite: overwrite)
  }

  /// The checkpoint to go on from: itself, or the last of a folder. A run that was killed between
  /// its first two files has only the best.
  static func checkpoint(_ path: String) -> String {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return path
    }
    let run = RunFolder(path)
    return [run.last, run.best].first(where: manager.fileExists) ?? run.last
  }

  /// The folder of the second phase, where a run with a refit has come so far; else the path
  /// itself.
  static func phase(_ path: String) -> String {
    let refit = RunFolder(path).refit
    let hasBegun = [refit.last, refit.best].contains(where: FileManager.default.fileExists)
    return hasBegun ? refit.path : path
  }

  private static func folder(of file: String) -> RunFolder? {
    let weights = URL(fileURLWithPath: file).standardizedFileURL.deletingLastPathComponent()
    guard weights.lastPathComponent == "weights" else { return nil }
    return RunFolder(weights.deletingLastPathComponent().path)
  }

  /// Makes the folder ready. A run that goes on in another one may never get better than it was,
  /// and takes its best weights and its events along.
  func begin(_ claim: RunClaim, overwrite: Bool) throws {
    if let run, run.isSame(as: folder) { return try folder.prepare() }
    try claim.clear(overwrite: overwrite)
    try folder.prepare()
    guard let run else { return }
    for (from, to) in [(run.best, folder.best), (run.start, folder.start)]
    where FileManager.default.fileExists(atPath: from) {
      try Safetensors(contentsOf: from).write(to: to)
    }
    try TensorBoardFolder(folder.path).take(from: TensorBoardFolder(run.path))
  }
}
