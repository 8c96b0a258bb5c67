import Foundation
import SakerData
import SakerNN
import SakerTensor
import Testing

/// One mistake: the command, and what its one line must say.
struct BadInput: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// All of them stand in the message.
  let says: [String]
  /// Makes the bad input in an empty folder, and gives the arguments.
  let arguments: @Sendable (Sandbox) throws -> [String]

  init(
    _ name: String, says: String..., arguments: @escaping @Sendable (Sandbox) throws -> [String]
  ) {
    testDescription = name
    self.says = says
    self.arguments = arguments
  }
}

struct BadInputTests {
  private func expectRefusal(_ input: BadInput) throws {
    let sandbox = try Sandbox()
    let result = try Saker.run(try input.arguments(sandbox), in: sandbox.path)
    #expect(!result.crashed && result.status != 0, "\(result.status) \(result.errors)")
    for text in input.says { #expect(result.errors.contains(text), "\(result.errors)") }
    #expect(result.errors.split(separator: "\n").filter { $0.hasPrefix("Error: ") }.count == 1)
    #expect(!result.errors.contains("Fatal error"))
    #expect(result.output.isEmpty, "\(result.output)")
    // A run that could not start leaves nothing behind.
    #expect(!FileManager.default.fileExists(atPath: sandbox.path("runs")))
  }

  @Test(arguments: data) func dataThatCannotBeUsed(_ input: BadInput) throws {
    try expectRefusal(input)
  }

  @Test(arguments: weights) func weightsThatCannotBeUsed(_ input: BadInput) throws {
    try expectRefusal(input)
  }

  @Test(arguments: places) func placesThatTakeNoFile(_ input: BadInput) throws {
    try expectRefusal(input)
  }

  @Test(arguments: options) func optionsOutOfRange(_ option: BadOption) throws {
    let result = try Saker.run(option.words.split(separator: " ").map(String.init))
    #expect(!result.crashed && result.status == 64, "\(result.status) \(result.errors)")
    #expect(result.errors.contains(option.says), "\(result.errors)")
    #expect(result.errors.hasPrefix("Error: ") && result.output.isEmpty)
  }

  // MARK: Data

  private static func train(_ sandbox: Sandbox) -> [String] {
    ["train", "--data", sandbox.path("voc"), "--size", "64", "--epochs", "1", "--batch", "2"]
  }

  /// A good set, then spoiled.
  private static func spoiled(
    _ name: String, says: String..., spoil: @escaping @Sendable (Sandbox) throws -> Void
  ) -> BadInput {
    let input = BadInput(name, says: "") { sandbox in
      try sandbox.voc()
      try spoil(sandbox)
      return train(sandbox)
    }
    return BadInput(input, says: says)
  }

  static let data: [BadInput] = [
    BadInput("missing folder", says: "nowhere: ", "does not exist") { _ in
      ["train", "--data", "nowhere"]
    },
    BadInput("empty folder", says: "voc: ", "is empty") { sandbox in
      try FileManager.default.createDirectory(
        atPath: sandbox.path("voc"), withIntermediateDirectories: true)
      return train(sandbox)
    },
    BadInput("a file for a folder", says: "voc: ", "is not a folder") { sandbox in
      try sandbox.write("text", "voc")
      return train(sandbox)
    },
    BadInput("folder without annotations", says: "voc: ", "no annotations") { sandbox in
      try sandbox.write("text", "voc/readme.txt")
      return train(sandbox)
    },
    spoiled("truncated picture", says: "b.png: error: ", "truncated") { sandbox in
      let bytes = try sandbox.bytes("voc/JPEGImages/b.png")
      try sandbox.write(Array(bytes[..<(bytes.count / 2)]), "voc/JPEGImages/b.png")
    },
    spoiled("picture of zero bytes", says: "b.png: error: ", "empty") {
      try $0.write("", "voc/JPEGImages/b.png")
    },
    spoiled("no picture", says: "b.png: error: ", "is not a picture") {
      try $0.write("something else", "voc/JPEGImages/b.png")
    },
    spoiled("60,000 pixels wide", says: "b.png: error: ", "60000") {
      try $0.write(Sandbox.png(claiming: 60_000, 48), "voc/JPEGImages/b.png")
    },
    spoiled("annotation that is not XML", says: "b.xml:1: error: ", "is not XML") {
      try $0.write("{\"objects\": []}", "voc/Annotations/b.xml")
    },
    spoiled("annotation that ends too early", says: "b.xml:", "is not XML") {
      try $0.write("<annotation>\n<filename>b.png</filename>\n<size>", "voc/Annotations/b.xml")
    },
    spoiled("annotation of zero bytes", says: "b.xml: error: ", "empty") {
      try $0.write("", "voc/Annotations/b.xml")
    },
    spoiled("missing picture", says: "b.xml:2: error: ", "nowhere.png") {
      try $0.annotate("b", file: "nowhere.png")
      try FileManager.default.removeItem(atPath: $0.path("voc/JPEGImages/b.png"))
    },
    spoiled("wrong size", says: "b.xml:3: error: <size> says 32x48") {
      try $0.annotate("b", size: "<size><width>32</width><height>48</height></size>", [])
    },
    spoiled("inverted box", says: "b.xml:6: error: ", "inverted", "30, 5, 5, 30") {
      try $0.annotate("b", [("cell", "30 5 5 30")])
    },
    spoiled("box outside", says: "b.xml:6: error: ", "outside the 64x48 picture") {
      try $0.annotate("b", [("cell", "5 5 99 30")])
    },
    spoiled("unknown class", says: "b.xml:4: error: unknown class dog", "cell") {
      try $0.write("cell\n", "voc/classes.txt")
      try $0.annotate("b", [("dog", "5 5 30 30")])
    },
    spoiled(
      "non-finite number",
      says: "b.xml:6: error: <ymin> of cell: expected a finite number, got \"nan\""
    ) {
      try $0.annotate("b", [("cell", "5 nan 30 30")])
    },
    spoiled("endless number", says: "b.xml:6: error: ", "\"1e999\"") {
      try $0.annotate("b", [("cell", "5 5 1e999 30")])
    },
    spoiled("nested entities", says: "b.xml:", "error: is not XML") { sandbox in
      let names = "abcdefghi".map(String.init)
      let entities = zip(names, names.dropFirst()).map { name, next in
        "<!ENTITY \(name) \"\(String(repeating: "&\(next);", count: 10))\">"
      }
      try sandbox.write(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE annotation [\n\(entities.joined(separator: "\n"))\n]>\n<annotation>&a;</annotation>\n",
        "voc/Annotations/b.xml")
    },
    spoiled("list with a name that is nowhere", says: "train.txt:3: error: names d") {
      try $0.write("a\nb\nd\n", "voc/ImageSets/Main/train.txt")
    },
    spoiled("same picture twice", says: "train.txt:3: error: names a again (first in line 1)") {
      try $0.write("a\nb\na\n", "voc/ImageSets/Main/train.txt")
    },
    spoiled("one picture of two annotations", says: "b.xml:2: error: describes ", "a.xml does") {
      try $0.annotate("b", file: "a.png")
    },
    spoiled("no object at all", says: "voc: error: names no class") {
      for name in ["a", "b", "c"] { try $0.annotate(name, []) }
    },
    spoiled(
      "all problems of both splits together",
      says: "4 problems in 4 files", "a.png: error: ", "b.xml:6: error: ", "c.xml:1: error: ",
      "train.txt:3"
    ) {
      try $0.write("", "voc/JPEGImages/a.png")
      try $0.annotate("b", [("cell", "30 5 5 30")])
      try $0.write("no XML", "voc/Annotations/c.xml")
      try $0.write("a\nb\na\n", "voc/ImageSets/Main/train.txt")
    },
    BadInput("unknown split", says: "voc: error: has no split nothing; splits here: train, val") {
      try $0.voc()
      return train($0) + ["--train-split", "nothing"]
    },
    BadInput("a class that only the validation has", says: "c.xml:4: error: unknown class dog") {
      try $0.voc()
      try $0.annotate("c", [("dog", "5 5 30 30")])
      return train($0)
    },
    BadInput(
      "classes of other weights", says: "a.xml:4: error: unknown class cell", "Platelets, RBC, WBC"
    ) {
      try $0.voc()
      return [
        "val", "--weights", try TrainedRun.get().last, "--data", $0.path("voc"), "--split", "train",
      ]
    },
    BadInput("missing picture to predict", says: "nowhere.png: does not exist") { _ in
      ["predict", "--weights", try TrainedRun.get().last, "nowhere.png"]
    },
    BadInput("folder without pictures to predict", says: "voc: is a folder without pictures") {
      try $0.write("text", "voc/readme.txt")
      return ["predict", "--weights", try TrainedRun.get().last, $0.path("voc")]
    },
    BadInput("patience without validation", says: "patience: expected validation data") {
      try $0.voc()
      return train($0) + ["--val-split", "none", "--patience", "3"]
    },
    BadInput("no parameter to freeze", says: "freeze: no parameter's name matches 'neck.*'") {
      try $0.voc()
      return train($0) + ["--freeze", "neck.*"]
    },
  ]

  // MARK: Weights

  /// The trained checkpoint, changed.
  private static func changed(_ sandbox: Sandbox, _ change: (inout Safetensors) throws -> Void)
    throws
    -> String
  {
    var file = try Safetensors(contentsOf: TrainedRun.get().last)
    try change(&file)
    try file.write(to: sandbox.path("w.safetensors"))
    return sandbox.path("w.safetensors")
  }

  /// As `val` meets it.
  private static func val(
    _ name: String, says: String..., make: @escaping @Sendable (Sandbox) throws -> String
  ) -> BadInput {
    let input = BadInput(name, says: "") {
      ["val", "--weights", try make($0), "--data", try TrainedRun.get().data]
    }
    return BadInput(input, says: ["w.safetensors"] + says)
  }

  private static func resume(
    _ name: String, says: String..., make: @escaping @Sendable (Sandbox) throws -> [String]
  ) -> BadInput {
    let input = BadInput(name, says: "") { ["train", "--resume"] + (try make($0)) }
    return BadInput(input, says: says)
  }

  static let weights: [BadInput] = [
    val("missing", says: "cannot be read: No such file") { $0.path("w.safetensors") },
    val("a folder", says: "w.safetensors is a folder: expected a file of weights") {
      try $0.write("text", "w.safetensors/readme")
      return $0.path("w.safetensors")
    },
    val("zero bytes", says: "w.safetensors is empty") {
      try $0.write("", "w.safetensors")
    },
    val("truncated", says: "w.safetensors") { sandbox in
      let file = try changed(sandbox) { _ in }
      let bytes = try sandbox.bytes("w.safetensors")
      try sandbox.write(Array(bytes[..<(bytes.count / 2)]), "w.safetensors")
      return file
    },
    val("corrupt header", says: "has a corrupt header: expected") { sandbox in
      let file = try changed(sandbox) { _ in }
      var bytes = try sandbox.bytes("w.safetensors")
      bytes[9] = 0
      try sandbox.write(bytes, "w.safetensors")
      return file
    },
    val("a header of endless length", says: "the header claims") {
      try $0.write([UInt8](repeating: 0xFF, count: 64), "w.safetensors")
    },
    val("no Saker checkpoint", says: "expected metadata 'saker.model'") {
      try changed($0) { $0.metadata = [:] }
    },
    val("unknown model", says: "is for the model 'huge-ssd', known are tiny-ssd") {
      try changed($0) {
        $0.metadata["saker.model"] = $0.metadata["saker.model"]?.replacing(
          "tiny-ssd", with: "huge-ssd")
      }
    },
    val("another class count", says: "does not fit the model: ", "cls_0.weight: expected [") {
      try changed($0) {
        $0.metadata["saker.model"] = $0.metadata["saker.model"]?.replacing("\"RBC\",", with: "")
      }
    },
    val("levels of anchors missing", says: "5 levels") {
      try changed($0) { file in
        let text = try #require(file.metadata["saker.model"])
        var card = try #require(
          try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        card["anchors"] = Array((card["anchors"] as? [Any] ?? []).prefix(2))
        file.metadata["saker.model"] = String(
          decoding: try JSONSerialization.data(withJSONObject: card), as: UTF8.self)
      }
    },
    val("another model's tensors", says: "does not fit the model: ", "missing", "more problems") {
      try changed($0) { $0.tensors = [NamedTensor("layer.weight", .ones([2]))] }
    },
    val("NaN", says: "cls_0.bias: 1 of 16 elements are infinite or not a number") {
      try changed($0) { file in
        let index = try #require(file.tensors.firstIndex { $0.name == "cls_0.bias" })
        var values = file.tensors[index].tensor.floats
        values[3] = .nan
        file.tensors[index] = NamedTensor("cls_0.bias", Tensor(values, [values.count]))
      }
    },
    BadInput("NaN to start from", says: "w.safetensors", "not a number") { sandbox in
      let file = try changed(sandbox) { file in
        file.tensors = file.tensors.map {
          $0.name == "bbox_0.bias" ? NamedTensor($0.name, .full($0.tensor.shape, .nan)) : $0
        }
      }
      return TrainedRun.training(
        try TrainedRun.get().data, sandbox.path("out"), ["--weights", file])
    },
    BadInput(
      "other classes to start from",
      says: "last.safetensors: tells Platelets, RBC, WBC apart, the data have cell"
    ) {
      TrainedRun.training(
        try $0.voc(), $0.path("out"), ["--weights", try TrainedRun.get().last])
    },
    BadInput("info about no file", says: "w.safetensors cannot be read") { _ in
      ["info", "w.safetensors"]
    },
    BadInput(
      "forward without knowing the classes", says: "classes: expected 1...10000 with --classes"
    ) {
      let file = try changed($0) { $0.metadata = [:] }
      try Safetensors([NamedTensor("input", .zeros([1, 3, 64, 64]))]).write(
        to: $0.path("x.safetensors"))
      return forward(file, $0)
    },
    BadInput(
      "forward with another class count",
      says: "last.safetensors is for another model: expected tiny-ssd with 5"
    ) {
      try Safetensors([NamedTensor("input", .zeros([1, 3, 64, 64]))]).write(
        to: $0.path("x.safetensors"))
      return forward(try TrainedRun.get().last, $0) + ["--classes", "5"]
    },
    BadInput("forward without the input", says: "x.safetensors has no tensor 'input'") {
      try Safetensors([NamedTensor("images", .zeros([1, 3, 64, 64]))]).write(
        to: $0.path("x.safetensors"))
      return forward(try TrainedRun.get().last, $0)
    },
    BadInput(
      "forward of a small input", says: "x.safetensors cannot be an input",
      "got float32 [1, 3, 63, 64]"
    ) {
      try Safetensors([NamedTensor("input", .zeros([1, 3, 63, 64]))]).write(
        to: $0.path("x.safetensors"))
      return forward(try TrainedRun.get().last, $0)
    },
    resume("a folder without a run", says: "/weights/last.safetensors cannot be read") {
      [$0.path]
    },
    resume("a picture", says: "a.png is a PNG image, not weights: expected safetensors") {
      try $0.voc()
      return [$0.path("voc/JPEGImages/a.png")]
    },
    resume("a model without training", says: "holds a model but no training to resume") {
      [try changed($0) { $0.metadata["saker.training"] = nil }, "--out", $0.path("out")]
    },
    resume("a broken state", says: "saker.training cannot be read") {
      [try changed($0) { $0.metadata["saker.training"] = "{}" }, "--out", $0.path("out")]
    },
    resume("a checkpoint outside of its run", says: "does not lie in a run's folder weights") {
      [try changed($0) { _ in }]
    },
    resume("with other data", says: "unknown class cell") {
      [try TrainedRun.get().folder, "--data", try $0.voc(), "--out", $0.path("out")]
    },
    resume("with less data", says: "was trained on 4 pictures", "can only go on with its own data")
    {
      let data = try TrainedRun.get().data
      try FileManager.default.copyItem(atPath: data, toPath: $0.path("blood"))
      let names = try String(
        contentsOfFile: $0.path("blood/ImageSets/Main/train.txt"), encoding: .utf8)
      try $0.write(
        names.split(separator: "\n").dropLast().joined(separator: "\n"),
        "blood/ImageSets/Main/train.txt")
      return [try TrainedRun.get().folder, "--data", $0.path("blood"), "--out", $0.path("out")]
    },
    resume("with other settings", says: "leave out --epochs, --lr") {
      [try TrainedRun.get().folder, "--epochs", "5", "--lr", "0.1", "--out", $0.path("out")]
    },
  ]

  private static func forward(_ weights: String, _ sandbox: Sandbox) -> [String] {
    [
      "forward", "--model", "tiny-ssd", "--weights", weights, "--input",
      sandbox.path("x.safetensors"),
      "--output", sandbox.path("y.safetensors"),
    ]
  }

  // MARK: Places

  static let places: [BadInput] = [
    BadInput("a full disk", says: "/dev/full cannot be written: No space left on device") {
      try Safetensors([NamedTensor("input", .zeros([1, 3, 64, 64]))]).write(
        to: $0.path("x.safetensors"))
      return Array(forward(try TrainedRun.get().last, $0).dropLast()) + ["/dev/full"]
    },
    BadInput("an output in no folder", says: "y.safetensors cannot be written: No such file") {
      try Safetensors([NamedTensor("input", .zeros([1, 3, 64, 64]))]).write(
        to: $0.path("x.safetensors"))
      return Array(forward(try TrainedRun.get().last, $0).dropLast()) + [
        $0.path("no/y.safetensors")
      ]
    },
    BadInput("a run below a file", says: "file/run: cannot be written to: ") {
      try $0.write("text", "file")
      return TrainedRun.training(try $0.voc(), $0.path("file/run"))
    },
    BadInput("predictions below a file", says: "file/out: cannot be made: ") {
      try $0.write("text", "file")
      try $0.voc()
      return [
        "predict", "--weights", try TrainedRun.get().last, $0.path("voc/JPEGImages"), "--out",
        $0.path("file/out"),
      ]
    },
    BadInput("a validation below a file", says: "file/out: cannot be made: ") {
      try $0.write("text", "file")
      let run = try TrainedRun.get()
      return ["val", "--weights", run.last, "--data", run.data, "--out", $0.path("file/out")]
    },
  ]

  // MARK: Options

  static let options: [BadOption] =
    all(
      "train",
      [
        "--epochs 0": "epochs: expected 1...100000, got 0",
        "--epochs many": "epochs",
        "--batch 0": "batch: expected 1...4096, got 0",
        "--batch 5000": "batch: expected 1...4096, got 5000",
        "--size 7": "size: expected 64...4096, got 7",
        "--size 100000": "size: expected 64...4096, got 100000",
        "--lr=-1": "learning rate: expected a positive number, got -1.0",
        "--lr 0": "learning rate", "--lr nan": "learning rate", "--lr inf": "learning rate",
        "--momentum 1": "momentum: expected 0..<1", "--decay=-1": "decay: expected 0 or more",
        "--warmup 99 --schedule cosine": "warm-up: expected 0...25 epochs, got 99.0",
        "--warmup 1": "onecycle, which has a rise of its own",
        "--clip-norm=-1": "clip norm: expected 0 or more", "--clip-value nan": "clip value",
        "--accumulate 0": "accumulation: expected 1...1024",
        "--ema 1": "average decay: expected 0..<1",
        "--patience=-1": "patience: expected 0 or more",
        "--hflip 2": "horizontal flip: expected 0...1",
        "--vflip=-1": "vertical flip", "--jitter 2": "colour jitter",
        "--crop nan": "crop: expected 0...1",
        "--scale 0.5": "scale: expected 1...4",
        "--workers 1000": "workers: expected 0...64, got 1000",
        "--workers=-1": "workers", "--seed=-1": "seed",
        "--threads 0": "threads: expected 1...1024, got 0",
        "--threads 5000": "threads",
        "--anchors rubbish": "anchors: expected 'fit', 'fit-shapes', 'notes', sizes",
        "--anchors .1/0": "anchors: expected", "--anchors nan": "anchors: expected",
        "--model huge": "model: expected one of tiny-ssd, got 'huge'",
        "--optimizer magic": "magic", "--schedule magic": "magic", "--precision f64": "f64",
        "--preset magic": "magic", "--nonsense": "nonsense", "extra": "extra",
      ])
    + all(
      "val --weights w",
      [

        "--conf 2": "iou and conf: expected 0...1, got 0.5 and 2.0", "--conf nan": "expected 0...1",
        "--iou=-1": "iou and conf", "--batch 0": "batch: expected 1...4096",
        "--workers 1000": "workers 0...64",
        "--threads 0": "threads: expected 1...1024", "--precision f16": "f16",
      ])
    + all(
      "predict --weights w p.png",
      [

        "--conf 2": "conf and iou: expected 0...1, got 2.0 and 0.45", "--iou nan": "conf and iou",
        "--limit 0": "limit: expected 1...100000, got 0",
      ])
    + all(
      "benchmark",
      [

        "--batch 0": "batch 1...4096", "--seconds 0": "seconds above 0",
        "--seconds nan": "seconds above 0",
        "--seconds inf": "seconds above 0", "--workers 65": "workers 0...64",
        "--size 7": "size: expected 64...4096, got 7",
        "--model huge": "model: expected one of", "--mode sleep": "sleep",
        "--model vgg16_bn --size 31": "size: expected 32...4096, got 31",
        "--convolution fast": "'fast' is invalid for '--convolution",
        "--batch 1,2": "batch: expected one number in the mode train, got 2",
        "--batch 1,": "'1,' is invalid for '--batch",
        "--mode convolution --batch 1,0": "batch 1...4096",
        "--mode convolution --network vgg16,lenet":
          "network: expected some of vgg16, resnet18, resnet50, darknet53, cspdarknet53, tiny-ssd, got 'lenet'",
        "--mode convolution --pass back":
          "pass: expected some of inference, forward, data, weights, got 'back'",
        "--mode convolution --rounds 0": "rounds: expected 1...1000, got 0",
      ])
    + all(
      "doctor",
      [
        "--measure": "expected together with --convolutions",
        "--batch 1": "expected together with --convolutions",
        "--convolutions --batch 0": "batch: expected 1...4096, got 0",
        "--convolutions --pass all": "pass: expected some of",
        "--convolution none": "'none' is invalid for '--convolution",
      ])
    + [
      BadOption("val", says: "--weights"), BadOption("predict --weights w", says: "pictures"),
      BadOption("info", says: "model"),
      BadOption("info huge", says: "model: expected one of tiny-ssd, got 'huge'"),
      BadOption("info tiny-ssd --classes 0", says: "classes: expected 1...10000, got 0"),
      BadOption("info tiny-ssd --size 7", says: "size: expected 64...4096"),
      BadOption(
        "forward --model huge --weights w --input x --output y", says: "model: expected one of"),
      BadOption(
        "forward --model tiny-ssd --weights w --input x --output y --precision f64", says: "f64"),
      BadOption("fly", says: "fly"),
    ]

  /// Options of a command, and what is said about each.
  private static func all(_ command: String, _ options: KeyValuePairs<String, String>)
    -> [BadOption]
  {
    options.map { BadOption("\(command) \($0.key)", says: $0.value) }
  }
}

/// Words that make no sense, and a part of what is said about them.
struct BadOption: Sendable, CustomTestStringConvertible {
  let words: String
  let says: String
  var testDescription: String { words }

  init(_ words: String, says: String) {
    self.words = words
    self.says = says
  }
}

extension BadInput {
  fileprivate init(_ other: BadInput, says: [String]) {
    testDescription = other.testDescription
    self.says = says
    arguments = other.arguments
  }
}
