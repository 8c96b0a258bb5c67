import CKernels

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

  /// What our kernels run on. The environment variable SAKER_ISA names a lesser one than the processor has.
  public static let ours =
    InstructionSet(rawValue: String(cString: saker_winograd_form())) ?? .portable

  /// Whether our 1x1 convolutions run on matrix units (AMX), beside AVX-512: see docs/decisions/0023. SAKER_ISA=avx512 does without.
  public static let hasMatrixUnits = saker_amx() != 0

  /// What oneDNN runs on. Its environment variable ONEDNN_MAX_CPU_ISA names a lesser one.
  public static let oneDNN: InstructionSet = {
    let name = KernelLibrary.instructionSet
    return name.hasPrefix("AVX-512") ? .avx512 : name.hasPrefix("AVX2") ? .avx2 : .portable
  }()
}
