#include "normalization.h"

#include "columns.h"
#include "targets.h"

typedef float element;
#define NAME(function) function##_f32
#define get load
#define put store
#define value_of(x) (x)

#include "normalization_passes.h"

void saker_gradient_apply_f32(const float *dz, const normalization_gradient *by, float *dx, ptrdiff_t pixels, int channels) {
  gradient_apply(dz, by->x, by, dx, pixels, channels);
}

INLINE void add_columns(const float *dz, const float *x, const normalization_gradient *by, float *dx, int c, int n, const int swish) {
  v16 sum, result;
  load(&sum, dx + c, n);
  gradient_of(dz, x, by, &result, c, n, swish);
  sum += result;
  store(dx + c, &sum, n);
}

INLINE void add_pixel(const float *dz, const float *x, const normalization_gradient *by, float *dx, int channels, const int swish) {
  int c = 0;
  for (; c + lanes <= channels; c += lanes) add_columns(dz, x, by, dx, c, lanes, swish);
  if (c < channels) add_columns(dz, x, by, dx, c, channels - c, swish);
}

SAKER_TARGETS void saker_gradient_add_f32(const float *dz, const normalization_gradient *by, float *dx, ptrdiff_t pixels, int channels, int stride) {
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++) {
    ptrdiff_t at = pixel * stride;
    if (by->normalization.activation.swish) add_pixel(dz + at, by->x + at, by, dx + at, channels, 1);
    else add_pixel(dz + at, by->x + at, by, dx + at, channels, 0);
  }
}

int saker_block_pixels(int channels) { return channels < lanes ? 4096 / channels : 256; }

// MARK: sums of all blocks

// With r the first block's pivot: sum (v - r) = sum over blocks of S + n d and sum
// (v - r)^2 = Q + 2 d S + n d^2 for d = pivot - r. Values and r are of one channel, so that what
// cancels in double precision is far below what float32 held.
SAKER_TARGETS void saker_merge_statistics(const float *partials, const int *counts, ptrdiff_t blocks, int channels, double *sums, float *mean,
                                          float *variance) {
  double *squares = sums + channels, total = 0;
  memset(sums, 0, sizeof *sums * 2 * (size_t)channels);
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const float *pivot = partials + block * 3 * channels, *s = pivot + channels, *q = s + channels;
    double n = counts[block];
    total += n;
    for (int c = 0; c < channels; c++) {
      double d = (double)pivot[c] - partials[c];
      sums[c] += s[c] + n * d;
      squares[c] += q[c] + d * (2 * s[c] + n * d);
    }
  }
  for (int c = 0; c < channels; c++) {
    double m = sums[c] / total, v = squares[c] / total - m * m;
    mean[c] = (float)(partials[c] + m);
    variance[c] = (float)(v < 0 ? 0 : v);
  }
}

SAKER_TARGETS void saker_merge_sums(const float *partials, ptrdiff_t blocks, int channels, double *sums) {
  memset(sums, 0, sizeof *sums * 2 * (size_t)channels);
  for (ptrdiff_t block = 0; block < blocks; block++)
    for (int i = 0; i < 2 * channels; i++) sums[i] += partials[block * 2 * channels + i];
}
