import CBuild
import Saker

/// Which Saker this is.
enum Version {
  /// Scripts/install.sh and Scripts/deb.sh read it here.
  static let number = "0.2.0"

  /// The commit it was built from, `+` behind it if the sources differed; "unknown" without git.
  static let commit = String(cString: saker_source_commit())

  /// The answer to `--version`. The instruction set is that of our own kernels on this processor.
  static let line = "saker \(number) (commit \(commit), \(Instructions.chosen))"
}
