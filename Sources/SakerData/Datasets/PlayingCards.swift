extension LabelSet {
  /// The embedded playing cards: 262 pictures of cards to learn from (`train`) and 143 to test on
  /// (`test`), cut out of photographs as squares of at most 96x96 pixels, in six ranks. Apache-2.0;
  /// source, changes and counts are told in `Resources/pinochle-cards-crops/README.md`.
  ///
  /// - Throws: `DatasetError` when the files are not where the program was built or installed to.
  public static func playingCards() throws -> LabelSet {
    try LabelSet(path: EmbeddedData.cards.folder(), format: .folders)
  }
}
