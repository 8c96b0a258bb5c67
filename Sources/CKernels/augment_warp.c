// Pictures through maps of the plane: for each pixel of the result, where it comes from.
#include <math.h>
#include <string.h>

#include "augment.h"
#include "targets.h"
#include "functions.h"

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef float floats4 __attribute__((vector_size(16), aligned(4)));
typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));

enum { block = 64 };

// Where a block of pixels comes from: the pixel at the upper left of the point, and the point's
// place between it and the next.
struct places {
  int x[block], y[block];
  float fx[block], fy[block];
};

// `shift` is 0.5 where pixels are mixed: then a point is seen from the middles of pixels.
SAKER_INLINE void locate(const struct saker_warp *w, int x, int y, int count, float shift, struct places *places) {
  const float *m = w->map;
  float v = (float)y + 0.5f;
  float a = m[1] * v + m[2], b = m[4] * v + m[5], c = m[7] * v + m[8];
  // Far outside is outside; also keeps the conversions to integers defined.
  float wide = (float)w->source_width + 2, high = (float)w->source_height + 2;
  int flat = m[6] == 0 && m[7] == 0 && m[8] == 1;
  for (int k = 0; k < count; k++) {
    float u = (float)(x + k) + 0.5f;
    float px = m[0] * u + a, py = m[3] * u + b;
    if (!flat) {
      float q = m[6] * u + c;
      // Behind the horizon there is nothing to see.
      float unit = q > 1e-8f ? 1 / q : 1e30f;
      px = px * unit, py = py * unit;
      px = q > 1e-8f ? px : -2, py = q > 1e-8f ? py : -2;
    }
    px -= shift, py -= shift;
    px = px > -2 ? px : -2, py = py > -2 ? py : -2;
    px = px < wide ? px : wide, py = py < high ? py : high;
    float ix = floorf(px), iy = floorf(py);
    places->x[k] = (int)ix, places->y[k] = (int)iy;
    places->fx[k] = px - ix, places->fy[k] = py - iy;
  }
}

// Whether all four pixels around each of four points lie inside, and a fourth byte
// behind them, too.
SAKER_INLINE int all_inside(const struct places *p, int k, int width, int height) {
  int good = 1;
  for (int j = 0; j < 4; j++) good &= (unsigned)p->x[k + j] < (unsigned)(width - 2) & (unsigned)p->y[k + j] < (unsigned)(height - 1);
  return good;
}

SAKER_INLINE uint32_t word(const uint8_t *from) {
  uint32_t result;
  memcpy(&result, from, 4);
  return result;
}

// Results go through pointers: a wide vector as a result would change the calling convention with
// the instruction set.
SAKER_INLINE void four_pixels(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, floats16 *result) {
  *result = __builtin_convertvector((bytes16)(words4){word(a), word(b), word(c), word(d)}, floats16);
}

