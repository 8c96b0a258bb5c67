import CKernels

/// Regions of maps as means of bilinear samples.
struct RoIAlign: TensorOperation {
  let form: saker_roi

  var name: String { form.depth == form.channels ? "roiAlign" : "positionSensitiveRoIAlign" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, rois) = (inputs[0].channelsLast(), inputs[1].contiguous())
    saved.keep(rois)
    let result = Tensor(uninitializedImage: form.result(rois.shape[0]))
    let (from, boxes, to) = (
      x.pointer(Float.self), rois.pointer(Float.self), result.pointer(Float.self)
    )
    Parallel.run(rois.shape[0] * Int(form.rows)) { part in
      withUnsafePointer(to: form) {
        saker_roi_align($0, from, boxes, to, part.lowerBound, part.upperBound)
      }
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (gradient, rois) = (gradient.channelsLast(), saved[0])
    let dx = Tensor(uninitializedImage: saved.shapes[0]).zerosInOrder()
    let (from, boxes, to) = (
      gradient.pointer(Float.self), rois.pointer(Float.self), dx.pointer(Float.self)
    )
    // Regions overlap: threads keep to channels of their own.
    Parallel.run(Int(form.depth), grain: 16) { part in
      withUnsafePointer(to: form) {
        saker_roi_align_back(
          $0, boxes, from, to, rois.shape[0], Int32(part.lowerBound), Int32(part.upperBound))
      }
    }
    return [dx, nil]
  }
}

/// Regions of maps as largest values.
struct RoIPool: TensorOperation {
  let form: saker_roi

  var name: String { "roiPool" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, rois) = (inputs[0].channelsLast(), inputs[1].contiguous())
    let shape = form.result(rois.shape[0])
    let result = Tensor(uninitializedImage: shape)
    let positions = Tensor(uninitializedImage: shape, .int32)
    saved.keep(rois, positions)
    let (from, boxes, to, places) = (
      x.pointer(Float.self), rois.pointer(Float.self), result.pointer(Float.self),
      positions.pointer(Int32.self)
    )
    Parallel.run(rois.shape[0] * Int(form.rows)) { part in
      withUnsafePointer(to: form) {
        saker_roi_pool($0, from, boxes, to, places, part.lowerBound, part.upperBound)
      }
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (gradient, rois, positions) = (gradient.channelsLast(), saved[0], saved[1])
    let dx = Tensor(uninitializedImage: saved.shapes[0]).zerosInOrder()
    let (from, boxes, to, places) = (
      gradient.pointer(Float.self), rois.pointer(Float.self), dx.pointer(Float.self),
      positions.pointer(Int32.self)
    )
    Parallel.run(Int(form.depth), grain: 16) { part in
      withUnsafePointer(to: form) {
        saker_roi_pool_back(
          $0, boxes, from, places, to, rois.shape[0], Int32(part.lowerBound),
          Int32(part.upperBound))
      }
    }
    return [dx, nil]
  }
}

/// Regions of maps as means of whole pixels, where each cell reads channels of its own.
struct PSRoIPool: TensorOperation {
  let form: saker_roi

  var name: String { "positionSensitiveRoIPool" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, rois) = (inputs[0].channelsLast(), inputs[1].contiguous())
    saved.keep(rois)
    let result = Tensor(uninitializedImage: form.result(rois.shape[0]))
    let (from, boxes, to) = (
      x.pointer(Float.self), rois.pointer(Float.self), result.pointer(Float.self)
    )
    Parallel.run(rois.shape[0] * Int(form.rows)) { part in
      withUnsafePointer(to: form) {
        saker_ps_roi_pool($0, from, boxes, to, part.lowerBound, part.upperBound)
      }
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (gradient, rois) = (gradient.channelsLast(), saved[0])
    let dx = Tensor(uninitializedImage: saved.shapes[0]).zerosInOrder()
    let (from, boxes, to) = (
      gradient.pointer(Float.self), rois.pointer(Float.self), dx.pointer(Float.self)
    )
    Parallel.run(Int(form.depth), grain: 16) { part in
      withUnsafePointer(to: form) {
        saker_ps_roi_pool_back(
          $0, boxes, from, to, rois.shape[0], Int32(part.lowerBound), Int32(part.upperBound))
      }
    }
    return [dx, nil]
  }
}

extension saker_roi {
  fileprivate func result(_ count: Int) -> Shape {
    [count, Int(depth), Int(rows), Int(columns)]
  }

