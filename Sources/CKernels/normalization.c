#include "normalization.h"

#include "columns.h"
#include "targets.h"

// Maps are seen as rows of columns: a row is a pixel's channels, or, when these are few, those of several pixels, so that there is always something to
// fill vectors with. A column has its own scale, shift and sums, and 16 columns are one vector. The last vector of a row that 16 does not divide is
// loaded and stored lane by lane.

enum { wide = 64 };

/// Pixels a row.
static int pixels_a_row(int channels) { return channels < lanes ? wide / channels : 1; }

int saker_block_pixels(int channels) { return channels < lanes ? 4096 / channels : 256; }

/// Coefficients of few channels, repeated for all pixels of a row.
struct spread {
  float values[7][wide];
};

INLINE const float *repeated(const float *from, float *to, int channels, int pixels) {
  if (pixels == 1 || !from) return from;
  for (int i = 0; i < pixels * channels; i++) to[i] = from[i % channels];
  return to;
}

static void spread_normalization(normalization *by, struct spread *spread, int channels, int pixels) {
  by->mean = repeated(by->mean, spread->values[0], channels, pixels);
  by->inverse = repeated(by->inverse, spread->values[1], channels, pixels);
  by->scale = repeated(by->scale, spread->values[2], channels, pixels);
  by->shift = repeated(by->shift, spread->values[3], channels, pixels);
}

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// MARK: statistics

/// Of `rows` rows: the sums of v - pivot and its square in `n` columns of up to 4 vectors.
INLINE void statistics_columns(const int W, const float *x, ptrdiff_t rows, ptrdiff_t stride, int n, const float *pivots, float *sums, float *squares) {
  v16 pivot[4], s[4] = {0}, q[4] = {0};
  for (int w = 0; w < W; w++) load(&pivot[w], pivots + w * lanes, n);
  for (ptrdiff_t row = 0; row < rows; row++) {
    for (int w = 0; w < W; w++) {
      v16 v;
      load(&v, x + row * stride + w * lanes, n);
      v -= pivot[w];
      s[w] += v;
      q[w] += v * v;
    }
  }
  for (int w = 0; w < W; w++) {
    store(sums + w * lanes, &s[w], n);
    store(squares + w * lanes, &q[w], n);
  }
}

SAKER_TARGETS static void statistics_rows(const float *x, ptrdiff_t rows, int width, const float *pivots, float *sums, float *squares) {
  int c = 0;
  for (; c + 4 * lanes <= width; c += 4 * lanes) statistics_columns(4, x + c, rows, width, lanes, pivots + c, sums + c, squares + c);
  for (; c + lanes <= width; c += lanes) statistics_columns(1, x + c, rows, width, lanes, pivots + c, sums + c, squares + c);
  if (c < width) statistics_columns(1, x + c, rows, width, width - c, pivots + c, sums + c, squares + c);
}

void saker_statistics_f32(const float *x, ptrdiff_t pixels, int channels, ptrdiff_t first, ptrdiff_t end, float *partials, int *counts) {
  int size = saker_block_pixels(channels), together = pixels_a_row(channels);
  for (ptrdiff_t block = first; block < end; block++) {
    ptrdiff_t count = least(size, pixels - block * size);
    const float *from = x + block * size * channels;
    float *pivot = partials + block * 3 * channels, *sums = pivot + channels, *squares = sums + channels;
    counts[block] = (int)count;
    memcpy(pivot, from, sizeof *pivot * (size_t)channels);
    if (together == 1) {
      statistics_rows(from, count, channels, pivot, sums, squares);
      continue;
    }
    float pivots[wide], s[wide], q[wide];
    int width = together * channels;
    ptrdiff_t rows = count / together;
    repeated(pivot, pivots, channels, together);
    statistics_rows(from, rows, width, pivots, s, q);
    for (int c = 0; c < channels; c++) {
      double sum = 0, square = 0;
      for (int i = c; i < width; i += channels) sum += s[i], square += q[i];
      for (ptrdiff_t p = rows * together; p < count; p++) {
        double v = (double)from[p * channels + c] - pivot[c];
        sum += v, square += v * v;
      }
      sums[c] = (float)sum, squares[c] = (float)square;
    }
  }
}

// With r the first block's pivot: sum (v - r) = sum over blocks of S + n d and sum (v - r)^2 = Q + 2 d S + n d^2 for d = pivot - r. Values and r are of
// one channel, so that what cancels in double precision is far below what float32 held.
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

// MARK: normalized maps

INLINE void normalize_columns(const float *x, const normalization *by, const float *residual, float *y, int c, int n, const int swish) {
  v16 v, scale, shift, r;
  load(&v, x + c, n);
  load(&scale, by->scale + c, n);
  load(&shift, by->shift + c, n);
  v = scale * v + shift;
  if (residual) {
    load(&r, residual + c, n);
    v += r;
  }
  activate(&v, &by->activation, swish);
  store(y + c, &v, n);
}

