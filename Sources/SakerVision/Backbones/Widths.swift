/// `width` channels as the nearest multiple of `divisor`, but at least `divisor` and at least nine
/// tenths of `width`: how mobile networks round when they are scaled. Sandler et al.,
/// arXiv:1801.04381, and the reference implementation.
func divisible(_ width: Double, by divisor: Int = 8) -> Int {
  let rounded = max(divisor, Int(width + Double(divisor) / 2) / divisor * divisor)
  return Double(rounded) < 0.9 * width ? rounded + divisor : rounded
}
