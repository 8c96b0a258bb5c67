import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// Receptive fields through sums and joined branches.
@Suite struct BranchingFieldTests {
  private func rows(_ name: String) throws -> [ModelSummary.Row] {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(10) }
    let side = entry.input.side
    return ModelSummary(
      model, name: name, input: .zeros([1, entry.input.channels, side, side])
    ) { _ = model($0) }.rows
  }

  /// What the last map sees.
  private func field(_ name: String) throws -> [Int] {
    try #require(
      try rows(name).last { $0.outputShape.count == 4 && $0.outputShape[2] > 1 }?
        .receptiveField)
  }

  /// By hand, `1 + Σ (kernel - 1) · stride before it` along the longest way: the stem 7 and 11;
  /// then stages of two 3x3 kernels a block, of which the first of stages 2 to 4 strides.
  @Test func resNet18() throws {
    var (size, stride) = (11, 4)
    for stage in 0..<4 {
      for block in 0..<2 {
        size += 2 * stride
        if stage > 0 && block == 0 { stride *= 2 }
        size += 2 * stride
      }
    }
    #expect(size == 435 && stride == 32)
    #expect(try field("resnet18") == [435, 435])
  }

  /// One 3x3 kernel a block, which strides itself, so that the first of a stage still sees by the
  /// finer map: 427. Did the 1x1 before it stride, as in the paper, these three would see 2
  /// (4 + 8 + 16) more: 483, as Araujo et al. give.
  @Test func resNet50() throws {
    var (size, stride) = (11, 4)
    for (stage, depth) in [3, 4, 6, 3].enumerated() {
      for block in 0..<depth {
        size += 2 * stride
        if stage > 0 && block == 0 { stride *= 2 }
      }
    }
    #expect(size == 427 && stride == 32)
    #expect(try field("resnet50") == [427, 427])
  }

  /// Gates change nothing, nor does normalizing first.
  @Test func gatesAndOrderChangeNothing() throws {
    #expect(try field("seresnet18") == [435, 435])
    #expect(try field("resnetv2_50") == [427, 427])
  }

  /// Transformers see all of the picture in their first block.
  @Test func attentionSeesEverything() throws {
    for name in ["vit_tiny_patch16_224", "mixer_s32_224", "fnet_s32"] {
      let rows = try rows(name)
      #expect(try #require(rows.last).receptiveField == [224, 224], "\(name)")
      let patch = name.contains("16") ? 16 : 32
      #expect(rows[0].receptiveField == [patch, patch])
    }
  }

  /// As the gradient of one output says, in double precision: Scripts/golden/receptive_fields.py.
  /// Inception v2's is also Araujo et al.'s.
  @Test func isWhatTheGradientReaches() throws {
    let fields: [String: Int] = try JSONDecoder().decode(
      [String: Int].self, from: Data(contentsOf: Fixtures.url("golden/receptive_fields.json")))
    #expect(fields.count >= 25 && fields["inception_v2"] == 699)
    for (name, size) in fields {
      let all = try rows(name)
      // What comes behind the means over all places sees no less.
      let row = all.prefix { !$0.kind.hasPrefix("Adaptive") }.last { $0.outputShape[1] > 1 }
      let last = all.contains { $0.kind.hasPrefix("Adaptive") } ? row : all.last
      #expect(last?.receptiveField?[0] == size, "\(name)")
    }
  }
}