  /// - Parameter positionSensitive: whether each cell reads channels of its own.
  fileprivate init(
    _ x: Tensor, _ rois: Tensor, _ size: (Int, Int), _ scale: Double, _ sampling: Int,
    shift: Float, least: Float, positionSensitive: Bool = false, op: String
  ) {
    check(
      x.rank == 4 && x.dtype.isFloating && x.shape.allSatisfy { $0 >= 1 }, op: op,
      expected: "floating [N, C, H, W]", got: "\(x.dtype) \(x.shape)")
    check(
      rois.rank == 2 && rois.shape[1] == 5 && rois.dtype == .float32, op: op,
      expected: "float32 regions [R, 5]: picture, left, top, right, bottom",
      got: "\(rois.dtype) \(rois.shape)")
    let cells = size.0 * size.1
    check(
      size.0 >= 1 && size.1 >= 1 && sampling >= 0 && scale.isFinite, op: op,
      expected: "a size of at least 1, 0 or more samples, a finite scale",
      got: "\(size), \(sampling), \(scale)")
    check(
      !positionSensitive || x.shape[1] % cells == 0, op: op,
      expected: "channels that \(size.0) x \(size.1) cells divide", got: x.shape)
    for (i, number) in rois.floats.enumerated() {
      check(
        number.isFinite && (i % 5 != 0 || number >= 0 && number < Float(x.shape[0])), op: op,
        expected: "finite boxes in pictures 0..<\(x.shape[0])",
        got: "\(number) in region \(i / 5)")
    }
    self.init(
      height: Int32(x.shape[2]), width: Int32(x.shape[3]), channels: Int32(x.shape[1]),
      rows: Int32(size.0), columns: Int32(size.1),
      depth: Int32(positionSensitive ? x.shape[1] / cells : x.shape[1]), scale: Float(scale),
      sampling: Int32(sampling), shift: shift, least: least)
  }
}

/// Each region cut into `size` cells of equal sides, each cell the mean of bilinear samples at
/// regular points. Nothing is rounded: He et al., "Mask R-CNN", arXiv:1703.06870, section 3.
///
/// - Parameters:
///   - x: maps `[N, C, H, W]`.
///   - rois: `[R, 5]`, float32: the picture's number, then left, top, right, bottom in pixels of
///     the input. They get no gradient.
///   - size: rows and columns of cells.
///   - scale: pixels of the map a pixel of the input: 1/16 for a map of stride 16.
///   - samplingRatio: points a cell along each axis; 0 for as many as the cell is pixels
///     long, rounded up.
///   - aligned: takes half a pixel from the corners, because the pixel 0 of a map has its centre at
///     1/2. Without it, as first published, boxes are taken as at least 1 wide and high.
/// - Returns: `[R, C, rows, columns]` in the type of `x`; zeros for an aligned region without area.
public func roiAlign(
  _ x: Tensor, _ rois: Tensor, size: (Int, Int), scale: Double = 1, samplingRatio: Int = 0,
  aligned: Bool = false
) -> Tensor {
  let form = saker_roi(
    x, rois, size, scale, samplingRatio, shift: aligned ? 0.5 : 0,
    least: aligned ? -.infinity : 1, op: "roiAlign")
  return run(RoIAlign(form: form), x, rois, form)
}

/// RoI Align where each cell reads channels of its own, `C = depth * rows * columns`: channel
/// `(d rows + i) columns + j` for cell (i, j). Dai et al., "R-FCN", arXiv:1605.06409, with the
/// samples of Mask R-CNN. Boxes are aligned.
///
/// - Returns: `[R, depth, rows, columns]`; other parameters as `roiAlign`.
public func positionSensitiveRoIAlign(
  _ x: Tensor, _ rois: Tensor, size: (Int, Int), scale: Double = 1, samplingRatio: Int = 0
) -> Tensor {
  let form = saker_roi(
    x, rois, size, scale, samplingRatio, shift: 0.5, least: -.infinity, positionSensitive: true,
    op: "positionSensitiveRoIAlign")
  // The channels of a cell next to each other.
  return run(RoIAlign(form: form), channelShuffle(x, groups: Int(form.depth)), rois, form)
}

/// Each region, its corners rounded to pixels, cut into `size` cells, each the largest value of its
/// whole pixels. Girshick, "Fast R-CNN", arXiv:1504.08083. Boxes count both corners: they are at
/// least one pixel. Parameters as `roiAlign`.
///
/// - Returns: `[R, C, rows, columns]`; 0 for a cell outside of the map.
public func roiPool(
  _ x: Tensor, _ rois: Tensor, size: (Int, Int), scale: Double = 1
) -> Tensor {
  let form = saker_roi(x, rois, size, scale, 0, shift: 0, least: 0, op: "roiPool")
  return run(RoIPool(form: form), x, rois, form)
}

/// R-FCN's pooling: boxes rounded to pixels, cells as means of their whole pixels, each from
/// channels of its own as in `positionSensitiveRoIAlign`. Dai et al., arXiv:1605.06409. Boxes do
/// not count their second corner, but are at least one pixel; as in torchvision, the map's last row
/// and column are not read.
///
/// - Returns: `[R, depth, rows, columns]`; 0 for a cell outside of the map. Parameters as
///   `roiAlign`.
public func positionSensitiveRoIPool(
  _ x: Tensor, _ rois: Tensor, size: (Int, Int), scale: Double = 1
) -> Tensor {
  let form = saker_roi(
    x, rois, size, scale, 0, shift: 0, least: 0, positionSensitive: true,
    op: "positionSensitiveRoIPool")
  return run(PSRoIPool(form: form), channelShuffle(x, groups: Int(form.depth)), rois, form)
}

private func run(
  _ operation: some TensorOperation, _ x: Tensor, _ rois: Tensor, _ form: saker_roi
) -> Tensor {
  guard rois.shape[0] > 0 else { return .zeros(form.result(0), x.dtype) }
  return apply(operation, x.converted(to: .float32), rois.detached()).converted(to: x.dtype)
}
