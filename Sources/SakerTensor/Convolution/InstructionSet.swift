import CKernels
import Foundation

/// The families of processors that convolutions have forms for.
public enum InstructionSet: String, CaseIterable, Sendable {
  case avx512, avx2, portable

  /// The floats of a vector.
  var lanes: Int {
    switch self {
    case .avx512: 16
    case .avx2: 8
    case .portable: 4
    }
  }

  /// What our kernels run on. The environment variable SAKER_ISA names a lesser one than
  /// the processor has.
  public static let ours =
    InstructionSet(rawValue: String(cString: saker_winograd_form())) ?? .portable

  /// Whether our 1x1 convolutions run on matrix units (AMX), beside AVX-512: see
  /// docs/decisions/0023. SAKER_ISA=avx512 does without.
  public static let hasMatrixUnits = saker_amx() != 0

  /// What oneDNN runs on. Its environment variable ONEDNN_MAX_CPU_ISA names a lesser one.
  public static let oneDNN: InstructionSet = {
    let name = KernelLibrary.instructionSet
    return name.hasPrefix("AVX-512") ? .avx512 : name.hasPrefix("AVX2") ? .avx2 : .portable
  }()
}

/// What our own kernels may use of the processor.
public enum Instructions {
  /// The environment variable that names a lesser set than the processor has, to imitate a
  /// lesser processor.
  public static let variable = "SAKER_ISA"

  /// Names of the sets that there are kernels for, the least first. Each has what stands before it;
  /// `amx` is AVX-512 with matrix units.
  public static let all = [SAKER_PORTABLE, SAKER_AVX2, SAKER_AVX512, SAKER_AMX].map {
    String(cString: saker_instructions_name(Int32($0.rawValue)))
  }

  /// Those of `all` that this processor has and the system lets this process use.
  public static let available = Array(all[...Int(saker_instructions_available().rawValue)])

  /// The one of `available` that runs.
  public static let chosen = all[Int(saker_instructions_chosen().rawValue)]

  /// What is wrong with the environment variable, in one line; the most that is
  /// available runs then.
  public static var problem: String? {
    problem(with: ProcessInfo.processInfo.environment[variable], available)
  }

  static func problem(with text: String?, _ available: [String]) -> String? {
    guard let text, !available.contains(text) else { return nil }
    let known = available.joined(separator: ", ")
    let reason = all.contains(text) ? " (this processor has no \(text))" : ""
    return "\(variable): expected one of \(known), got '\(text)'\(reason)"
  }
}
