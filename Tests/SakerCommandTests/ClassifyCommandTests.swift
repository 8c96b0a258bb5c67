import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

/// One small run of a classifier that tests share: coloured pictures in folders, a narrow
/// network, two epochs.
struct ClassifierRun: Sendable {
  let sandbox: Sandbox
  var data: String { sandbox.path("colours") }
  var folder: String { sandbox.path("run") }
  var best: String { folder + "/weights/best.safetensors" }
  let result: Saker.Result

  private static let shared = Swift.Result { try ClassifierRun() }
  static func get() throws -> ClassifierRun { try shared.get() }

  private init() throws {
    sandbox = try Sandbox()
    sandbox.removeAtExit()
    try sandbox.colours("colours", splits: ["train", "val", "test"])
    result = try Saker.succeed(ClassifierRun.training(sandbox.path("colours"), sandbox.path("run")))
  }

  static func training(_ data: String, _ out: String, _ more: [String] = []) -> [String] {
    [
      "train", "--task", "classify", "--data", data, "--out", out, "--model", "resnet18",
      "--width", "0.125", "--epochs", "2", "--batch", "4", "--preset", "reference", "--shift", "1",
      "--workers", "1", "--json",
    ] + more
  }
}

extension Sandbox {
  /// Pictures of one colour and some noise, 16 pixels a side, a folder a class: three for
  /// each class and split.
  func colours(_ name: String, splits: [String], classes: [String] = ["blue", "green", "red"])
    throws
  {
    var random = Random(seed: 7)
    let colors = ["red": RGB(200, 20, 20), "green": RGB(20, 200, 20), "blue": RGB(20, 20, 200)]
    for split in splits.isEmpty ? [""] : splits.map({ $0 + "/" }) {
      for label in classes {
        for number in 0..<3 {
          var picture = Picture(width: 16, height: 16, filledWith: colors[label] ?? .black)
          for i in picture.pixels.indices { picture.pixels[i] &+= UInt8(random.next() >> 59) }
          try write(picture.encoded(as: .png()), "\(name)/\(split)\(label)/\(number).png")
        }
      }
    }
  }
}

