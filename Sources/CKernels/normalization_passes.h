// The passes of normalization.h over maps of `element`s, included once for each type of number.
// The file that includes it defines `element`, how one is read (`value_of`), how vectors of
// them are read and written (`get`, `put`), and NAME, which makes a function's name of that
// without the type.
//
// Maps are seen as rows of columns: a row is a pixel's channels, or, when these are few, those of
// several pixels, so that there is always something to fill vectors with. A column has its own
// scale, shift and sums, and 16 columns are one vector. The last vector of a row that 16 does not
// divide is loaded and stored lane by lane.

enum { wide = 64 };

/// Pixels a row.
static int pixels_a_row(int channels) { return channels < lanes ? wide / channels : 1; }

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

/// Adds to the sums of v - pivot and its square those of R rows. Rows are read in the order of
/// memory, whatever the sums cost: columns one after the other would read as many lines of memory
/// as there are rows, far from each other.
INLINE void statistics_few(const int R, const element *x, int width, const float *pivots, float *sums, float *squares, int c, int n) {
  v16 pivot, s, q;
  load(&pivot, pivots + c, n);
  load(&s, sums + c, n);
  load(&q, squares + c, n);
  for (int r = 0; r < R; r++) {
    v16 v;
    get(&v, x + (ptrdiff_t)r * width + c, n);
    v -= pivot;
    s += v;
    q += v * v;
  }
  store(sums + c, &s, n);
  store(squares + c, &q, n);
}

INLINE void statistics_of(const int R, const element *x, int width, const float *pivots, float *sums, float *squares) {
  int c = 0;
  for (; c + lanes <= width; c += lanes) statistics_few(R, x, width, pivots, sums, squares, c, lanes);
  if (c < width) statistics_few(R, x, width, pivots, sums, squares, c, width - c);
}

SAKER_TARGETS static void statistics_rows(const element *x, ptrdiff_t rows, int width, const float *pivots, float *sums, float *squares) {
  memset(sums, 0, sizeof *sums * (size_t)width);
  memset(squares, 0, sizeof *squares * (size_t)width);
  ptrdiff_t row = 0;
  for (; row + 4 <= rows; row += 4) statistics_of(4, x + row * width, width, pivots, sums, squares);
  for (; row < rows; row++) statistics_of(1, x + row * width, width, pivots, sums, squares);
}

void NAME(saker_statistics)(const element *x, ptrdiff_t pixels, int channels, ptrdiff_t first, ptrdiff_t end, float *partials, int *counts) {
  int size = saker_block_pixels(channels), together = pixels_a_row(channels);
  for (ptrdiff_t block = first; block < end; block++) {
    ptrdiff_t count = least(size, pixels - block * size);
    const element *from = x + block * size * channels;
    float *pivot = partials + block * 3 * channels, *sums = pivot + channels, *squares = sums + channels;
    counts[block] = (int)count;
    for (int c = 0; c < channels; c++) pivot[c] = value_of(from[c]);
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
        double v = (double)value_of(from[p * channels + c]) - pivot[c];
        sum += v, square += v * v;
      }
      sums[c] = (float)sum, squares[c] = (float)square;
    }
  }
}

// MARK: normalized maps

INLINE void normalize_columns(const element *x, const normalization *by, const element *residual, element *y, int c, int n, const int swish) {
  v16 v, scale, shift, r;
  get(&v, x + c, n);
  load(&scale, by->scale + c, n);
  load(&shift, by->shift + c, n);
  v = scale * v + shift;
  if (residual) {
    get(&r, residual + c, n);
    v += r;
  }
  activate(&v, &by->activation, swish);
  put(y + c, &v, n);
}

INLINE void normalize_rows(const element *x, const normalization *by, const element *residual, element *y, ptrdiff_t rows, int width, const int swish) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const element *from = x + row * width, *plus = residual ? residual + row * width : 0;
    int c = 0;
    for (; c + lanes <= width; c += lanes) normalize_columns(from, by, plus, y + row * width, c, lanes, swish);
    if (c < width) normalize_columns(from, by, plus, y + row * width, c, width - c, swish);
  }
}

SAKER_TARGETS static void normalize_piecewise(const element *x, const normalization *by, const element *residual, element *y, ptrdiff_t rows, int width) {
  normalize_rows(x, by, residual, y, rows, width, 0);
}

SAKER_TARGETS static void normalize_swish(const element *x, const normalization *by, const element *residual, element *y, ptrdiff_t rows, int width) {
  normalize_rows(x, by, residual, y, rows, width, 1);
}

static void normalize(const element *x, const normalization *by, const element *residual, element *y, ptrdiff_t rows, int width) {
  (by->activation.swish ? normalize_swish : normalize_piecewise)(x, by, residual, y, rows, width);
}

