import SakerTensor

/// Writes a whole file or nothing. Throws `PlotError` naming `path`.
func writeAtomically(_ bytes: [UInt8], to path: String) throws(PlotError) {
  do {
    try AtomicFile.write(path, bytes)
  } catch {
    throw PlotError(file: path, "cannot be written: \(error.reason)")
  }
}
