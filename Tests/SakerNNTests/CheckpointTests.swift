import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

func temporaryPath(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)").path
}

struct SafetensorsTests {
  /// A file of a header and so many bytes of data.
  private func withFile<R>(
    _ header: String, data: Int = 0, length: UInt64? = nil, _ body: (String) throws -> R
  ) throws -> R {
    let path = temporaryPath("hand.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    var bytes = Data()
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) {
      bytes.append(contentsOf: $0)
    }
    bytes.append(contentsOf: header.utf8)
    bytes.append(contentsOf: (0..<data).map { UInt8($0 % 251) })
    try bytes.write(to: URL(filePath: path))
    return try body(path)
  }

  @Test(arguments: DType.allCases)
  func everyTypeComesBackAsItWent(_ type: DType) throws {
    let path = temporaryPath("\(type).safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let values = Tensor([0, 1, -2.5, 100, 3, 7] as [Float], [2, 3]).converted(to: type)
    let tensors = [
      NamedTensor("a.weight", values), NamedTensor("scalar", .ones([], type)),
      NamedTensor("empty", .zeros([0, 4], type)), NamedTensor("small", .ones([3], .bool)),
      NamedTensor("turned", values.transposed()),
      NamedTensor("image", Tensor.full([1, 2, 2, 2], 3, type).channelsLast()),
    ]
    try Safetensors(tensors, metadata: ["format": "pt", "\"quoted\"\n": "ä😀\u{1}"]).write(to: path)
    let read = try Safetensors(contentsOf: path)
    #expect(read.metadata == ["format": "pt", "\"quoted\"\n": "ä😀\u{1}"])
    #expect(read.tensors.map(\.name) == tensors.map(\.name))
    for (a, b) in zip(tensors, read.tensors) {
      #expect(a.tensor.dtype == b.tensor.dtype && a.tensor.shape == b.tensor.shape)
      #expect(a.tensor.withBytes { Array($0) } == b.tensor.withBytes { Array($0) }, "\(a.name)")
    }
  }

  /// What Python wrote, read by this reader and by the tests' own.
  @Test func readsFilesOfTheReferenceImplementation() throws {
    let golden = try GoldenFile("golden/layers.safetensors")
    let read = try Safetensors(contentsOf: Fixtures.url("golden/layers.safetensors").path)
    #expect(read.tensors.count == golden.tensors.count && read.tensors.count > 100)
    for named in read.tensors { #expect(named.tensor.floats == golden[named.name].floats) }
    #expect(read.metadata == golden.metadata)
  }

  /// What this writer wrote, read by the tests' own reader.
  @Test func writesWhatOthersRead() throws {
    let path = "golden/../../../.build/written-\(UUID().uuidString).safetensors"
    let file = Fixtures.url(path).path
    try FileManager.default.createDirectory(
      at: Fixtures.url(path).deletingLastPathComponent(), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: file) }
    let x = random([3, 4], seed: 1)
    try Safetensors([NamedTensor("b", .ones([5], .bool)), NamedTensor("x", x)]).write(to: file)
    let read = try GoldenFile(path)
    #expect(read["x"].floats == x.floats)
    #expect(read["b"].scalars(as: Bool.self) == [true, true, true, true, true])
  }

  @Test func foreignTypesBecomeWider() throws {
    let header = """
      {"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},\
      "s":{"dtype":"I16","shape":[1],"data_offsets":[8,10]},\
      "e":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[10,12]},\
      "f":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[12,16]},\
      "u":{"dtype":"U32","shape":[1],"data_offsets":[16,20]}}
      """
    let path = temporaryPath("wide.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    var bytes = Data()
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: header.utf8)
    withUnsafeBytes(of: (1.5).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: [0xFE, 0xFF])
    // 448, the largest, and the smallest, 2^-9; then -1.5, infinity, no number, and
    // the smallest, 2^-16
    bytes.append(contentsOf: [0x7E, 0x01, 0xBE, 0x7C, 0x7F, 0x01, 0xFF, 0xFF, 0xFF, 0xFF])
    try bytes.write(to: URL(filePath: path))
    let read = try Safetensors(contentsOf: path)
    #expect(read["d"]?.floats == [1.5] && read["d"]?.dtype == .float32)
    #expect(read["s"]?.scalars(as: Int32.self) == [-2] && read["s"]?.dtype == .int32)
    #expect(read["e"]?.floats == [448, 0x1p-9])
    let f = try #require(read["f"]?.floats)
    #expect(f[0] == -1.5 && f[1] == .infinity && f[2].isNaN && f[3] == 0x1p-16)
    #expect(read["u"]?.scalars(as: Int64.self) == [4_294_967_295])
  }

  // MARK: Damage

  static let damages: [(header: String, data: Int, expected: String)] = [
    ("not json", 0, "corrupt header: expected a value at byte 8"),
    ("{\"a\":", 0, "the text ends too early"),
    ("[]", 0, "expected an object"),
    ("{} x", 0, "expected nothing more"),
    ("{\"a\\ud800\":1}", 0, "half a character"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
      "a: expected dtype, shape and two data_offsets"
    ),
    ("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a: unknown type F31"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "a: expected dtype"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "a: expected dtype"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
      "a: F32 [2] does not fill bytes 0..<4"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
      "does not fill"
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "does not fill"),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
      6, "b: overlaps the tensor before"
    ),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}", 4,
      "a: bytes 0..<2 before it are nobody's"
    ),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 5,
      "bytes 2..<5 at the end are nobody's"
    ),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}", 5,
      "a: ends at byte 9 of 5: truncated?"
    ),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
      2, "a: appears twice"
    ),
    ("{\"__metadata__\":{\"epoch\":3}}", 0, "__metadata__: expected a text for epoch"),
    (String(repeating: "[", count: 100_000), 0, "nested too deeply"),
  ]

  @Test(arguments: damages.indices)
  func damageIsNamed(_ index: Int) throws {
    let (header, data, expected) = Self.damages[index]
    try withFile(header, data: data) { path in
      let error = #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: path) }
      #expect(error?.description.hasPrefix(path) == true)
      #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test func absurdLengthsAndShortFilesAreNamed() throws {
    for length in [UInt64.max, 1 << 62, 3] {
      try withFile("{}", length: length) { path in
        let error = #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: path) }
        #expect(error?.description.contains("the header claims \(length) bytes") == true)
      }
    }
    let path = temporaryPath("short")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([1, 2, 3]).write(to: URL(filePath: path))
    let short = #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: path) }
    #expect(short?.description.contains("at least 8 bytes, got 3") == true)
    let missing = #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: path + "x") }
    #expect(missing?.problems == ["No such file or directory"])
    let folder = #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: "/tmp") }
    #expect(folder?.summary == "is a folder")
  }

  @Test func everyTruncationIsNoticed() throws {
    let path = temporaryPath("whole.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Safetensors(Linear(3, 2).state).write(to: path)
    let whole = try Data(contentsOf: URL(filePath: path))
    for count in 0..<whole.count {
      try whole.prefix(count).write(to: URL(filePath: path))
      #expect(throws: CheckpointError.self) { try Safetensors(contentsOf: path) }
    }
  }

  // MARK: Writing

  @Test func aFailedWriteLeavesTheOldFileAndNoOther() throws {
    let directory = temporaryPath("folder")
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/last.safetensors"
    try Safetensors([NamedTensor("a", .ones([2]))]).write(to: path)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try AtomicFile.write(path) { output in
        try [1, 2, 3].withUnsafeBytes { try output.write($0) }
        throw Stop()
      }
    }
    let twice = #expect(throws: CheckpointError.self) {
      try Safetensors([NamedTensor("a", .ones([2])), NamedTensor("a", .ones([2]))]).write(to: path)
    }
    #expect(twice?.problems == ["a: the name is taken"])
    #expect(try Safetensors(contentsOf: path)["a"]?.floats == [1, 1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["last.safetensors"])
    try Safetensors([NamedTensor("a", .zeros([2]))]).write(to: path)
    #expect(try Safetensors(contentsOf: path)["a"]?.floats == [0, 0])
  }

  @Test func foldersThatTakeNoFileThrow() {
    for path in ["/proc/last.safetensors", "/nowhere/last.safetensors"] {
      let error = #expect(throws: CheckpointError.self) {
        try Safetensors([NamedTensor("a", .ones([2]))]).write(to: path)
      }
      #expect(error?.description.hasPrefix("\(path) cannot be written: ") == true)
    }
  }

  #if os(Linux)
    /// A disk without space for one byte: the file beside the final one leads to `/dev/full`.
    @Test func aFullDiskThrowsAndLeavesTheOldFile() throws {
      let directory = temporaryPath("full")
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let path = directory + "/last.safetensors"
      try Safetensors([NamedTensor("a", .ones([2]))]).write(to: path)
      try FileManager.default.createSymbolicLink(
        atPath:
          "\(directory)/.last.safetensors.\(ProcessInfo.processInfo.processIdentifier).partial",
        withDestinationPath: "/dev/full")
      let error = #expect(throws: CheckpointError.self) {
        try Safetensors([NamedTensor("a", .zeros([2]))]).write(to: path)
      }
      #expect(error?.problems == ["No space left on device"])
      #expect(try Safetensors(contentsOf: path)["a"]?.floats == [1, 1])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: directory) == ["last.safetensors"])
    }
  #endif
}

