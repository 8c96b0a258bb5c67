// Pooling of sequences and volumes: the same windows as in pictures, `Pooling.swift`.

/// The largest value of each window of sequences `[N, C, L]`; see `maxPool2d`.
public func maxPool1d(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1,
  ceil: Bool = false
) -> Tensor {
  pool1d(x, .max, kernel, stride, padding, dilation, ceil)
}

/// The mean of each window of sequences `[N, C, L]`; see `averagePool2d`.
public func averagePool1d(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, countingPadding: Bool = true,
  ceil: Bool = false
) -> Tensor {
  pool1d(
    x, countingPadding ? .averageCountingPadding : .average, kernel, stride, padding, 1, ceil)
}

/// The largest value of each window of volumes `[N, C, D, H, W]`; see `maxPool2d`.
public func maxPool3d(
  _ x: Tensor, kernel: (Int, Int, Int), stride: (Int, Int, Int)? = nil,
  padding: (Int, Int, Int) = (0, 0, 0), dilation: (Int, Int, Int) = (1, 1, 1), ceil: Bool = false
) -> Tensor {
  let stride = stride ?? kernel
  return pool(
    x, .max, [kernel.0, kernel.1, kernel.2], [stride.0, stride.1, stride.2],
    [padding.0, padding.1, padding.2], [dilation.0, dilation.1, dilation.2], ceil)
}

/// The mean of each window of volumes `[N, C, D, H, W]`; see `averagePool2d`.
public func averagePool3d(
  _ x: Tensor, kernel: (Int, Int, Int), stride: (Int, Int, Int)? = nil,
  padding: (Int, Int, Int) = (0, 0, 0), countingPadding: Bool = true, ceil: Bool = false
) -> Tensor {
  let stride = stride ?? kernel
  return pool(
    x, countingPadding ? .averageCountingPadding : .average, [kernel.0, kernel.1, kernel.2],
    [stride.0, stride.1, stride.2], [padding.0, padding.1, padding.2], [1, 1, 1], ceil)
}

private func pool1d(
  _ x: Tensor, _ kind: PoolingAttributes.Kind, _ kernel: Int, _ stride: Int?, _ padding: Int,
  _ dilation: Int, _ ceil: Bool
) -> Tensor {
  check(
    x.rank == 3 && x.count > 0, op: PoolingAttributes.name(kind, 1), expected: "[N, C, L]",
    got: x.shape)
  return pool(
    x.unsqueeze(2), kind, [1, kernel], [1, stride ?? kernel], [0, padding], [1, dilation], ceil
  ).squeeze(2)
}

// MARK: - Windows that cover any size

/// The largest value of each of `size` windows that cover sequences `[N, C, L]`; see
/// `adaptiveMaxPool2d`.
public func adaptiveMaxPool1d(_ x: Tensor, _ size: Int) -> Tensor {
  check(x.rank == 3, op: "adaptiveMaxPool1d", expected: "[N, C, L]", got: x.shape)
  return adaptiveMaxPool2d(x.unsqueeze(2), (1, size)).squeeze(2)
}

/// The mean of each of `size` windows that cover sequences `[N, C, L]`; see `adaptiveMaxPool2d`.
public func adaptiveAveragePool1d(_ x: Tensor, _ size: Int) -> Tensor {
  check(x.rank == 3, op: "adaptiveAveragePool1d", expected: "[N, C, L]", got: x.shape)
  return adaptiveAveragePool2d(x.unsqueeze(2), (1, size)).squeeze(2)
}

/// The largest value of each of `size` (planes, rows, columns) windows that cover volumes
/// `[N, C, D, H, W]`.
public func adaptiveMaxPool3d(_ x: Tensor, _ size: (Int, Int, Int)) -> Tensor {
  adaptivePool3d(x, size, op: "adaptiveMaxPool3d", adaptiveMaxPool2d)
}

/// The mean of each of `size` (planes, rows, columns) windows that cover volumes `[N, C, D, H, W]`.
public func adaptiveAveragePool3d(_ x: Tensor, _ size: (Int, Int, Int)) -> Tensor {
  adaptivePool3d(x, size, op: "adaptiveAveragePool3d", adaptiveAveragePool2d)
}

/// Each plane, then across the planes: the largest of the largest is the largest, and the mean of
/// means of windows of one size is the mean.
private func adaptivePool3d(
  _ x: Tensor, _ size: (Int, Int, Int), op: String, _ pool: (Tensor, (Int, Int)) -> Tensor
) -> Tensor {
  check(
    x.rank == 5 && x.count > 0 && size.0 >= 1 && size.1 >= 1 && size.2 >= 1, op: op,
    expected: "[N, C, D, H, W] and a size of at least 1", got: "\(x.shape) to \(size)")
  let (n, c, d) = (x.shape[0], x.shape[1], x.shape[2])
  let planes = x.permute([0, 2, 1, 3, 4]).reshape([n * d, c, x.shape[3], x.shape[4]])
  let flat = pool(planes, (size.1, size.2)).reshape([n, d, c, size.1 * size.2])
  return pool(flat.permute([0, 2, 1, 3]), (size.0, size.1 * size.2))
    .reshape([n, c, size.0, size.1, size.2])
}
