extension LabelSet {
  /// The embedded part of Fashion-MNIST: 1,000 pictures of clothes to learn from (`train`) and 900
  /// to test on (`test`), 28x28, gray, in ten classes. MIT licence; its source and order are told
  /// in `Resources/fashion-mnist-small/README.md`.
  ///
  /// - Throws: `DatasetError` when the files are not where the program was built or installed to.
  public static func fashionMNIST() throws -> LabelSet {
    try LabelSet(path: fashionMNISTFolder(), format: .idx)
  }

  public static func fashionMNISTFolder() throws -> String {
    try EmbeddedData.fashionMNIST.folder()
  }
}
