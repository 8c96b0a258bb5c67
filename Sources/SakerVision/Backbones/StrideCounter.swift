/// Strides of a network from its first layer on. With a stem for small pictures the first
/// two that halve are left out, as in residual networks: pictures of 28 to 64 pixels keep a
/// last map of 4 to 8.
struct StrideCounter {
  /// Those still to be left out.
  private var left: Int
  /// Pixels of the picture from one cell to the next, so far.
  private(set) var total = 1

  init(small: Bool) { left = small ? 2 : 0 }

  /// The stride of the next layer, of `published`.
  mutating func next(_ published: Int) -> Int {
    guard published > 1 else { return published }
    guard left == 0 else {
      left -= 1
      return 1
    }
    total *= published
    return published
  }
}
