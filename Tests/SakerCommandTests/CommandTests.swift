import Foundation
import SakerData
import SakerNN
import SakerTensor
import Testing

struct CommandTests {
  @Test func trainingWritesARunAndTellsIt() throws {
    let run = try TrainedRun.get()
    let told = try run.result.object()
    #expect(told["ending"] as? String == "complete")
    #expect(told["weights"] as? String == run.last && told["best"] as? String == run.best)
    #expect(told["images_per_second"] as? Double ?? 0 > 0)
    let epochs = try #require(told["epochs"] as? [[String: Any]])
    #expect(epochs.count == 2)
    for key in [
      "train_class_loss", "train_box_loss", "learning_rate", "mean_average_precision",
      "mean_average_precision5095", "val_class_loss", "val_box_loss",
    ] {
      #expect(epochs[1][key] is Double, "\(key)")
    }
    #expect(told["anchors"] is [String: Any])
    let files = try run.sandbox.list("run")
    for name in [
      "args.yaml", "results.csv", "results.png", "labels.jpg", "labels_correlogram.jpg",
      "train_batch0.jpg", "confusion_matrix.png", "confusion_matrix_normalized.png",
      "PR_curve.png", "F1_curve.png", "P_curve.png", "R_curve.png", "val_batch0_labels.jpg",
      "val_batch0_pred.jpg", "report.html", "weights",
    ] {
      #expect(files.contains(name), "\(name)")
    }
    #expect(files.contains { $0.hasPrefix("events.out.tfevents.") })
    #expect(try run.sandbox.list("run/weights") == ["best.safetensors", "last.safetensors"])
    let curves = try Picture(file: run.folder + "/results.png")
    #expect(curves.width > 400)
    let rows = try losses(run.folder)
    #expect(rows.count == 3 && rows[0][1] == "train/class_loss")
  }

