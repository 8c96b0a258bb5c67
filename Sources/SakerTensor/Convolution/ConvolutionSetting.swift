import Foundation
import Synchronization

/// Who decides how 3x3 convolutions are computed.
public enum ConvolutionSetting: String, CaseIterable, Sendable {
  /// `ConvolutionChooser`, case by case.
  case auto
  /// Always oneDNN's direct kernels.
  case direct
  /// Our Winograd kernels wherever they can, by tiles of 4x4.
  case winograd
}

/// What all convolutions of the process have in common.
public enum Convolutions {
  /// The environment variable that sets `setting` at the start, for tests.
  public static let variable = "SAKER_CONVOLUTION"

  /// Starts as the environment variable says, or as `auto`.
  public static var setting: ConvolutionSetting {
    get { ConvolutionSetting.allCases[current.load(ordering: .relaxed)] }
    set { current.store(place(newValue), ordering: .relaxed) }
  }

  /// What is wrong with the environment variable, in one line; it then counts as `auto`.
  public static var problem: String? { problem(with: given) }

  private static var given: String? { ProcessInfo.processInfo.environment[variable] }

  static func problem(with text: String?) -> String? {
    guard let text, ConvolutionSetting(rawValue: text) == nil else { return nil }
    let known = ConvolutionSetting.allCases.map(\.rawValue).joined(separator: ", ")
    return "\(variable): expected one of \(known), got '\(text)'"
  }

  private static let current = Atomic(
    place(given.flatMap(ConvolutionSetting.init(rawValue:)) ?? .auto))

  private static func place(_ setting: ConvolutionSetting) -> Int {
    ConvolutionSetting.allCases.firstIndex(of: setting)!
  }
}
