import Saker

extension RunClaim {
  /// The folder of a new run: the one that was named, else the first free one of the usual name.
  ///
  /// - Parameter overwrite: whether a run may be there; it stays until `clear`.
  /// - Throws: `TrainingError` that names the folder.
  static func of(_ out: String?, else usual: String, overwrite: Bool) throws -> RunClaim {
    guard let out else { return try firstFree(usual) }
    let claim = try RunClaim(RunFolder(out))
    try claim.folder.demandFree(overwrite: overwrite)
    return claim
  }

  /// Takes away the run that is there, once the new one is sure to begin; somebody is told.
  ///
  /// - Throws: `TrainingError` that names the folder.
  func clear(overwrite: Bool) throws {
    guard try folder.demandFree(overwrite: overwrite) else { return }
    note(
      "\(folder.path): \(folder.holdsRun ? "the run there" : "a run that finished no epoch") is removed"
    )
    try folder.removeRun()
  }
}
