extension ClassifierFacts {
  /// Written by `saker models --table FILE`: a line for each network.
  static let table = """
    """
}
