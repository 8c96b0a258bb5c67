import Foundation

extension DetectionDataset {
  /// The embedded set BCCD, 364 microscope pictures of blood cells, 640x480, in three
  /// classes: Platelets, RBC, WBC. MIT licence; its source, counts and oddities are told
  /// in `Resources/bccd/README.md`.
  ///
  /// - Parameter split: `train`, `val`, `trainval`, `test`, or `nil` for everything.
  /// - Throws: `DatasetError` when the files are not where the program was built or installed to.
  public static func bloodCells(
    split: String? = nil, verification: Verification = .header
  ) throws -> DetectionDataset {
    try DetectionDataset(
      folder: bloodCellFolder(), split: split, classes: ["Platelets", "RBC", "WBC"],
      verification: verification)
  }

  /// Where the embedded set lies.
  public static func bloodCellFolder() throws -> String { try EmbeddedData.bloodCells.folder() }
}
