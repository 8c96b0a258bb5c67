#include "resampling.h"

#include <math.h>
#include <string.h>

#include "common.h"
#include "targets.h"

#define INLINE static inline __attribute__((always_inline))

SAKER_TARGETS void saker_resample(const struct saker_resampling *taps, const float *x, float *y, ptrdiff_t inner, ptrdiff_t from, ptrdiff_t to) {
  const float *block = x + from / taps->out * taps->in * inner;
  ptrdiff_t o = from % taps->out;
  for (ptrdiff_t line = from; line < to; line++, o++) {
    if (o == taps->out) {
      o = 0;
      block += taps->in * inner;
    }
    const int *index = taps->index + taps->starts[o];
    const float *w = taps->weight + taps->starts[o];
    int n = taps->starts[o + 1] - taps->starts[o];
    float *restrict out = y + line * inner;
    if (inner == 1) {
      float sum = 0;
      for (int t = 0; t < n; t++) sum += w[t] * block[index[t]];
      *out = sum;
    } else if (n == 1 && w[0] == 1) {
      memcpy(out, block + index[0] * inner, sizeof(float) * (size_t)inner);
    } else if (n == 2) {
      const float *a = block + index[0] * inner, *b = block + index[1] * inner;
      float wa = w[0], wb = w[1];
      for (ptrdiff_t i = 0; i < inner; i++) out[i] = wa * a[i] + wb * b[i];
    } else if (n == 4) {
      const float *a = block + index[0] * inner, *b = block + index[1] * inner, *c = block + index[2] * inner, *d = block + index[3] * inner;
      for (ptrdiff_t i = 0; i < inner; i++) out[i] = w[0] * a[i] + w[1] * b[i] + (w[2] * c[i] + w[3] * d[i]);
    } else {
      memset(out, 0, sizeof(float) * (size_t)inner);
      for (int t = 0; t < n; t++) {
        const float *a = block + index[t] * inner;
        for (ptrdiff_t i = 0; i < inner; i++) out[i] += w[t] * a[i];
      }
    }
  }
}

/// One coordinate of a grid's point: in pixels, and its slope.
struct coordinate {
  float at, slope;
};

INLINE struct coordinate pixel(const struct saker_grid *s, float at, int size) {
  struct coordinate c = {s->corners ? (at + 1) / 2 * (size - 1) : ((at + 1) * size - 1) / 2, s->corners ? (size - 1) / 2.0f : size / 2.0f};
  if (s->border == 2) {
    // Mirrored at the centres, or at the outer edges, of the outermost pixels.
    float low = s->corners ? 0 : -0.5f, span = s->corners ? size - 1 : size;
    if (span <= 0) {
      c.at = c.slope = 0;
    } else if (fabsf(c.at) < INFINITY) {
      float distance = c.at - low;
      if (distance < 0) {
        distance = -distance;
        c.slope = -c.slope;
      }
      float turns = floorf(distance / span), rest = distance - turns * span;
      int odd = fmodf(turns, 2) != 0;
      c.at = odd ? span - rest + low : rest + low;
      if (odd) c.slope = -c.slope;
    }
  }
  if (s->border != 0) {
    if (!(c.at > 0)) {  // also what is not a number
      c.at = c.slope = 0;
    } else if (c.at >= size - 1) {
      c.at = (float)(size - 1);
      c.slope = 0;
    }
  }
  return c;
}

struct sample {
  float y, x;  // from the upper left pixel
  struct coordinate row, column;
  ptrdiff_t at[4];  // -1 where there is no pixel
};

INLINE struct sample find(const struct saker_grid *s, const float *grid, ptrdiff_t point) {
  struct sample p = {0, 0, pixel(s, grid[2 * point + 1], s->height), pixel(s, grid[2 * point], s->width), {-1, -1, -1, -1}};
  float y = p.row.at, x = p.column.at;
  if (!(y >= -1 && y <= s->height && x >= -1 && x <= s->width)) return p;
  int row = (int)(s->nearest ? nearbyintf(y) : floorf(y)), column = (int)(s->nearest ? nearbyintf(x) : floorf(x));
  if (!s->nearest) {
    p.y = y - row;
    p.x = x - column;
  }
  for (int corner = 0; corner < (s->nearest ? 1 : 4); corner++) {
    int r = row + corner / 2, c = column + corner % 2;
    if (r >= 0 && r < s->height && c >= 0 && c < s->width) p.at[corner] = ((ptrdiff_t)r * s->width + c) * s->channels;
  }
  return p;
}

INLINE float weight(struct sample p, int corner) { return (corner / 2 ? p.y : 1 - p.y) * (corner % 2 ? p.x : 1 - p.x); }

SAKER_TARGETS void saker_grid_sample(const struct saker_grid *s, const float *x, const float *grid, float *y, ptrdiff_t from, ptrdiff_t to) {
  for (ptrdiff_t point = from; point < to; point++) {
    struct sample p = find(s, grid, point);
    float *out = y + point * s->channels;
    memset(out, 0, sizeof(float) * (size_t)s->channels);
    for (int corner = 0; corner < 4; corner++) {
      if (p.at[corner] < 0) continue;
      const float *a = x + p.at[corner];
      float w = weight(p, corner);
      for (int c = 0; c < s->channels; c++) out[c] += w * a[c];
    }
  }
}

SAKER_TARGETS void saker_grid_scatter(const struct saker_grid *s, const float *grid, const float *gradient, float *dx, ptrdiff_t points, int from, int to) {
  for (ptrdiff_t point = 0; point < points; point++) {
    struct sample p = find(s, grid, point);
    const float *g = gradient + point * s->channels;
    for (int corner = 0; corner < 4; corner++) {
      if (p.at[corner] < 0) continue;
      float *a = dx + p.at[corner];
      float w = weight(p, corner);
      for (int c = from; c < to; c++) a[c] += w * g[c];
    }
  }
}

INLINE float dot(const float *a, const float *b, int n) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

SAKER_TARGETS void saker_grid_slopes(const struct saker_grid *s, const float *x, const float *grid, const float *gradient, float *dgrid, ptrdiff_t from,
                                     ptrdiff_t to) {
  for (ptrdiff_t point = from; point < to; point++) {
    struct sample p = find(s, grid, point);
    float v[4] = {0};
    for (int corner = 0; corner < 4; corner++)
      if (p.at[corner] >= 0) v[corner] = dot(gradient + point * s->channels, x + p.at[corner], s->channels);
    float dx = (1 - p.y) * (v[1] - v[0]) + p.y * (v[3] - v[2]), dy = (1 - p.x) * (v[2] - v[0]) + p.x * (v[3] - v[1]);
    dgrid[2 * point] = s->nearest ? 0 : dx * p.column.slope;
    dgrid[2 * point + 1] = s->nearest ? 0 : dy * p.row.slope;
  }
}
