#include "columns.h"
#include "normalization.h"
#include "targets.h"

// Batch norm, activation and the largest of each 2x2 window, in one pass over the raw map; the
// gradient finds the winners again.

typedef struct saker_pooled pooled;

/// The four pixels of a window.
struct window {
  ptrdiff_t at[4];
};

/// Of window `column` in row `row` of windows, counted over all pictures: where its pixels lie.
INLINE struct window window_at(const pooled *map, ptrdiff_t row, int column) {
  int rows = map->height / 2;
  ptrdiff_t line = (ptrdiff_t)map->width * map->channels;
  ptrdiff_t at = (row / rows * map->height + row % rows * 2) * line + (ptrdiff_t)column * 2 * map->channels;
  return (struct window){{at, at + map->channels, at + line, at + line + map->channels}};
}

/// What no window of a row covers: pixels right of its two lines, and the line below the last
/// row of a picture.
struct uncovered {
  ptrdiff_t starts[3], ends[3];
  int count;
};

static struct uncovered uncovered_by(const pooled *map, ptrdiff_t row) {
  int rows = map->height / 2, last = row % rows == rows - 1;
  ptrdiff_t line = (ptrdiff_t)map->width * map->channels, top = (row / rows * map->height + row % rows * 2) * line;
  struct uncovered rest = {.count = 0};
  if (map->width % 2) {
    for (int i = 1; i <= 2; i++) {
      rest.starts[rest.count] = top + i * line - map->channels;
      rest.ends[rest.count++] = top + i * line;
    }
  }
  if (map->height % 2 && last) {
    rest.starts[rest.count] = top + 2 * line;
    rest.ends[rest.count++] = top + 3 * line;
  }
  return rest;
}

/// Of the window's winner: v before it was activated, its x, and which of the four it is. Functions
/// other than swish never fall, so v decides.
INLINE void find_winner(const float *x, const struct window *window, const v16 *scale, const v16 *shift, const float *residual, int c, int n,
                        const int swish, v16 *v, v16 *raw, i16 *which) {
  v16 largest = 0.0f;
  for (int i = 0; i < 4; i++) {
    v16 own, value, r;
    load(&own, x + window->at[i] + c, n);
    value = *scale * own + *shift;
    if (residual) {
      load(&r, residual + window->at[i] + c, n);
      value += r;
    }
    v16 rank = value;
    if (swish) activate(&rank, 0, 1);
    if (i == 0) {
      largest = rank, *v = value, *raw = own, *which = 0;
    } else {
      i16 wins = (rank > largest) | (rank != rank);
      largest = wins ? rank : largest;
      *v = wins ? value : *v;
      *raw = wins ? own : *raw;
      *which = wins ? (i16)i : *which;
    }
  }
}

// MARK: the largest values

INLINE void pool_columns(const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t row, float *y, int c, int n,
                         const int swish) {
  v16 scale, shift, v, raw;
  i16 which;
  load(&scale, by->scale + c, n);
  load(&shift, by->shift + c, n);
  int columns = map->width / 2;
  for (int column = 0; column < columns; column++) {
    struct window window = window_at(map, row, column);
    find_winner(x, &window, &scale, &shift, residual, c, n, swish, &v, &raw, &which);
    activate(&v, &by->activation, swish);
    store(y + (row * columns + column) * map->channels + c, &v, n);
  }
}

INLINE void pool_rows(const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t first, ptrdiff_t end, float *y,
                      const int swish) {
  for (ptrdiff_t row = first; row < end; row++) {
    int c = 0;
    for (; c + lanes <= map->channels; c += lanes) pool_columns(x, by, residual, map, row, y, c, lanes, swish);
    if (c < map->channels) pool_columns(x, by, residual, map, row, y, c, map->channels - c, swish);
  }
}

SAKER_TARGETS static void pool_piecewise(const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t first,
                                         ptrdiff_t end, float *y) {
  pool_rows(x, by, residual, map, first, end, y, 0);
}

SAKER_TARGETS static void pool_swish(const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t first,
                                     ptrdiff_t end, float *y) {
  pool_rows(x, by, residual, map, first, end, y, 1);
}

void saker_normalize_pool_f32(const float *x, const normalization *by, const float *residual, pooled map, ptrdiff_t first, ptrdiff_t end,
                              float *y) {
  (by->activation.swish ? pool_swish : pool_piecewise)(x, by, residual, &map, first, end, y);
}

// MARK: sums of their gradient

INLINE void sums_columns(const float *dz, const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t row, int c,
                         int n, float *sums, float *dv, const int swish) {
  v16 mean, inverse, scale, shift, v, raw, g, s = 0.0f, q = 0.0f;
  i16 which;
  load(&mean, by->mean + c, n);
  load(&inverse, by->inverse + c, n);
  load(&scale, by->scale + c, n);
  load(&shift, by->shift + c, n);
  int columns = map->width / 2;
  for (int column = 0; column < columns; column++) {
    struct window window = window_at(map, row, column);
    find_winner(x, &window, &scale, &shift, residual, c, n, swish, &v, &raw, &which);
    load(&g, dz + (row * columns + column) * map->channels + c, n);
    derive(&g, &v, &by->activation, swish);
    s += g;
    q += g * (raw - mean);
    if (!dv) continue;
    for (int i = 0; i < 4; i++) {
      v16 part = which == i ? g : (v16)0.0f;
      store(dv + window.at[i] + c, &part, n);
    }
  }
  q *= inverse;
  store(sums + c, &s, n);
  store(sums + map->channels + c, &q, n);
}

