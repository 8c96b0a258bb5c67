import Foundation
import Testing

@testable import SakerTensor

@Suite struct InstructionSetTests {
  /// A misspelled SAKER_ISA must not pass for a run on that set.
  @Test func theEnvironmentNamesASetOfThisProcessor() {
    #expect(Instructions.problem == nil)
    let wanted = ProcessInfo.processInfo.environment[Instructions.variable]
    #expect(Instructions.chosen == wanted ?? Instructions.available.last)
  }

  @Test func setsAreKnownByNameLeastFirst() {
    #expect(Instructions.all == ["portable", "avx2", "avx512", "amx"])
    #expect(Instructions.available == Array(Instructions.all.prefix(Instructions.available.count)))
    #expect(Instructions.available.contains(Instructions.chosen))
    let form = Instructions.chosen == "amx" ? "avx512" : Instructions.chosen
    #expect(InstructionSet.ours.rawValue == form)
    #expect(InstructionSet.hasMatrixUnits == (Instructions.chosen == "amx"))
  }

  @Test func otherNamesAreToldOf() {
    let available = ["portable", "avx2"]
    #expect(Instructions.problem(with: nil, available) == nil)
    #expect(Instructions.problem(with: "avx2", available) == nil)
    #expect(
      Instructions.problem(with: "AVX2", available)
        == "SAKER_ISA: expected one of portable, avx2, got 'AVX2'")
    #expect(
      Instructions.problem(with: "avx512", available)
        == "SAKER_ISA: expected one of portable, avx2, got 'avx512' (this processor has no avx512)")
    #expect(Instructions.problem(with: "", available) != nil)
  }
}
