import Foundation
import Saker

/// Measures on a data set, with all that is told beside them, of any task.
struct Measured<Measures: Encodable>: Encodable {
  let measures: Measures
  let pictures: Int
  let split: String
  /// What became of the files.
  let files: FileAccount?
  /// Who decided together.
  let voters: Voters?

  private enum Keys: String, CodingKey { case files, vote, warnings }

  /// The measures' own keys, and the rest beside them.
  func encode(to encoder: any Encoder) throws {
    try measures.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encodeIfPresent(files, forKey: .files)
    try container.encodeIfPresent(voters, forKey: .vote)
    let warnings = MissingLetters.warnings
    if !warnings.isEmpty { try container.encode(warnings, forKey: .warnings) }
  }

  /// Writes `report.json` into a folder if there is one, and prints, once everything is drawn.
  func tell(json: Bool, out: String?) throws {
    let text = try textOfJSON(self)
    if let out { try RunFolder.write(text + "\n", to: out + "/report.json") }
    guard !json else { return print(text) }
    print("\(pictures) pictures, split \(split)")
    if let voters { print("decided by \(voters.description)") }
    if let files { print(files) }
    print(measures)
    if let out { print("curves and pictures in \(out)") }
  }
}