INLINE void sums_rows(const float *dz, const float *x, const normalization *by, const float *residual, const pooled *map, ptrdiff_t first,
                      ptrdiff_t end, float *partials, float *dv, const int swish) {
  for (ptrdiff_t row = first; row < end; row++) {
    float *sums = partials + row * 2 * map->channels;
    int c = 0;
    for (; c + lanes <= map->channels; c += lanes) sums_columns(dz, x, by, residual, map, row, c, lanes, sums, dv, swish);
    if (c < map->channels) sums_columns(dz, x, by, residual, map, row, c, map->channels - c, sums, dv, swish);
    if (!dv) continue;
    struct uncovered rest = uncovered_by(map, row);
    for (int i = 0; i < rest.count; i++) memset(dv + rest.starts[i], 0, sizeof *dv * (size_t)(rest.ends[i] - rest.starts[i]));
  }
}

SAKER_TARGETS static void sums_piecewise(const float *dz, const float *x, const normalization *by, const float *residual, const pooled *map,
                                         ptrdiff_t first, ptrdiff_t end, float *partials, float *dv) {
  sums_rows(dz, x, by, residual, map, first, end, partials, dv, 0);
}

SAKER_TARGETS static void sums_swish(const float *dz, const float *x, const normalization *by, const float *residual, const pooled *map,
                                     ptrdiff_t first, ptrdiff_t end, float *partials, float *dv) {
  sums_rows(dz, x, by, residual, map, first, end, partials, dv, 1);
}

void saker_gradient_pool_sums_f32(const float *dz, const float *x, const normalization *by, const float *residual, pooled map, ptrdiff_t first,
                                  ptrdiff_t end, float *partials, float *dv) {
  (by->activation.swish ? sums_swish : sums_piecewise)(dz, x, by, residual, &map, first, end, partials, dv);
}

// MARK: the gradient of the raw map

INLINE void apply_columns(const float *dz, const normalization_gradient *by, const pooled *map, ptrdiff_t row, int c, int n, float *dx,
                          const int swish) {
  v16 mean, scale, shift, a, b, k, v, raw, g;
  i16 which;
  load(&mean, by->normalization.mean + c, n);
  load(&scale, by->normalization.scale + c, n);
  load(&shift, by->normalization.shift + c, n);
  load(&a, by->a + c, n);
  load(&b, by->b + c, n);
  load(&k, by->c + c, n);
  int columns = map->width / 2;
  for (int column = 0; column < columns; column++) {
    struct window window = window_at(map, row, column);
    find_winner(by->x, &window, &scale, &shift, 0, c, n, swish, &v, &raw, &which);
    load(&g, dz + (row * columns + column) * map->channels + c, n);
    derive(&g, &v, &by->normalization.activation, swish);
    g *= a;
    for (int i = 0; i < 4; i++) {
      v16 own;
      load(&own, by->x + window.at[i] + c, n);
      own = b * (own - mean) + k;
      own += which == i ? g : (v16)0.0f;
      store(dx + window.at[i] + c, &own, n);
    }
  }
}

INLINE void apply_rows(const float *dz, const normalization_gradient *by, const pooled *map, ptrdiff_t first, ptrdiff_t end, float *dx,
                       const int swish) {
  int channels = map->channels;
  for (ptrdiff_t row = first; row < end; row++) {
    int c = 0;
    for (; c + lanes <= channels; c += lanes) apply_columns(dz, by, map, row, c, lanes, dx, swish);
    if (c < channels) apply_columns(dz, by, map, row, c, channels - c, dx, swish);
    struct uncovered rest = uncovered_by(map, row);
    for (int i = 0; i < rest.count; i++)
      for (ptrdiff_t at = rest.starts[i]; at < rest.ends[i]; at += channels)
        for (int k = 0; k < channels; k++) dx[at + k] = by->b[k] * (by->x[at + k] - by->normalization.mean[k]) + by->c[k];
  }
}

SAKER_TARGETS static void apply_piecewise(const float *dz, const normalization_gradient *by, const pooled *map, ptrdiff_t first, ptrdiff_t end,
                                          float *dx) {
  apply_rows(dz, by, map, first, end, dx, 0);
}

SAKER_TARGETS static void apply_swish(const float *dz, const normalization_gradient *by, const pooled *map, ptrdiff_t first, ptrdiff_t end,
                                      float *dx) {
  apply_rows(dz, by, map, first, end, dx, 1);
}

void saker_gradient_pool_apply_f32(const float *dz, const normalization_gradient *by, pooled map, ptrdiff_t first, ptrdiff_t end, float *dx) {
  (by->normalization.activation.swish ? apply_swish : apply_piecewise)(dz, by, &map, first, end, dx);
}