INLINE void normalize_rows(const float *x, const normalization *by, const float *residual, float *y, ptrdiff_t rows, int width, const int swish) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *from = x + row * width, *plus = residual ? residual + row * width : 0;
    int c = 0;
    for (; c + lanes <= width; c += lanes) normalize_columns(from, by, plus, y + row * width, c, lanes, swish);
    if (c < width) normalize_columns(from, by, plus, y + row * width, c, width - c, swish);
  }
}

SAKER_TARGETS static void normalize_piecewise(const float *x, const normalization *by, const float *residual, float *y, ptrdiff_t rows, int width) {
  normalize_rows(x, by, residual, y, rows, width, 0);
}

SAKER_TARGETS static void normalize_swish(const float *x, const normalization *by, const float *residual, float *y, ptrdiff_t rows, int width) {
  normalize_rows(x, by, residual, y, rows, width, 1);
}

static void normalize(const float *x, const normalization *by, const float *residual, float *y, ptrdiff_t rows, int width) {
  (by->activation.swish ? normalize_swish : normalize_piecewise)(x, by, residual, y, rows, width);
}

void saker_normalize_f32(const float *x, const normalization *by, const float *residual, float *y, ptrdiff_t pixels, int channels) {
  normalization all = *by;
  struct spread spread;
  int together = pixels_a_row(channels);
  spread_normalization(&all, &spread, channels, together);
  ptrdiff_t rows = pixels / together, done = rows * together;
  normalize(x, &all, residual, y, rows, together * channels);
  if (done == pixels) return;
  ptrdiff_t at = done * channels;
  normalize(x + at, &all, residual ? residual + at : 0, y + at, 1, (int)(pixels - done) * channels);
}

// MARK: their gradients

/// g, and the sums over `rows` rows in up to 2 vectors of columns.
INLINE void sums_columns(const int W, const float *dz, const float *x, const normalization *by, const float *residual, ptrdiff_t rows, ptrdiff_t stride,
                         int c, int n, float *sums, float *products, float *dv, const int swish) {
  v16 s[2] = {0}, q[2] = {0}, mean[2], inverse, scale[2], shift[2];
  for (int w = 0; w < W; w++) {
    load(&mean[w], by->mean + c + w * lanes, n);
    load(&scale[w], by->scale + c + w * lanes, n);
    load(&shift[w], by->shift + c + w * lanes, n);
  }
  for (ptrdiff_t row = 0; row < rows; row++) {
    for (int w = 0; w < W; w++) {
      ptrdiff_t at = row * stride + c + w * lanes;
      v16 g, raw, v, r;
      load(&g, dz + at, n);
      load(&raw, x + at, n);
      v = scale[w] * raw + shift[w];
      if (residual) {
        load(&r, residual + at, n);
        v += r;
      }
      derive(&g, &v, &by->activation, swish);
      if (dv) store(dv + at, &g, n);
      s[w] += g;
      q[w] += g * (raw - mean[w]);
    }
  }
  for (int w = 0; w < W; w++) {
    load(&inverse, by->inverse + c + w * lanes, n);
    q[w] *= inverse;
    store(sums + c + w * lanes, &s[w], n);
    store(products + c + w * lanes, &q[w], n);
  }
}

INLINE void sums_rows(const float *dz, const float *x, const normalization *by, const float *residual, ptrdiff_t rows, int width, float *sums,
                      float *products, float *dv, const int swish) {
  int c = 0;
  for (; c + 2 * lanes <= width; c += 2 * lanes) sums_columns(2, dz, x, by, residual, rows, width, c, lanes, sums, products, dv, swish);
  for (; c + lanes <= width; c += lanes) sums_columns(1, dz, x, by, residual, rows, width, c, lanes, sums, products, dv, swish);
  if (c < width) sums_columns(1, dz, x, by, residual, rows, width, c, width - c, sums, products, dv, swish);
}

SAKER_TARGETS static void sums_piecewise(const float *dz, const float *x, const normalization *by, const float *residual, ptrdiff_t rows, int width,
                                         float *sums, float *products, float *dv) {
  sums_rows(dz, x, by, residual, rows, width, sums, products, dv, 0);
}

SAKER_TARGETS static void sums_swish(const float *dz, const float *x, const normalization *by, const float *residual, ptrdiff_t rows, int width,
                                     float *sums, float *products, float *dv) {
  sums_rows(dz, x, by, residual, rows, width, sums, products, dv, 1);
}

