import Foundation

/// What a run's folder holds, so that a run is never written over by another, and can be
/// taken away whole.
extension RunFolder {
  /// What an evaluation writes, `*` for any text. `docs/run-folder.md` says what they are.
  static let evaluationNames = [
    "report.html", "report.json", "val_batch[0-9]*_labels.jpg", "val_batch[0-9]*_pred.jpg",
    "confusion_matrix.png", "confusion_matrix_normalized.png", "PR_curve.png", "F1_curve.png",
    "P_curve.png", "R_curve.png", "worst_false_positives.jpg", "worst_misses.jpg",
    "worst_pictures.jpg", "worst_pictures.csv", "classes.csv", "curves.png", "predictions.png",
  ]
  /// What training and pruning write besides, beside the weights.
  static let names =
    evaluationNames + [
      "args.yaml", "results.csv", "results.png", "labels.jpg", "labels_correlogram.jpg",
      "train_batch[0-9]*.jpg", "events.out.tfevents.*", "search.csv", "search.png", "folds.csv",
      "folds.json", "prune.json",
    ]
  /// Folders of runs inside of a run.
  static let innerRuns = ["fold[0-9]*", "search", "refit"]

  private func entries(_ patterns: [String]) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { name in patterns.contains { fnmatch($0, name, 0) == 0 } }.sorted()
  }

  private var inner: [RunFolder] {
    entries(RunFolder.innerRuns).map { RunFolder(path + "/" + $0) }.filter { $0.isFolder }
  }

  /// Whether both are the same place, by whatever way it is named.
  public func isSame(as other: RunFolder) -> Bool {
    func whole(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    return whole(path) == whole(other.path)
  }

  var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// Whether there is nothing in it but the lock, or it does not exist.
  var isEmpty: Bool {
    guard FileManager.default.fileExists(atPath: path) else { return true }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      return false
    }
    return names.allSatisfy { $0 == RunClaim.lock }
  }

  /// Whether an epoch was finished, or something made from it: what cost time.
  public var holdsRun: Bool {
    let manager = FileManager.default
    if [last, best].contains(where: manager.fileExists) { return true }
    if !entries(["folds.csv", "prune.json", "search.csv"]).isEmpty { return true }
    if hasTable, tableRows > 0 { return true }
    return inner.contains { $0.holdsRun }
  }

  /// Whether a run began here and finished no epoch: there is nothing to lose.
  private var holdsStart: Bool {
    !holdsRun && (hasTable || !entries(["args.yaml"]).isEmpty || inner.contains { $0.holdsStart })
  }

  private var tableLines: [Substring] {
    let text = FileManager.default.contents(atPath: results).map {
      String(decoding: $0, as: UTF8.self)
    }
    return text?.split(separator: "\n") ?? []
  }
  private var hasTable: Bool { tableLines.first?.hasPrefix("epoch,") == true }
  private var tableRows: Int { tableLines.count - 1 }

  /// Demands that a new run may be written here: nothing that it would write is there, or a run
  /// that may be overwritten.
  ///
  /// - Returns: whether something of a run is there, to be taken away first.
  /// - Throws: `TrainingError` that names the folder, and what is in it.
  @discardableResult
  public func demandFree(overwrite: Bool) throws -> Bool {
    try demandName()
    guard FileManager.default.fileExists(atPath: path) else { return false }
    guard isFolder else { throw TrainingError("\(path): is not a folder") }
    if holdsRun {
      guard !overwrite else { return true }
      throw TrainingError(
        "\(path): holds a run: go on with it (--resume \(path)), name another folder with --out, or --overwrite it"
      )
    }
    // A folder of a run inside that is only locked holds nothing.
    let strangers = entries(RunFolder.names + RunFolder.innerRuns).filter {
      let inside = RunFolder(path + "/" + $0)
      return !(inside.isFolder && inside.isEmpty)
    }
    guard strangers.isEmpty || holdsStart else {
      throw TrainingError(
        "\(path): is no run's folder, and has files that a run would write over: \(strangers.prefix(5).joined(separator: ", "))"
      )
    }
    guard !overwrite || isEmpty || holdsStart else {
      throw TrainingError(
        "\(path): is no run's folder: --overwrite takes away runs, and nothing else")
    }
    return holdsStart
  }

  /// Takes away what a run wrote, and leaves everything else.
  ///
  /// - Throws: `TrainingError` that names what cannot be removed.
  public func removeRun() throws {
    for folder in inner {
      try folder.removeRun()
      unlink(folder.path + "/" + RunClaim.lock)
      rmdir(folder.path)
    }
    try remove(RunFolder.names)
    for file in [last, best, start] where unlink(file) != 0 && errno != ENOENT {
      throw TrainingError("\(file): cannot be removed: \(String(cString: strerror(errno)))")
    }
    rmdir(path + "/weights")
  }

  /// Takes away the pictures and tables of an evaluation, so that none of an earlier one stays
  /// among those of the next.
  ///
  /// - Throws: `TrainingError` that names what cannot be removed.
  public func removeEvaluation() throws { try remove(RunFolder.evaluationNames) }

  private func remove(_ patterns: [String]) throws {
    for name in entries(patterns) where unlink(path + "/" + name) != 0 && errno != EISDIR {
      throw TrainingError(
        "\(path)/\(name): cannot be removed: \(String(cString: strerror(errno)))")
    }
  }

  /// Takes away what processes that are gone left half written, `.NAME.PROCESS.partial`.
  func removePartials() {
    for folder in [path, path + "/weights"] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names where name.hasPrefix(".") && name.hasSuffix(".partial") {
        let parts = name.split(separator: ".")
        guard parts.count >= 3, let process = Int32(parts[parts.count - 2]), process > 0 else {
          continue
        }
        // Our own number is that of a process before us: nothing is written yet. In containers it
        // often is the same.
        let isGone = process == getpid() || kill(process, 0) != 0 && errno == ESRCH
        if isGone { unlink(folder + "/" + name) }
      }
    }
  }

  /// - Throws: `TrainingError` for an empty path, which would be the root of the file system.
  func demandName() throws {
    guard !path.isEmpty else {
      throw TrainingError("a run's folder: expected a path, got an empty text")
    }
  }
}
