#pragma once
#include <stddef.h>

/// Weighted sums along one axis: result `o` of `out` is the sum of `weight[t] * x[index[t]]` for t
/// in starts[o]..<starts[o + 1].
struct saker_resampling {
  ptrdiff_t in, out;
  const int *starts, *index;
  const float *weight;
};

/// `x[blocks][in][inner]` to `y[blocks][out][inner]`, the lines `from..<to` of all blocks' lines
/// of `inner` results.
void saker_resample(const struct saker_resampling *taps, const float *x, float *y, ptrdiff_t inner, ptrdiff_t from, ptrdiff_t to);

/// The picture that a grid is read from, channels-last, and how.
struct saker_grid {
  int height, width, channels;
  int nearest;  // else bilinear
  int border;   // 0 zeros, 1 the border's pixel, 2 mirrored
  int corners;  // whether -1 and 1 are the centres of the outermost pixels, else their outer edges
};

/// `y[points][channels]` at `grid[points][2]`, (x, y) in -1...1, of the points `from..<to`.
void saker_grid_sample(const struct saker_grid *s, const float *x, const float *grid, float *y, ptrdiff_t from, ptrdiff_t to);

/// Adds to the picture's gradient, in its channels `from..<to`, what comes from all points.
void saker_grid_scatter(const struct saker_grid *s, const float *grid, const float *gradient, float *dx, ptrdiff_t points, int from, int to);

/// The grid's gradient, of the points `from..<to`.
void saker_grid_slopes(const struct saker_grid *s, const float *x, const float *grid, const float *gradient, float *dgrid, ptrdiff_t from, ptrdiff_t to);