void saker_gradient_sums_f32(const float *dz, const float *x, const normalization *by, const float *residual, ptrdiff_t pixels, int channels,
                             ptrdiff_t first, ptrdiff_t end, float *partials, float *dv) {
  normalization all = *by;
  struct spread spread;
  int size = saker_block_pixels(channels), together = pixels_a_row(channels), width = together * channels;
  spread_normalization(&all, &spread, channels, together);
  for (ptrdiff_t block = first; block < end; block++) {
    ptrdiff_t start = block * size, count = least(size, pixels - start), rows = count / together;
    float *sums = partials + block * 2 * channels, few[4][wide];
    for (int part = 0; part < (together == 1 ? 1 : 2); part++) {
      // Few channels: whole rows first, then what is left of the block as a shorter row.
      ptrdiff_t at = (start + part * rows * together) * channels;
      int columns = part ? (int)(count - rows * together) * channels : width;
      float *s = together == 1 ? sums : few[2 * part], *q = together == 1 ? sums + channels : few[2 * part + 1];
      if (together > 1) memset(few[2 * part], 0, sizeof few[0] * 2);
      (all.activation.swish ? sums_swish : sums_piecewise)(dz + at, x + at, &all, residual ? residual + at : 0, part ? 1 : rows, columns, s, q,
                                                           dv ? dv + at : 0);
    }
    if (together == 1) continue;
    for (int c = 0; c < channels; c++) {
      double s = 0, q = 0;
      for (int i = c; i < width; i += channels) s += few[0][i] + few[2][i], q += few[1][i] + few[3][i];
      sums[c] = (float)s, sums[channels + c] = (float)q;
    }
  }
}

SAKER_TARGETS void saker_merge_sums(const float *partials, ptrdiff_t blocks, int channels, double *sums) {
  memset(sums, 0, sizeof *sums * 2 * (size_t)channels);
  for (ptrdiff_t block = 0; block < blocks; block++)
    for (int i = 0; i < 2 * channels; i++) sums[i] += partials[block * 2 * channels + i];
}

INLINE void apply_columns(const float *dz, const float *x, const normalization_gradient *by, float *dx, int c, int n, const int swish) {
  v16 g, raw, scale, shift, mean, a, b, k;
  load(&g, dz + c, n);
  load(&raw, x + c, n);
  load(&scale, by->normalization.scale + c, n);
  load(&shift, by->normalization.shift + c, n);
  load(&mean, by->normalization.mean + c, n);
  load(&a, by->a + c, n);
  load(&b, by->b + c, n);
  load(&k, by->c + c, n);
  v16 v = scale * raw + shift;
  derive(&g, &v, &by->normalization.activation, swish);
  v16 result = a * g + (b * (raw - mean) + k);
  store(dx + c, &result, n);
}

INLINE void apply_rows(const float *dz, const float *x, const normalization_gradient *by, float *dx, ptrdiff_t rows, int width, const int swish) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    ptrdiff_t at = row * width;
    int c = 0;
    for (; c + lanes <= width; c += lanes) apply_columns(dz + at, x + at, by, dx + at, c, lanes, swish);
    if (c < width) apply_columns(dz + at, x + at, by, dx + at, c, width - c, swish);
  }
}

SAKER_TARGETS static void apply_piecewise(const float *dz, const float *x, const normalization_gradient *by, float *dx, ptrdiff_t rows, int width) {
  apply_rows(dz, x, by, dx, rows, width, 0);
}

SAKER_TARGETS static void apply_swish(const float *dz, const float *x, const normalization_gradient *by, float *dx, ptrdiff_t rows, int width) {
  apply_rows(dz, x, by, dx, rows, width, 1);
}

static void spread_gradient(normalization_gradient *by, struct spread *spread, int channels, int pixels) {
  spread_normalization(&by->normalization, spread, channels, pixels);
  by->a = repeated(by->a, spread->values[4], channels, pixels);
  by->b = repeated(by->b, spread->values[5], channels, pixels);
  by->c = repeated(by->c, spread->values[6], channels, pixels);
}

void saker_gradient_apply_f32(const float *dz, const normalization_gradient *by, float *dx, ptrdiff_t pixels, int channels) {
  normalization_gradient all = *by;
  struct spread spread;
  int together = pixels_a_row(channels);
  spread_gradient(&all, &spread, channels, together);
  ptrdiff_t rows = pixels / together, done = rows * together, at = done * channels;
  void (*apply)(const float *, const float *, const normalization_gradient *, float *, ptrdiff_t, int) =
      all.normalization.activation.swish ? apply_swish : apply_piecewise;
  apply(dz, all.x, &all, dx, rows, together * channels);
  if (done < pixels) apply(dz + at, all.x + at, &all, dx + at, 1, (int)(pixels - done) * channels);
}
