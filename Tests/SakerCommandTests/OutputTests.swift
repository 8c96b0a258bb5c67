import ArgumentParser
import Foundation
import Testing

@testable import SakerCommand

/// What cannot be written is told, whatever command writes it.
struct OutputTests {
  /// Arguments with which each command succeeds and prints something; `out` is a name
  /// that nothing has.
  private func arguments(_ words: [String], _ sandbox: Sandbox, out: String) throws -> [String]? {
    let (run, classifier) = (try TrainedRun.get(), try ClassifierRun.get())
    let picture = classifier.data + "/test/red/1.png"
    switch words.joined(separator: " ") {
    case "train":
      return [
        "--data", run.data, "--out", out, "--size", "64", "--epochs", "1", "--no-pictures",
        "--workers", "1",
      ]
    case "val": return ["--weights", run.last, "--data", run.data]
    case "evaluate":
      return ["--ground-truth", try truths(sandbox), "--detections", try found(sandbox)]
    case "predict": return ["--weights", classifier.best, picture, "--no-pictures"]
    case "info": return ["tiny-ssd"]
    case "benchmark":
      return ["--mode", "load", "--seconds", "0.01", "--size", "64", "--batch", "1"]
    case "augment": return ["--list"]
    case "forward": return ["--weights", classifier.best, "--input", picture, "--output", out]
    case "doctor": return []
    case "models": return []
    // The set has an error, which is told, too.
    case "data check": return [run.data]
    case "data info", "data stats": return [try sandbox.voc()]
    case "data view": return [try sandbox.voc(), "--count", "1", "--out", out + ".png"]
    case "data convert": return [try sandbox.voc(), "--to", "coco", "--out", out]
    case "data split", "data crops": return [try sandbox.voc(), "--out", out]
    case "weights info": return [classifier.best]
    case "weights convert": return [classifier.best, out + ".safetensors"]
    case "weights diff": return [classifier.best, classifier.best]
    case "report": return [run.folder]
    case "visualize": return ["filters", run.best, "--out", out + ".png"]
    case "prune":
      return ["--weights", classifier.folder, "--data", classifier.data, "--out", out]
    default: return nil
    }
  }

  private func truths(_ sandbox: Sandbox) throws -> String {
    try sandbox.write(
      """
      {"images": [{"id": 1, "width": 9, "height": 9, "file_name": "a.png"}],
       "categories": [{"id": 1, "name": "a"}],
       "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0}]}
      """, "truths.json")
  }

  private func found(_ sandbox: Sandbox, category: Int = 1) throws -> String {
    try sandbox.write(
      "[{\"image_id\": 1, \"category_id\": \(category), \"bbox\": [1, 1, 5, 5], \"score\": 0.9}]",
      "found\(category).json")
  }

  @Test(arguments: CommandLeaf.all) func everyCommandChecksItsLastWrite(_ leaf: CommandLeaf) throws
  {
    let sandbox = try Sandbox()
    for (number, redirection) in [">/dev/full", ">&-"].enumerated() {
      // Their work takes seconds, and their output goes the same way.
      if number > 0, ["prune", "doctor", "train"].contains(leaf.words[0]) { continue }
      guard let more = try arguments(leaf.words, sandbox, out: sandbox.path("out\(number)")) else {
        Issue.record("\(leaf.words): expected arguments to try it with")
        return
      }
      let json = leaf.flags.contains("--json") ? ["--json"] : []
      let result = try Saker.run(
        leaf.words + more + json, in: sandbox.path, redirection: redirection)
      #expect(result.status == 1 && !result.crashed, "\(redirection): \(result.status)")
      #expect(
        result.errors.contains("Error: standard output: cannot be written: "),
        "\(redirection): \(result.errors)")
    }
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["help", "train"], ["--generate-completion-script", "bash"],
  ])
  func helpIsOutputToo(_ arguments: [String]) throws {
    #expect(try Saker.succeed(arguments).output.count > 4)
    let result = try Saker.run(arguments, redirection: ">/dev/full")
    #expect(result.status == 1 && result.errors.contains("No space left on device"))
  }

  /// What was printed before the last line counts, too: standard output is written line by line.
  @Test func linesInBetweenCount() throws {
    let result = try Saker.run(["models"], redirection: ">/dev/full")
    #expect(result.status == 1 && result.errors.contains("No space left on device"))
  }

  /// A warning that nobody can read is a failure; a stream that nothing is written to may be
  /// closed.
  @Test func standardErrorCountsWhereSomethingIsSaidThere() throws {
    let sandbox = try Sandbox()
    let silent = ["evaluate", "--ground-truth", try truths(sandbox), "--detections"]
    #expect(try Saker.run(silent + [found(sandbox)], redirection: "2>&-").status == 0)
    let warned = silent + [try found(sandbox, category: 7)]
    #expect(try Saker.succeed(warned).errors.contains("left out 1"))
    for redirection in ["2>/dev/full", "2>&-"] {
      let result = try Saker.run(warned, redirection: redirection)
      #expect(result.status == 1 && !result.crashed, "\(redirection)")
    }
    // A file that is opened does not take the place of a closed stream.
    let out = sandbox.path("y.safetensors")
    let run = try ClassifierRun.get()
    _ = try Saker.run(
      ["weights", "convert", run.best, out, "--json"], redirection: "<&- >&- 2>&-")
    #expect(try bits(out) == bits(run.best))
  }

  // MARK: Empty values

  /// `--out ""`, `--out=` and empty arguments, of every command and option.
  @Test func emptyValuesAreRefusedEverywhere() throws {
    try #require(CommandLeaf.all.count >= 20)
    var count = 0
    for leaf in CommandLeaf.all {
      for option in leaf.options where option.hasPrefix("--") {
        for words in [[option, ""], [option + "="]] {
          let error = #expect(throws: ValidationError.self, "\(leaf.words) \(words)") {
            _ = try SakerCommand.parse(checked: leaf.words + words)
          }
          #expect(error?.message == "\(option): expected a value, got an empty text")
          count += 1
        }
      }
      #expect(throws: ValidationError.self) {
        _ = try SakerCommand.parse(checked: leaf.words + [""])
      }
    }
    #expect(count > 300, "\(count)")
    // What merely ends so is no empty value.
    _ = try SakerCommand.parse(checked: [
      "weights", "convert", "a", "b", "--ignore=x", "--rename", "a.=b.",
    ])
  }

  @Test func anEmptyFolderIsRefused() throws {
    let sandbox = try Sandbox()
    let result = try Saker.run(["train", "--out", ""], in: sandbox.path)
    #expect(result.status == 64 && result.errors.contains("--out: expected a value"))
    #expect(try sandbox.list("").isEmpty)
  }
}