SAKER_INLINE void four_times(const float *values, floats16 *result) {
  floats4 v = *(const floats4 *)values;
  *result = __builtin_shufflevector(v, v, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
}

// One pixel with its borders looked after.
SAKER_INLINE void mixed_pixel(const struct saker_warp *w, const struct places *p, int k, int channels, uint8_t *to) {
  int x = p->x[k], y = p->y[k], width = w->source_width, height = w->source_height;
  float fx = p->fx[k], fy = p->fy[k];
  if (w->keeps) {
    // A pixel belongs to the picture if its point does; the border pixels are repeated.
    float px = (float)x + fx + 0.5f, py = (float)y + fy + 0.5f;
    if (!(px >= 0 && px < (float)width && py >= 0 && py < (float)height)) return;
  }
  for (int c = 0; c < channels; c++) {
    float level = 0.5f;
    for (int dy = 0; dy < 2; dy++)
      for (int dx = 0; dx < 2; dx++) {
        int sx = x + dx, sy = y + dy;
        float weight = (dx ? fx : 1 - fx) * (dy ? fy : 1 - fy);
        if (w->keeps) {
          sx = sx < 0 ? 0 : sx >= width ? width - 1 : sx;
          sy = sy < 0 ? 0 : sy >= height ? height - 1 : sy;
        }
        int inside = (unsigned)sx < (unsigned)width && (unsigned)sy < (unsigned)height;
        level += weight * (float)(inside ? w->source[sy * w->source_stride + channels * sx + c] : w->fill[c]);
      }
    to[c] = (uint8_t)(int)(level > 255 ? 255 : level);
  }
}

SAKER_INLINE void nearest_pixel(const struct saker_warp *w, const struct places *p, int k, int channels, uint8_t *to) {
  int x = p->x[k], y = p->y[k];
  int inside = (unsigned)x < (unsigned)w->source_width && (unsigned)y < (unsigned)w->source_height;
  if (!inside && w->keeps) return;
  const uint8_t *from = inside ? w->source + y * w->source_stride + channels * x : w->fill;
  for (int c = 0; c < channels; c++) to[c] = from[c];
}

// Four RGB pixels, each followed by a byte that does not count.
SAKER_INLINE void store_four(bytes16 levels, uint8_t *to) {
  bytes16 packed = __builtin_shufflevector(levels, levels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
  memcpy(to, &packed, 12);
}

SAKER_TARGETS void saker_warp_rgb(const struct saker_warp *w) {
  struct places p;
  int width = w->source_width, height = w->source_height;
  ptrdiff_t stride = w->source_stride;
  for (int y = w->top; y < w->bottom; y++) {
    for (int x = w->left; x < w->right; x += block) {
      int count = w->right - x < block ? w->right - x : block;
      uint8_t *to = w->result + y * w->stride + 3 * (ptrdiff_t)x;
      locate(w, x, y, count, w->bilinear ? 0.5f : 0, &p);
      int k = 0;
      for (; k < count; k += 4, to += 12) {
        if (k + 4 > count || width < 3 || height < 2 || !all_inside(&p, k, width, height)) {
          int end = k + 4 < count ? k + 4 : count;
          for (int j = k; j < end; j++) {
            if (w->bilinear) mixed_pixel(w, &p, j, 3, to + 3 * (j - k));
            else nearest_pixel(w, &p, j, 3, to + 3 * (j - k));
          }
          continue;
        }
        const uint8_t *a = w->source + p.y[k] * stride + 3 * p.x[k], *b = w->source + p.y[k + 1] * stride + 3 * p.x[k + 1];
        const uint8_t *c = w->source + p.y[k + 2] * stride + 3 * p.x[k + 2], *d = w->source + p.y[k + 3] * stride + 3 * p.x[k + 3];
        if (!w->bilinear) {
          store_four((bytes16)(words4){word(a), word(b), word(c), word(d)}, to);
          continue;
        }
        floats16 fx, fy, p00, p01, p10, p11;
        four_times(p.fx + k, &fx), four_times(p.fy + k, &fy);
        four_pixels(a, b, c, d, &p00), four_pixels(a + 3, b + 3, c + 3, d + 3, &p01);
        a += stride, b += stride, c += stride, d += stride;
        four_pixels(a, b, c, d, &p10), four_pixels(a + 3, b + 3, c + 3, d + 3, &p11);
        floats16 above = p00 + (p01 - p00) * fx, below = p10 + (p11 - p10) * fx;
        floats16 level = above + (below - above) * fy + 0.5f;
        store_four(__builtin_convertvector(__builtin_convertvector(level, ints16), bytes16), to);
      }
    }
  }
}

SAKER_TARGETS void saker_warp_mask(const struct saker_warp *w) {
  struct places p;
  for (int y = w->top; y < w->bottom; y++)
    for (int x = w->left; x < w->right; x += block) {
      int count = w->right - x < block ? w->right - x : block;
      uint8_t *to = w->result + y * w->stride + x;
      locate(w, x, y, count, w->bilinear ? 0.5f : 0, &p);
      for (int k = 0; k < count; k++) {
        if (w->bilinear) mixed_pixel(w, &p, k, 1, to + k);
        else nearest_pixel(w, &p, k, 1, to + k);
      }
    }
}
