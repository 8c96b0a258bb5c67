import Foundation

/// The file of corrections: a JSON object with an entry for each machine that was measured,
/// as home folders are shared. Runs read it if it is there, so they choose the same as long
/// as it stays the same.
extension ConvolutionCorrections {
  /// What measurements hold for.
  public struct Machine: Codable, Hashable, Sendable {
    public var processor: String
    /// Our kernels'.
    public var instructionSet: String
    /// oneDNN's version and instruction set.
    public var kernels: String

    public init(processor: String, instructionSet: String, kernels: String) {
      self.processor = processor
      self.instructionSet = instructionSet
      self.kernels = kernels
    }

    public static let this = Machine(
      processor: Processor.name, instructionSet: InstructionSet.ours.rawValue,
      kernels: "\(KernelLibrary.version), \(KernelLibrary.instructionSet)")
  }

  /// A file that cannot be used, or cannot be written.
  public struct FileError: Error, CustomStringConvertible, Sendable {
    public let file, problem: String
    public var description: String { "\(file): \(problem)" }
  }

  /// `$XDG_CACHE_HOME/saker/convolutions.json`, or `~/.cache/saker/convolutions.json`. Nothing
  /// where there is no home.
  public static var path: String? { path(ProcessInfo.processInfo.environment) }

  static func path(_ environment: [String: String]) -> String? {
    // The base directory specification: what is not absolute counts as not set.
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return cache + "/saker/convolutions.json"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return home + "/.cache/saker/convolutions.json"
  }

  /// The entry of `machine`; empty if there is no file, or none for it.
  ///
  /// - Throws: `FileError` if it is no file of corrections.
  public init(file: String, for machine: Machine = .this) throws(FileError) {
    guard let contents = try Contents(file: file) else {
      self = .none
      return
    }
    guard let entry = contents.machines.first(where: { $0.machine == machine }) else {
      self = .none
      return
    }
    var all: [Measured] = []
    for (index, row) in entry.measured.enumerated() {
      guard let measured = Measured(row) else {
        throw FileError(
          file: file, problem: "case \(index + 1) of \(machine.processor) makes no sense")
      }
      all.append(measured)
    }
    self.init(all)
  }

  /// Puts measurements into the file, beside those that it has of other cases and machines. A file
  /// that cannot be used is replaced.
  ///
  /// - Returns: all there are for `machine`.
  /// - Throws: `FileError` if the system refuses.
  public static func write(
    _ new: [Measured], to file: String, for machine: Machine = .this
  ) throws(FileError) -> ConvolutionCorrections {
    let old = (try? ConvolutionCorrections(file: file, for: machine)) ?? .none
    let all = old.adding(new)
    var contents = (try? Contents(file: file)).flatMap { $0 } ?? Contents(machines: [])
    contents.machines.removeAll { $0.machine == machine }
    contents.machines.append(
      Contents.Entry(machine: machine, measured: all.sorted.map(Contents.Row.init)))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: file).deletingLastPathComponent(),
        withIntermediateDirectories: true)
      try AtomicFile.write(file, Array(try encoder.encode(contents)) + Array("\n".utf8))
    } catch let failure as AtomicFile.Failure {
      throw FileError(file: file, problem: "cannot be written: \(failure.reason)")
    } catch {
      throw FileError(
        file: file, problem: "cannot be written: \((error as NSError).localizedDescription)")
    }
    return all
  }
}

/// The file as it is written.
private struct Contents: Codable {
  /// Raised when the meaning changes: older files are then foreign.
  static let version = 1

  struct Row: Codable {
    var pass: String
    var pictures, inputs, outputs, groups, height, width: Int
    /// Top, bottom, left, right.
    var padding: [Int]
    /// Seconds by the name of the method.
    var seconds: [String: Double]
  }

  struct Entry: Codable {
    var machine: ConvolutionCorrections.Machine
    var measured: [Row]
  }

  var format = Contents.version
  var machines: [Entry]

  init(machines: [Entry]) { self.machines = machines }

  /// Nothing if there is no file.
  init?(file: String) throws(ConvolutionCorrections.FileError) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: file))
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      return nil
    } catch {
      throw ConvolutionCorrections.FileError(file: file, problem: "cannot be read")
    }
    do {
      self = try JSONDecoder().decode(Contents.self, from: data)
    } catch {
      throw ConvolutionCorrections.FileError(
        file: file, problem: "is no file of measured convolutions")
    }
    guard format == Contents.version else {
      throw ConvolutionCorrections.FileError(
        file: file, problem: "expected format \(Contents.version), got \(format)")
    }
  }
}

extension Contents.Row {
  fileprivate init(_ measured: ConvolutionCorrections.Measured) {
    let (work, edges) = (measured.work, measured.work.padding)
    self.init(
      pass: work.pass.rawValue, pictures: work.pictures, inputs: work.inputs,
      outputs: work.outputs, groups: work.groups, height: work.height, width: work.width,
      padding: [edges.top, edges.bottom, edges.left, edges.right],
      seconds: Dictionary(
        uniqueKeysWithValues: measured.seconds.map { ($0.key.description, $0.value) }))
  }
}

extension ConvolutionCorrections.Measured {
  /// Nothing if the numbers make no sense.
  fileprivate init?(_ row: Contents.Row) {
    let sizes = [row.pictures, row.inputs, row.outputs, row.groups, row.height, row.width]
    guard let pass = ConvolutionPass(rawValue: row.pass), row.padding.count == 4,
      sizes.allSatisfy((1...1 << 24).contains),
      row.padding.allSatisfy((0...1 << 24).contains)
    else { return nil }
    var seconds: [ConvolutionMethod: Double] = [:]
    for (name, value) in row.seconds {
      guard let method = ConvolutionMethod.all.first(where: { $0.description == name }),
        value > 0, value.isFinite
      else { return nil }
      seconds[method] = value
    }
    let edges = row.padding
    self.init(
      ConvolutionCase(
        pass, pictures: row.pictures, inputs: row.inputs, outputs: row.outputs,
        groups: row.groups, height: row.height, width: row.width,
        padding: ConvolutionPadding(
          top: edges[0], bottom: edges[1], left: edges[2], right: edges[3])),
      seconds: seconds)
  }
}
