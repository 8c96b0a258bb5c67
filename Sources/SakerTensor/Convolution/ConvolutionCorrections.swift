import Foundation

/// What was measured on one machine, to correct the cost model there.
public struct ConvolutionCorrections: Sendable {
  /// One case and the seconds of its methods.
  public struct Measured: Sendable {
    public var work: ConvolutionCase
    public var seconds: [ConvolutionMethod: Double]

    public init(_ work: ConvolutionCase, seconds: [ConvolutionMethod: Double]) {
      self.work = work
      self.seconds = seconds
    }
  }

  private let all: [ConvolutionCase: [ConvolutionMethod: Double]]
  /// What estimates of cases that were not measured are multiplied by.
  private let factors: [Kind: Double]

  private struct Kind: Hashable {
    var pass: ConvolutionPass
    var method: ConvolutionMethod
  }

  /// Nothing to correct.
  public static let none = ConvolutionCorrections([])

  public init(_ all: [Measured]) {
    self.all = Dictionary(all.map { ($0.work, $0.seconds) }) { $1 }
    var deviations: [Kind: [Double]] = [:]
    for item in all {
      for (method, seconds) in item.seconds {
        let estimate = ConvolutionChooser.modelled(item.work, method)
        deviations[Kind(pass: item.work.pass, method: method), default: []]
          .append(seconds * 1e9 / estimate)
      }
    }
    factors = deviations.mapValues { $0.sorted()[$0.count / 2] }
  }

  /// With further cases, and newer times of the same ones.
  func adding(_ new: [Measured]) -> ConvolutionCorrections {
    ConvolutionCorrections(sorted + new)
  }

  /// In an order that does not change from run to run.
  var sorted: [Measured] {
    all.map { Measured($0.key, seconds: $0.value) }
      .sorted { "\($0.work)" < "\($1.work)" }
  }

  public var isEmpty: Bool { all.isEmpty }

  /// Seconds by method, if the case was measured.
  public func measured(_ work: ConvolutionCase) -> [ConvolutionMethod: Double]? { all[work] }

  /// Nanoseconds: as measured, or the model's times what measured ones differed from it.
  func time(_ work: ConvolutionCase, _ method: ConvolutionMethod, modelled: Double) -> Double {
    if let seconds = all[work]?[method] { return seconds * 1e9 }
    return modelled * (factors[Kind(pass: work.pass, method: method)] ?? 1)
  }
}