struct ClassifyCommandTests {
  /// The network, its input and its classes are the card's: the same logits as predict's.
  @Test func forwardObeysTheCard() throws {
    let (run, sandbox) = (try ClassifierRun.get(), try Sandbox())
    let picture = run.data + "/test/red/1.png"
    let output = sandbox.path("y.safetensors")
    func forward(_ input: String, _ more: [String] = []) throws -> Saker.Result {
      try Saker.run(
        ["forward", "--weights", run.folder, "--input", input, "--output", output, "--json"] + more)
    }
    let told = try forward(picture)
    #expect(told.status == 0, "\(told.errors)")
    #expect(try told.object()["classes"] as? [String] == ["blue", "green", "red"])
    let logits = try #require(try Safetensors(contentsOf: output)["logits"]).floats
    #expect(logits.count == 3)
    let most = logits.max() ?? 0
    let powers = logits.map { exp($0 - most) }
    let shares = powers.map { $0 / powers.reduce(0, +) }
    let predicted = try #require(
      JSONSerialization.jsonObject(
        with: Data(
          try Saker.succeed([
            "predict", "--weights", run.folder, picture, "--no-pictures", "--json",
          ]).output.utf8)) as? [[String: Any]])
    let classes = try #require(predicted.first?["classes"] as? [[String: Any]])
    for entry in classes {
      let label = try #require(entry["label"] as? Int)
      let share = try #require(entry["probability"] as? Double)
      #expect(abs(Double(shares[label]) - share) < 1e-5)
    }
    // A tensor of the card's channels; another model, or other classes, are refused.
    let input = sandbox.path("x.safetensors")
    try Safetensors([NamedTensor("input", Tensor.zeros([2, 3, 16, 16]))]).write(to: input)
    #expect(try forward(input, ["--model", "resnet18", "--classes", "3"]).status == 0)
    #expect(try forward(input, ["--model", "resnet50"]).errors.contains("got resnet18 with 3"))
    #expect(try forward(input, ["--classes", "4"]).errors.contains("expected resnet18 with 4"))
    #expect(
      try forward(input, ["--part", "ema"]).errors.contains("only for weights without a card"))
    try Safetensors([NamedTensor("input", Tensor.zeros([2, 1, 16, 16]))]).write(to: input)
    #expect(try forward(input).errors.contains("expected float32 [N, 3, H, W]"))
    let foreign = sandbox.path("w.safetensors")
    try Safetensors([NamedTensor("x", Tensor.zeros([1]))]).write(to: foreign)
    let nameless = try Saker.run([
      "forward", "--weights", foreign, "--input", input, "--output", output,
    ])
    #expect(nameless.status != 0 && nameless.errors.contains("name it with --model"))
  }

  /// The names of torchvision's older files, as `saker weights` and `forward` know them; and a body
  /// without its head.
  @Test func trainingStartsFromNamesOfOthers() throws {
    let (run, sandbox) = (try ClassifierRun.get(), try Sandbox())
    let entry = try #require(ClassifierCatalog.named("densenet121"))
    let state = entry.build(5).state
    let old = state.map { named in
      var name = named.name
      for part in ["norm", "conv"] {
        for number in ["1", "2"] {
          name = name.replacing(".\(part)\(number).", with: ".\(part).\(number).")
        }
      }
      return NamedTensor(name, named.tensor)
    }
    #expect(old.map(\.name) != state.map(\.name))
    let file = sandbox.path("old.safetensors")
    for tensors in [old, old.filter { !entry.build(5).isHead($0.name) }] {
      try Safetensors(tensors).write(to: file)
      let told = try Saker.succeed([
        "train", "--model", "densenet121", "--weights", file, "--data", run.data, "--size", "32",
        "--epochs", "1", "--out", sandbox.path("run"), "--no-pictures", "--json",
      ]).object()
      let head = try #require(told["head"] as? [String: Any])
      #expect(
        Set(head["replaced"] as? [String] ?? []) == ["classifier.weight", "classifier.bias"])
      try sandbox.remove("run")
    }
  }

  @Test func trainingWritesARunAndTellsIt() throws {
    let run = try ClassifierRun.get()
    let told = try run.result.object()
    #expect(told["ending"] as? String == "complete" && told["best"] as? String == run.best)
    let epochs = try #require(told["epochs"] as? [[String: Any]])
    #expect(epochs.count == 2)
    for key in ["train_loss", "val_loss", "top1", "top5", "learning_rate", "images_per_second"] {
      #expect(epochs[1][key] is Double, "\(key)")
    }
    let test = try #require(told["test"] as? [String: Any])
    #expect(test["pictures"] as? Int == 9 && test["top1"] is Double)
    let files = try run.sandbox.list("run")
    for name in [
      "args.yaml", "results.csv", "results.png", "train_batch0.jpg", "confusion_matrix.png",
      "confusion_matrix_normalized.png", "val_batch0_labels.jpg", "val_batch0_pred.jpg",
      "report.html", "weights", "classes.csv",
    ] {
      #expect(files.contains(name), "\(name)")
    }
    #expect(files.contains { $0.hasPrefix("events.out.tfevents.") })
    // The page speaks of pictures and classes, not of detections; 'report' writes the same.
    for _ in 0..<2 {
      let page = try String(contentsOfFile: run.folder + "/report.html", encoding: .utf8)
      #expect(page.contains("<h2>Classes</h2>") && page.contains("<td class=\"word\">green</td>"))
      for word in ["nothing is marked", "detection", "boxes"] {
        #expect(!page.localizedCaseInsensitiveContains(word), "\(word)")
      }
      try Saker.succeed(["report", run.folder])
    }
    #expect(try run.sandbox.list("run/weights") == ["best.safetensors", "last.safetensors"])
    let arguments = try String(contentsOfFile: run.folder + "/args.yaml", encoding: .utf8)
    for line in [
      "classes: \"blue, green, red\"", "input: \"16x16\"", "labelSmoothing: 0.1", "shift: 1",
    ] {
      #expect(arguments.contains(line), "\(line)")
    }
  }

  @Test func infoTellsWhatAClassifierIs() throws {
    let run = try ClassifierRun.get()
    let told = try Saker.succeed(["info", run.best, "--json"]).object()
    let card = try #require(told["card"] as? [String: Any])
    #expect(card["architecture"] as? String == "resnet18")
    #expect(card["class_names"] as? [String] == ["blue", "green", "red"])
    #expect(told["summary"] is [String: Any])
    let text = try Saker.succeed(["info", run.folder]).output
    #expect(
      text.contains("classifier resnet18, small stem, width 0.125, 3 classes: blue, green, red"))
  }

  @Test func validationMeasures() throws {
    let run = try ClassifierRun.get()
    let sandbox = try Sandbox()
    let report = try Saker.succeed([
      "val", "--weights", run.folder, "--data", run.data, "--json", "--out", sandbox.path("val"),
    ]).object()
    #expect(report["pictures"] as? Int == 9)
    let classes = try #require(report["classes"] as? [[String: Any]])
    #expect(classes.map { $0["name"] as? String } == ["blue", "green", "red"])
    #expect(classes.allSatisfy { $0["f1"] is Double && $0["precision"] is Double })
    let confusion = try #require(report["confusion"] as? [[Int]])
    #expect(confusion.flatMap { $0 }.reduce(0, +) == 9)
    let files = try sandbox.list("val")
    for name in ["report.json", "report.html", "confusion_matrix.png", "val_batch0_pred.jpg"] {
      #expect(files.contains(name), "\(name)")
    }
    // What training told of the test split.
    let test = try #require(try run.result.object()["test"] as? NSDictionary)
    var measures = report
    let told = try #require(measures.removeValue(forKey: "files") as? [String: Any])
    #expect((told["pictures"] as? [String: Any])?["used"] as? Int == 9)
    #expect(test == measures as NSDictionary)
  }

  @Test func predictionObeysTheCard() throws {
    let run = try ClassifierRun.get()
    let sandbox = try Sandbox()
    let picture = run.data + "/test/red/0.png"
    let found = try #require(
      try Saker.succeed([
        "predict", "--weights", run.best, picture, "--out", sandbox.path("out"), "--top", "2",
        "--json",
      ]).json() as? [[String: Any]])
    let guesses = try #require(found[0]["classes"] as? [[String: Any]])
    #expect(guesses.count == 2 && guesses.allSatisfy { $0["name"] is String && $0["label"] is Int })
    #expect(try sandbox.list("out") == ["0.png"])
    // By hand: the checkpoint's network on the normalized levels.
    let file = try Safetensors(contentsOf: run.best)
    let card = try ClassifierCard(metadata: file.metadata, file: run.best)
    let model = try card.build()
    try model.load(state: file.tensors.filter { !$0.name.hasPrefix("training.") })
    let pixels = try Picture(file: picture).pixels
    let levels = (0..<3).flatMap { channel in
      (0..<256).map {
        (Float(pixels[3 * $0 + channel]) / 255 - card.input.mean[channel]) / card.input.std[channel]
      }
    }
    let shares = softmax(model.evaluating { model(Tensor(levels, [1, 3, 16, 16])) }).floats
    for guess in guesses {
      let label = try #require(guess["label"] as? Int)
      #expect(abs(Float(try #require(guess["probability"] as? Double)) - shares[label]) < 1e-4)
      #expect(guess["name"] as? String == card.classNames[label])
    }
    let text = try Saker.succeed(["predict", "--weights", run.folder, picture, "--no-pictures"])
    #expect(text.output.contains("0.png: ") && text.output.contains("red "))
  }

  @Test func foreignWeightsNeedAName() throws {
    let sandbox = try Sandbox()
    try sandbox.colours("colours", splits: [])
    let model = withSeed(1) { LeNet(classes: 4) }
    let file = sandbox.path("lenet.safetensors")
    try Safetensors(model.state).write(to: file)
    let picture = sandbox.path("colours/red/0.png")
    let nameless = try Saker.run(["predict", "--weights", file, picture, "--no-pictures"])
    #expect(nameless.status != 0)
    let found = try #require(
      try Saker.succeed([
        "predict", "--model", "lenet", "--weights", file, picture, "--no-pictures", "--json",
      ]).json() as? [[String: Any]])
    let guesses = try #require(found[0]["classes"] as? [[String: Any]])
    #expect(
      guesses.count == 4
        && Set(guesses.compactMap { $0["name"] as? String }) == ["0", "1", "2", "3"])
    try sandbox.write("a\nb\nc\n", "names.txt")
    let few = try Saker.run([
      "predict", "--model", "lenet", "--weights", file, "--names", sandbox.path("names.txt"),
      picture, "--no-pictures",
    ])
    #expect(few.status != 0 && few.errors.contains("expected 4 names"))
  }

  @Test func fineTuningReplacesTheHead() throws {
    let run = try ClassifierRun.get()
    let sandbox = try Sandbox()
    try sandbox.colours("two", splits: [], classes: ["green", "red"])
    let told = try Saker.succeed([
      "train", "--task", "classify", "--weights", run.folder, "--data", sandbox.path("two"),
      "--out", sandbox.path("out"), "--epochs", "1", "--batch", "4", "--workers", "1", "--json",
      "--freeze-layers", "layer2", "--no-pictures", "--val-split", "none",
    ]).object()
    let head = try #require(told["head"] as? [String: Any])
    #expect(head["reused_classes"] as? [String] == ["green", "red"])
    let (before, after) = (
      try bits(run.best), try bits(sandbox.path("out/weights/best.safetensors"))
    )
    for name in ["conv1.weight", "layer2.1.bn2.running_mean", "layer1.0.conv1.weight"] {
      #expect(before[name] == after[name], "\(name)")
    }
    #expect(before["layer4.0.conv1.weight"] != after["layer4.0.conv1.weight"])
    #expect(after["fc.bias"]?.count == 2)
    let other = try Saker.run([
      "train", "--model", "vgg16", "--weights", run.folder, "--data", sandbox.path("two"),
    ])
    #expect(other.status != 0 && other.errors.contains("is for resnet18, not vgg16"))
  }

  /// GoogLeNet learns with its heads in the middle; weights without them are trained without, told
  /// once, unless they are asked for.
  @Test func auxiliaryHeadsComeAndGo() throws {
    let sandbox = try Sandbox()
    try sandbox.colours("two", splits: [], classes: ["green", "red"])
    func train(_ out: String, _ more: [String]) throws -> (names: Set<String>, errors: String) {
      let result = try Saker.succeed(
        [
          "train", "--task", "classify", "--data", sandbox.path("two"), "--model", "googlenet",
          "--size", "32", "--out", sandbox.path(out), "--epochs", "1", "--batch", "6", "--workers",
          "1", "--json", "--no-pictures", "--val-split", "none",
        ] + more)
      let file = try Safetensors(contentsOf: sandbox.path(out + "/weights/best.safetensors"))
      return (Set(file.tensors.map(\.name)), result.errors)
    }
    let first = try train("first", [])
    #expect(first.names.contains("aux1.fc2.weight") && !first.errors.contains("auxiliary"))
    let without = try train("without", ["--aux-weight", "0"])
    #expect(!without.names.contains { $0.hasPrefix("aux") } && without.names.contains("fc.bias"))
    // As another program's file: tensors alone.
    let best = try Safetensors(contentsOf: sandbox.path("without/weights/best.safetensors"))
    let plain = sandbox.path("plain.safetensors")
    try Safetensors(best.tensors.filter { !$0.name.hasPrefix("training.") }).write(to: plain)
    let tuned = try train("tuned", ["--weights", plain])
    #expect(!tuned.names.contains { $0.hasPrefix("aux") })
    #expect(
      tuned.errors.components(separatedBy: "has no auxiliary heads: trained without them").count
        == 2, "\(tuned.errors)")
    let asked = try train("asked", ["--weights", plain, "--aux-weight", "0.3"])
    #expect(asked.names.contains("aux2.conv.conv.weight"))
    let info = try Saker.succeed(["info", sandbox.path("first")]).output
    #expect(info.contains("classifier googlenet, auxiliary heads, 2 classes"))
    let other = try Saker.run([
      "train", "--task", "classify", "--data", sandbox.path("two"), "--model", "resnet18",
      "--aux-weight", "0.3", "--epochs", "1", "--out", sandbox.path("other"),
    ])
    #expect(other.status != 0 && other.errors.contains("resnet18 has no auxiliary heads"))
    let small = try Saker.run([
      "train", "--task", "classify", "--data", sandbox.path("two"), "--model", "inception_v3",
      "--size", "128", "--aux-weight", "0.3", "--epochs", "1", "--out", sandbox.path("other"),
    ])
    #expect(small.errors.contains("auxiliary head needs pictures of 299 pixels a side, got 128"))
  }

  @Test func aStoppedRunGoesOn() throws {
    let run = try ClassifierRun.get()
    let sandbox = try Sandbox()
    let again = try Saker.succeed([
      "train", "--resume", run.folder, "--out", sandbox.path("again"), "--json", "--no-pictures",
    ]).object()
    #expect(again["ending"] as? String == "complete")
    let options = try Saker.run(["train", "--resume", run.folder, "--mixup", "1", "--epochs", "9"])
    #expect(
      options.status != 0 && options.errors.contains("leave out --epochs, --mixup"))
    try sandbox.colours("other", splits: ["train", "val"], classes: ["blue", "green", "red"])
    try FileManager.default.removeItem(atPath: sandbox.path("other/train/red/0.png"))
    let others = try Saker.run(["train", "--resume", run.folder, "--data", sandbox.path("other")])
    #expect(others.status != 0 && others.errors.contains("can only go on with its own data"))
  }

  @Test func badInputIsOneClearLine() throws {
    let sandbox = try Sandbox()
    func refused(_ message: String, _ data: String, _ more: [String] = [], lines: Int = 1) throws {
      let result = try Saker.run(
        [
          "train", "--task", "classify", "--data", sandbox.path(data), "--epochs", "1", "--width",
          "0.125",
        ]
          + ["--out", sandbox.path("out"), "--no-pictures"] + more)
      #expect(result.status != 0 && !result.crashed, "\(data)")
      #expect(result.errors.contains(message), "\(data): \(result.errors)")
      let rows = result.errors.split(separator: "\n").filter {
        !$0.hasPrefix("Usage:") && !$0.contains("--help")
      }
      #expect(rows.count <= lines, "\(result.errors)")
    }
    try sandbox.colours("one", splits: [], classes: ["red"])
    try refused("has one class (red): expected at least two to tell apart", "one")
    try sandbox.colours("empty", splits: [])
    try FileManager.default.createDirectory(
      atPath: sandbox.path("empty/yellow"), withIntermediateDirectories: true)
    try refused("no pictures to learn from of class yellow", "empty", lines: 3)
    try sandbox.write("hello", "notes/readme.txt")
    try refused("is in no known format", "notes")
    try refused("does not exist", "nothing")
    try sandbox.voc()
    try refused("no classes of whole pictures", "voc")
    try sandbox.colours("broken", splits: [])
    try sandbox.write("no picture", "broken/red/bad.png")
    try refused("broken/red/bad.png", "broken")
    try sandbox.write("file,label\ncolours/red/0.png,red\ncolours/green/0.png,\n", "table.csv")
    try sandbox.colours("colours", splits: [])
    try refused("colours/green/0.png has no class", "table.csv", lines: 3)
    try refused("label smoothing: expected 0..<1", "colours", ["--label-smoothing", "1"])
    try refused("only for detectors", "colours", ["--anchors", "notes"])
    try refused("has no split val", "colours", ["--val-split", "val"])
    try refused("expected one of those that", "colours", ["--model", "nothing"])
    // Beside pictures, other files are told and left out; with --skip-bad broken ones, too.
    try sandbox.write("hello", "broken/red/notes.txt")
    // The very first picture, which decides the input's size, is damaged between a good head and a
    // good end.
    var damaged = try sandbox.bytes("broken/green/0.png")
    for i in 50..<damaged.count - 20 { damaged[i] ^= 0x5A }
    try sandbox.write(damaged, "broken/green/!.png")
    let skipping = try Saker.run([
      "train", "--task", "classify", "--data", sandbox.path("broken"), "--epochs", "1", "--width",
      "0.125", "--out", sandbox.path("skipped"), "--no-pictures", "--skip-bad", "--val-split",
      "none",
      "--batch", "5", "--preset", "reference",
    ])
    #expect(skipping.status == 0, "\(skipping.errors)")
    #expect(
      skipping.errors.contains("notes.txt") && skipping.errors.contains("broken/green/!.png"))
    #expect(skipping.errors.contains("broken/red/bad.png"))
    // A detector's options and checkpoints are not a classifier's.
    let detector = try Saker.run(["train", "--mixup", "1"])
    #expect(detector.status != 0 && detector.errors.contains("--mixup: only for classifiers"))
  }
}
