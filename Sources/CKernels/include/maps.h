#pragma once

// What kernels know of feature maps beside their values: channels-last float32 memory, one row of
// channels for each pixel.

/// What follows a sum: `v < 0` gives `slope * v`, what exceeds `cap` gives `cap`; with `swish` it
/// is v / (1 + exp(-v)) instead. Identity is slope 1 and an infinite cap, ReLU slope 0, ReLU6 slope
/// 0 and cap 6, leaky ReLU its slope. NaN passes.
/// The derivative: `slope` for v <= 0, 0 for v >= cap, else 1.
struct saker_activation {
  float slope, cap;
  int swish;
};

/// A map that is still to be normalized, by channel: activation(scale * x + shift). With the
/// statistics of batch norm, `inverse` = 1 / sqrt(variance + epsilon), x^ = (x - mean) * inverse,
/// scale = gamma * inverse, shift = beta - mean * scale.
struct saker_normalization {
  const float *mean, *inverse, *scale, *shift;
  struct saker_activation activation;
};

/// The gradient of a raw map `x` that is still to be computed from the gradient `dz` of
/// the normalized one:
/// a * g + b * (x - mean) + c with g = dz * activation'(scale * x + shift). For batch norm over m
/// values a channel: a = scale, b = -scale * inverse * sum(g * x^) / m, c = -scale * sum(g) / m.
struct saker_normalization_gradient {
  const float *x;
  struct saker_normalization normalization;
  const float *a, *b, *c;
};

/// Where a convolution's input comes from: `map` as it is; or with `normalization` applied; or,
/// with `gradient`, computed from `map` as the gradient of the normalized map. All maps have the
/// same strides. Zeros around it come after that.
struct saker_source {
  const float *map;
  const struct saker_normalization *normalization;
  const struct saker_normalization_gradient *gradient;
};

/// What becomes of a convolution's sum: activation(sum + bias + residual), both may be null.
/// `statistics`, unless null, gets for each block of results and channel `[blocks][3][out]` a
/// pivot, the sum of (value - pivot) and of its square. `sums`, unless null, gets
/// `[blocks][2][out]` the sums of g and g x^, g = value * activation'(scale x + shift), where `x`
/// and `normalization` describe the map whose gradient the result is. `pooled` (of
/// `saker_winograd_convolve` alone, and without the sums) gives instead of the result the largest
/// of each of its 2x2 windows, 2 apart: a map of half the sides, rounded down, where not-a-number
/// is larger than all.
struct saker_epilogue {
  const float *bias, *residual;
  struct saker_activation activation;
  float *statistics;
  float *sums;
  const float *x;
  const struct saker_normalization *normalization;
  int pooled;
};
