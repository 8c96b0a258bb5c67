/// How strongly detectors' pictures are changed, in the words that users of YOLOv5 to YOLO11 know
/// from `args.yaml`; the values are theirs.
public struct AugmentationRecipe: Hashable, Codable, Sendable {
  /// Gains of `HSVGains`.
  public var hsvHue: Float = 0.015
  public var hsvSaturation: Float = 0.7
  public var hsvValue: Float = 0.4
  /// Of `RandomAffine`: ± degrees, ± share of a side, ± gain of the size, ± degrees, and
  /// the map's last row.
  public var degrees: Float = 0
  public var translate: Float = 0.1
  public var scale: Float = 0.5
  public var shear: Float = 0
  public var perspective: Float = 0
  /// Probabilities.
  public var flipud: Float = 0
  public var fliplr: Float = 0.5
  public var mosaic: Float = 1
  public var mixup: Float = 0
  public var cutmix: Float = 0
  public var copyPaste: Float = 0

  public init() {}

  private enum CodingKeys: String, CodingKey {
    case hsvHue = "hsv_h"
    case hsvSaturation = "hsv_s"
    case hsvValue = "hsv_v"
    case degrees, translate, scale, shear, perspective, flipud, fliplr, mosaic, mixup, cutmix
    case copyPaste = "copy_paste"
  }

  /// The transforms, for pictures of any size and results of `size` x `size`.
  public func transforms(size: Int) -> [any SampleTransform] {
    let affine = RandomAffine(
      degrees: degrees, translate: translate, scale: max(0.01, 1 - scale)...1 + scale, shear: shear,
      perspective: perspective)
    var list: [any SampleTransform] = [LongestSide(size)]
    if copyPaste > 0 { list.append(CopyPaste(probability: copyPaste)) }
    // A picture that gets no mosaic is moved all the same.
    let single = InOrder([Letterbox(width: size, height: size), affine])
    if mosaic > 0 {
      list.append(Either(Mosaic(size: size, affine: affine), or: single, probability: mosaic))
    } else {
      list.append(single)
    }
    if mixup > 0 { list.append(SampleMixUp(probability: mixup)) }
    if cutmix > 0 { list.append(SampleCutMix(probability: cutmix)) }
    if hsvHue > 0 || hsvSaturation > 0 || hsvValue > 0 {
      list.append(HSVGains(hue: hsvHue, saturation: hsvSaturation, value: hsvValue))
    }
    if flipud > 0 { list.append(VerticalFlip(probability: flipud)) }
    if fliplr > 0 { list.append(HorizontalFlip(probability: fliplr)) }
    return list
  }
}