void NAME(saker_normalize)(const element *x, const normalization *by, const element *residual, element *y, ptrdiff_t pixels, int channels) {
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

/// g of R rows, and their sums added to those of the rows before. In the order of
/// memory, as statistics.
INLINE void sums_few(const int R, const element *dz, const element *x, const normalization *by, const element *residual, int width, float *sums,
                     float *products, element *dv, int c, int n, const int swish) {
  v16 s, q, mean, scale, shift;
  load(&s, sums + c, n);
  load(&q, products + c, n);
  load(&mean, by->mean + c, n);
  load(&scale, by->scale + c, n);
  load(&shift, by->shift + c, n);
  for (int row = 0; row < R; row++) {
    ptrdiff_t at = (ptrdiff_t)row * width + c;
    v16 g, raw, v, r;
    get(&g, dz + at, n);
    get(&raw, x + at, n);
    v = scale * raw + shift;
    if (residual) {
      get(&r, residual + at, n);
      v += r;
    }
    derive(&g, &v, &by->activation, swish);
    if (dv) put(dv + at, &g, n);
    s += g;
    q += g * (raw - mean);
  }
  store(sums + c, &s, n);
  store(products + c, &q, n);
}

INLINE void sums_of(const int R, const element *dz, const element *x, const normalization *by, const element *residual, int width, float *sums,
                    float *products, element *dv, const int swish) {
  int c = 0;
  for (; c + lanes <= width; c += lanes) sums_few(R, dz, x, by, residual, width, sums, products, dv, c, lanes, swish);
  if (c < width) sums_few(R, dz, x, by, residual, width, sums, products, dv, c, width - c, swish);
}

INLINE void sums_rows(const element *dz, const element *x, const normalization *by, const element *residual, ptrdiff_t rows, int width, float *sums,
                      float *products, element *dv, const int swish) {
  memset(sums, 0, sizeof *sums * (size_t)width);
  memset(products, 0, sizeof *products * (size_t)width);
  ptrdiff_t row = 0, at = 0;
  for (; row + 4 <= rows; row += 4, at += 4 * width)
    sums_of(4, dz + at, x + at, by, residual ? residual + at : 0, width, sums, products, dv ? dv + at : 0, swish);
  for (; row < rows; row++, at += width)
    sums_of(1, dz + at, x + at, by, residual ? residual + at : 0, width, sums, products, dv ? dv + at : 0, swish);
  for (int c = 0; c < width; c++) products[c] *= by->inverse[c];
}

SAKER_TARGETS static void sums_piecewise(const element *dz, const element *x, const normalization *by, const element *residual, ptrdiff_t rows, int width,
                                         float *sums, float *products, element *dv) {
  sums_rows(dz, x, by, residual, rows, width, sums, products, dv, 0);
}

SAKER_TARGETS static void sums_swish(const element *dz, const element *x, const normalization *by, const element *residual, ptrdiff_t rows, int width,
                                     float *sums, float *products, element *dv) {
  sums_rows(dz, x, by, residual, rows, width, sums, products, dv, 1);
}

void NAME(saker_gradient_sums)(const element *dz, const element *x, const normalization *by, const element *residual, ptrdiff_t pixels,
                               int channels, ptrdiff_t first, ptrdiff_t end, float *partials, element *dv) {
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

/// The gradient of the raw map in n columns.
INLINE void gradient_of(const element *dz, const element *x, const normalization_gradient *by, v16 *result, int c, int n, const int swish) {
  v16 g, raw, scale, shift, mean, a, b, k;
  get(&g, dz + c, n);
  get(&raw, x + c, n);
  load(&scale, by->normalization.scale + c, n);
  load(&shift, by->normalization.shift + c, n);
  load(&mean, by->normalization.mean + c, n);
  load(&a, by->a + c, n);
  load(&b, by->b + c, n);
  load(&k, by->c + c, n);
  v16 v = scale * raw + shift;
  derive(&g, &v, &by->normalization.activation, swish);
  *result = a * g + (b * (raw - mean) + k);
}

INLINE void apply_columns(const element *dz, const element *x, const normalization_gradient *by, element *dx, int c, int n, const int swish) {
  v16 result;
  gradient_of(dz, x, by, &result, c, n, swish);
  put(dx + c, &result, n);
}

INLINE void apply_rows(const element *dz, const element *x, const normalization_gradient *by, element *dx, ptrdiff_t rows, int width, const int swish) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    ptrdiff_t at = row * width;
    int c = 0;
    for (; c + lanes <= width; c += lanes) apply_columns(dz + at, x + at, by, dx + at, c, lanes, swish);
    if (c < width) apply_columns(dz + at, x + at, by, dx + at, c, width - c, swish);
  }
}

SAKER_TARGETS static void apply_piecewise(const element *dz, const element *x, const normalization_gradient *by, element *dx, ptrdiff_t rows, int width) {
  apply_rows(dz, x, by, dx, rows, width, 0);
}

SAKER_TARGETS static void apply_swish(const element *dz, const element *x, const normalization_gradient *by, element *dx, ptrdiff_t rows, int width) {
  apply_rows(dz, x, by, dx, rows, width, 1);
}

static void spread_gradient(normalization_gradient *by, struct spread *spread, int channels, int pixels) {
  spread_normalization(&by->normalization, spread, channels, pixels);
  by->a = repeated(by->a, spread->values[4], channels, pixels);
  by->b = repeated(by->b, spread->values[5], channels, pixels);
  by->c = repeated(by->c, spread->values[6], channels, pixels);
}

static void gradient_apply(const element *dz, const element *x, const normalization_gradient *by, element *dx, ptrdiff_t pixels, int channels) {
  normalization_gradient all = *by;
  struct spread spread;
  int together = pixels_a_row(channels);
  spread_gradient(&all, &spread, channels, together);
  ptrdiff_t rows = pixels / together, done = rows * together, at = done * channels;
  void (*apply)(const element *, const element *, const normalization_gradient *, element *, ptrdiff_t, int) =
      all.normalization.activation.swish ? apply_swish : apply_piecewise;
  apply(dz, x, &all, dx, rows, together * channels);
  if (done < pixels) apply(dz + at, x + at, &all, dx + at, 1, (int)(pixels - done) * channels);
}