struct LoadTests {
  @Test func aModelLoadsWhatItSaved() throws {
    let path = temporaryPath("model.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    func build() -> Sequential {
      Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), ReLU(), Flatten(), Linear(16, 2))
    }
    let model = build()
    let x = random([2, 3, 4, 4], seed: 1)
    _ = model(x)
    try Safetensors(model.state).write(to: path)
    let other = build()
    try other.load(state: Safetensors(contentsOf: path).tensors, file: path)
    #expect(other.evaluating { other(x).floats } == model.evaluating { model(x).floats })
  }

  @Test func allMisfitsAreReportedAndNothingChanges() {
    let model = Sequential(Linear(4, 3), BatchNorm1d(3))
    let before = model.state.map { $0.tensor.scalars(as: Float.self) }
    let state = [
      NamedTensor("0.weight", .ones([5, 4])),
      NamedTensor("0.bias", Tensor([1, .nan, .infinity] as [Float])),
      NamedTensor("1.weight", .ones([3], .int32)), NamedTensor("1.bias", .ones([3])),
      NamedTensor("1.running_mean", .ones([3])), NamedTensor("fc.weight", .ones([1])),
    ]
    let error = #expect(throws: CheckpointError.self) {
      try model.load(state: state, file: "w.safetensors")
    }
    #expect(
      error?.problems == [
        "0.weight: expected [3, 4], got [5, 4]",
        "0.bias: 2 of 3 elements are infinite or not a number",
        "1.weight: expected float32, got int32", "1.running_var: missing", "fc.weight: unexpected",
      ])
    #expect(
      error?.description.hasPrefix("w.safetensors does not fit the model: 0.weight: ") == true)
    #expect(model.state.map { $0.tensor.scalars(as: Float.self) } == before)
  }

  @Test func lenientLoadingStillWantsShapesToFit() throws {
    let model = Linear(2, 2)
    let result = try model.load(
      state: [NamedTensor("weight", .ones([2, 2])), NamedTensor("x", .ones([1]))], strict: false)
    #expect(result.missing == ["bias"] && result.unexpected == ["x"])
    #expect(model.weight.value.floats == [1, 1, 1, 1])
    #expect(throws: CheckpointError.self) {
      try model.load(state: [NamedTensor("weight", .ones([2, 3]))], strict: false)
    }
  }

  @Test func lowPrecisionFilesBecomeFloat32() throws {
    let model = Linear(2, 1, bias: false)
    try model.load(state: [NamedTensor("weight", Tensor.ones([1, 2]).converted(to: .bfloat16))])
    #expect(model.weight.dtype == .float32 && model.weight.value.floats == [1, 1])
  }

  @Test func aLongListIsCutInTheLineButNotInTheError() {
    let model = Sequential((0..<30).map { _ in Linear(1, 1) })
    let error = #expect(throws: CheckpointError.self) { try model.load(state: []) }
    #expect(error?.problems.count == 60)
    #expect(error?.description.hasSuffix("and 50 more problems") == true)
  }
}