  @Test func validationMeasures() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let report = try Saker.succeed([
      "val", "--weights", run.last, "--data", run.data, "--json", "--out", sandbox.path("val"),
    ]).object()
    #expect(report["pictures"] as? Int == 2)
    #expect(report["mean_average_precision"] is Double)
    #expect(
      (report["classes"] as? [[String: Any]])?.map { $0["name"] as? String } == [
        "Platelets", "RBC", "WBC",
      ])
    let files = try sandbox.list("val")
    for name in [
      "curves.png", "predictions.png", "report.json", "report.html", "confusion_matrix.png",
      "PR_curve.png", "val_batch0_pred.jpg",
    ] {
      #expect(files.contains(name), "\(name)")
    }
    let stored = try JSONSerialization.jsonObject(with: Data(sandbox.bytes("val/report.json")))
    #expect(stored as? NSDictionary == report as NSDictionary)
    // The same numbers as after the last epoch of training.
    let epochs = try #require(try run.result.object()["epochs"] as? [[String: Any]])
    #expect(
      report["mean_average_precision"] as? Double == epochs[1]["mean_average_precision"] as? Double)
    let text = try Saker.succeed([
      "val", "--weights", run.last, "--data", run.data, "--split", "all", "--precision", "bf16",
      "--eleven-points", "--iou", "0.3",
    ])
    #expect(text.output.contains("6 pictures, split all") && text.output.contains("11 points"))
  }

  @Test func predictionsAreDrawnUnderNamesOfTheirOwn() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    // A gray picture, a palette's worth of colours as PNG, one smaller than the input, two
    // names that collide.
    let gray = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/pictures").standardizedFileURL.path
    let grays = try FileManager.default.contentsOfDirectory(atPath: gray)
      .filter { $0.contains("gray") && ($0.hasSuffix(".jpg") || $0.hasSuffix(".png")) }.sorted()
    try #require(!grays.isEmpty)
    let photo = run.data + "/JPEGImages/" + (try run.sandbox.list("blood/JPEGImages")[0])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: photo)))
    try sandbox.write(bytes, "one/same.jpg")
    try sandbox.write(bytes, "two/same.jpg")
    try sandbox.write(
      Picture(width: 5, height: 3, filledWith: .white).encoded(as: .png()), "one/tiny.png")
    try sandbox.write("no picture", "one/notes.txt")
    let arguments = [
      "predict", "--weights", run.last, sandbox.path("one"), sandbox.path("two"),
      sandbox.path("two/same.jpg"),
      gray + "/" + grays[0], "--out", sandbox.path("out"), "--conf", "0.05", "--json",
    ]
    let found = try #require(try Saker.succeed(arguments).json() as? [[String: Any]])
    // Five pictures, and the text file, which is named as left out.
    #expect(found.count == 6)
    let leftOut = found.filter { $0["left_out"] != nil }
    #expect(leftOut.count == 1 && "\(leftOut)".contains("notes.txt"))
    #expect(
      try sandbox.list("out")
        == [grays[0], "same-2.jpg", "same-3.jpg", "same.jpg", "tiny.png"].sorted())
    #expect(found[0]["width"] as? Int == 640 && found[0]["height"] as? Int == 480)
    let objects = try #require(found[0]["objects"] as? [[String: Any]])
    #expect(!objects.isEmpty)
    for object in objects {
      let box = try #require(object["box"] as? [Double])
      #expect(box[0] >= 0 && box[1] >= 0 && box[2] <= 640 && box[3] <= 480 && box[0] < box[2])
      #expect(["Platelets", "RBC", "WBC"].contains(object["name"] as? String))
      #expect((0.05...1).contains(object["score"] as? Double ?? 0))
    }
    let drawn = try Picture(file: sandbox.path("out/same.jpg"))
    #expect(drawn.width == 640 && drawn.height == 480)
    // Into the folder they come from: the originals stay.
    try Saker.succeed([
      "predict", "--weights", run.last, sandbox.path("two"), "--out", sandbox.path("one/../two"),
    ])
    #expect(try sandbox.bytes("two/same.jpg") == bytes)
    #expect(try sandbox.list("two") == ["same-2.jpg", "same.jpg"])
  }

  @Test func oneBadPictureDoesNotCostTheOthers() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    try sandbox.write(Picture(width: 80, height: 60).encoded(as: .png()), "in/good.png")
    try sandbox.write("no picture", "in/bad.png")
    let result = try Saker.run([
      "predict", "--weights", run.last, sandbox.path("in"), "--out", sandbox.path("out"),
    ])
    #expect(result.status == 1 && !result.crashed)
    #expect(result.errors.contains("in/bad.png: is not a picture"))
    #expect(result.errors.contains("1 of 2 pictures could not be done"))
    #expect(try sandbox.list("out") == ["good.png"])
  }

  @Test func infoTellsAModelAndACheckpoint() throws {
    let model = try Saker.succeed(["info", "tiny-ssd", "--classes", "1", "--size", "64", "--json"])
      .object()
    #expect(model["input_shape"] as? [Int] == [1, 3, 64, 64])
    #expect(model["rows"] is [Any] && model["multiply_adds"] as? Int ?? 0 > 0)
    let own = try Saker.succeed(["info", try TrainedRun.get().last, "--json"]).object()
    #expect(own["parameters"] as? Int ?? 0 > model["parameters"] as? Int ?? .max)
    #expect(try Saker.succeed(["info", "tiny-ssd"]).output.contains("blk_0.0.0"))
  }

  @Test func forwardWritesAllRawOutputs() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    var random = Random(seed: 1)
    try Safetensors([NamedTensor("input", .normal([2, 3, 64, 96], using: &random))])
      .write(to: sandbox.path("x.safetensors"))
    func forward(_ weights: String, _ output: String, _ more: [String] = []) throws -> Safetensors {
      try Saker.succeed(
        [
          "forward", "--model", "tiny-ssd", "--weights", weights, "--input",
          sandbox.path("x.safetensors"),
          "--output", sandbox.path(output),
        ] + more)
      return try Safetensors(contentsOf: sandbox.path(output))
    }
    let outputs = try forward(run.last, "y.safetensors", ["--json"])
    #expect(
      Set(outputs.tensors.map(\.name))
        == Set(["anchors", "class_logits", "box_offsets"] + (0..<5).map { "features_\($0)" }))
    let anchors = try #require(outputs["anchors"]).shape[0]
    #expect(outputs["class_logits"]?.shape == [2, anchors, 4])
    #expect(outputs["box_offsets"]?.shape == [2, anchors, 4])
    // Weights alone, as another framework would write them, under the same names.
    let trained = try Safetensors(contentsOf: run.last)
    try Safetensors(trained.tensors.filter { !$0.name.hasPrefix("training.") })
      .write(to: sandbox.path("w.safetensors"))
    let bare = try forward(sandbox.path("w.safetensors"), "z.safetensors", ["--classes", "3"])
    #expect(bare["class_logits"]?.floats == outputs["class_logits"]?.floats)
    let half = try forward(run.last, "h.safetensors", ["--precision", "bf16"])
    #expect(half["class_logits"]?.dtype == .float32)
    #expect(half["class_logits"]?.floats != outputs["class_logits"]?.floats)
  }

  @Test(arguments: ["train", "infer", "load", "data"], ["f32", "bf16"])
  func benchmarkTellsItsFigures(_ mode: String, _ precision: String) throws {
    let told = try Saker.succeed([
      "benchmark", "--mode", mode, "--precision", precision, "--seconds", "0.2", "--batch", "1",
      "--size", "64", "--data", try TrainedRun.get().data, "--json",
    ]).object()
    let steps = try #require(told["step_ms"] as? [String: Double])
    let (low, median, high) = (steps["p10"] ?? -1, steps["median"] ?? -1, steps["p90"] ?? -1)
    #expect(0 < low && low <= median && median <= high)
    let rate = try #require(told["images_per_second"] as? Double)
    #expect(abs(rate - 1000 / median) < 1e-6 * rate)
    #expect(told["peak_memory_bytes"] as? Int ?? 0 > 1 << 20)
    #expect(told["mode"] as? String == mode && told["precision"] as? String == precision)
    #expect(told["batch"] as? Int == 1 && told["size"] as? Int == 64 && told["threads"] is Int)
    if ["train", "infer"].contains(mode) {
      #expect((0...1).contains(told["framework_share"] as? Double ?? -1))
    }
  }

  @Test func doctorFindsTheMachineWell() throws {
    let told = try Saker.succeed(["doctor", "--json", "--threads", "1"]).object()
    let checks = try #require(told["checks"] as? [[String: Any]])
    #expect(checks.count == 6 && checks.allSatisfy { $0["passed"] as? Bool == true })
    for key in ["saker", "system", "processor", "kernels", "instruction_set"] {
      #expect((told[key] as? String)?.isEmpty == false, "\(key)")
    }
    #expect(told["threads"] as? Int == 1)
  }

  @Test func profileTellsTheTimeByOperation() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let result = try Saker.succeed([
      "train", "--data", run.data, "--size", "64", "--epochs", "1", "--batch", "4", "--val-split",
      "none", "--preset", "notes", "--profile", "--out", sandbox.path("run"),
    ])
    #expect(result.output.contains("outside kernels") && result.output.contains("backward"))
    #expect(result.output.contains("done: "))
  }

  @Test func withoutArgumentsTheCommandsAreListed() throws {
    let result = try Saker.succeed([])
    for command in [
      "train", "val", "predict", "info", "benchmark", "forward", "doctor", "evaluate", "data",
      "augment", "models", "weights",
    ] {
      #expect(result.output.contains("\n  \(command) "))
    }
  }
}
