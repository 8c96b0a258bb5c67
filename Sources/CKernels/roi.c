#include "roi.h"

#include <math.h>
#include <string.h>

#include "common.h"
#include "targets.h"

#define INLINE static inline __attribute__((always_inline))

/// The points of a cell along one axis.
struct points {
  double start, step;
  ptrdiff_t first, end;  // those that may lie in the map
  double count;          // all
};

INLINE struct points along(const struct saker_roi *s, float low, float high, int cell, int cells, int size) {
  // In single precision, as the field computes it: a bin's count of points is rounded up from it.
  float start = low * s->scale - s->shift, length = high * s->scale - s->shift - start;
  if (length < s->least) length = s->least;
  float bin = length / (float)cells;
  double count = s->sampling > 0 ? s->sampling : ceilf(bin);
  struct points p = {(double)start + (double)cell * bin, count > 0 ? bin / count : 0, 0, 0, count};
  if (!(count > 0)) return p;
  if (p.step == 0) {
    p.end = (ptrdiff_t)fmin(count, 1e6);
    return p;
  }
  // Only points at -1...size read something; a huge box would have too many others to look at.
  double near = (-1 - p.start) / p.step, far = (size - p.start) / p.step;
  double first = floor(fmin(near, far) - 0.5) - 1, end = ceil(fmax(near, far) + 0.5) + 1;
  count = fmin(count, 1e18);  // what an integer holds
  p.first = (ptrdiff_t)fmin(fmax(first, 0), count);
  p.end = (ptrdiff_t)fmin(fmax(end, 0), count);
  return p;
}

/// A point between two pixels.
struct between {
  int low, high;
  float part;  // of the higher
  int inside;
};

INLINE struct between at(struct points p, ptrdiff_t i, int size) {
  float y = (float)(p.start + ((double)i + 0.5) * p.step);
  struct between b = {0, 0, 0, y >= -1 && y <= size};
  if (!b.inside) return b;
  if (y < 0) y = 0;
  b.low = (int)y;
  if (b.low >= size - 1) {
    b.low = b.high = size - 1;
  } else {
    b.high = b.low + 1;
    b.part = y - (float)b.low;
  }
  return b;
}

/// Calls `body` with the offset of a pixel's channels and its weight in the cell's mean, for the
/// four pixels of each point.
#define FOR_PIXELS(s, roi, row, column, ...)                                                           \
  do {                                                                                                 \
    struct points ys = along(s, roi[2], roi[4], row, (s)->rows, (s)->height);                          \
    struct points xs = along(s, roi[1], roi[3], column, (s)->columns, (s)->width);                     \
    double count = ys.count * xs.count;                                                                \
    if (!(count >= 1)) count = 1;                                                                      \
    for (ptrdiff_t i = ys.first; i < ys.end; i++) {                                                    \
      struct between y = at(ys, i, (s)->height);                                                       \
      if (!y.inside) continue;                                                                         \
      for (ptrdiff_t j = xs.first; j < xs.end; j++) {                                                  \
        struct between x = at(xs, j, (s)->width);                                                      \
        if (!x.inside) continue;                                                                       \
        const ptrdiff_t width = (s)->width, depth = (s)->channels;                                     \
        const ptrdiff_t p0 = (y.low * width + x.low) * depth, p1 = (y.low * width + x.high) * depth;   \
        const ptrdiff_t p2 = (y.high * width + x.low) * depth, p3 = (y.high * width + x.high) * depth; \
        const float f = (float)(1 / count);                                                            \
        const float w0 = (1 - y.part) * (1 - x.part) * f, w1 = (1 - y.part) * x.part * f;              \
        const float w2 = y.part * (1 - x.part) * f, w3 = y.part * x.part * f;                          \
        __VA_ARGS__                                                                                    \
      }                                                                                                \
    }                                                                                                  \
  } while (0)

/// The first channel that a cell reads.
INLINE int channel(const struct saker_roi *s, int row, int column) {
  return s->depth == s->channels ? 0 : (row * s->columns + column) * s->depth;
}

INLINE ptrdiff_t picture(const struct saker_roi *s, const float *roi) { return (ptrdiff_t)roi[0] * s->height * s->width * s->channels; }

SAKER_TARGETS void saker_roi_align(const struct saker_roi *s, const float *x_, const float *rois, float *y_, ptrdiff_t from, ptrdiff_t to) {
  for (ptrdiff_t line = from; line < to; line++) {
    const float *roi = rois + line / s->rows * 5;
    int row = (int)(line % s->rows);
    for (int column = 0; column < s->columns; column++) {
      const float *image = x_ + picture(s, roi) + channel(s, row, column);
      float *out = y_ + (line * s->columns + column) * s->depth;
      memset(out, 0, sizeof(float) * (size_t)s->depth);
      FOR_PIXELS(s, roi, row, column, {
        const float *a = image + p0, *b = image + p1, *d = image + p2, *e = image + p3;
        for (int c = 0; c < s->depth; c++) out[c] += w0 * a[c] + w1 * b[c] + (w2 * d[c] + w3 * e[c]);
      });
    }
  }
}

SAKER_TARGETS void saker_roi_align_back(const struct saker_roi *s, const float *rois, const float *dy, float *dx, ptrdiff_t count_, int from, int to) {
  for (ptrdiff_t line = 0; line < count_ * s->rows; line++) {
    const float *roi = rois + line / s->rows * 5;
    int row = (int)(line % s->rows);
    for (int column = 0; column < s->columns; column++) {
      float *image = dx + picture(s, roi) + channel(s, row, column);
      const float *g = dy + (line * s->columns + column) * s->depth;
      FOR_PIXELS(s, roi, row, column, {
        float *a = image + p0, *b = image + p1, *d = image + p2, *e = image + p3;
        for (int c = from; c < to; c++) a[c] += w0 * g[c];
        if (w1 != 0) for (int c = from; c < to; c++) b[c] += w1 * g[c];
        if (w2 != 0) for (int c = from; c < to; c++) d[c] += w2 * g[c];
        if (w3 != 0) for (int c = from; c < to; c++) e[c] += w3 * g[c];
      });
    }
  }
}

/// Whole pixels of a cell along one axis: from `first` to before `end`, inside the map.
INLINE void cell(const struct saker_roi *s, float low, float high, int index, int cells, int size, int *first, int *end) {
  float start = roundf(low * s->scale), length = fmaxf(roundf(high * s->scale) - start + 1, 1), bin = length / (float)cells;
  *first = (int)fminf(fmaxf(floorf((float)index * bin) + start, 0), (float)size);
  *end = (int)fminf(fmaxf(ceilf((float)(index + 1) * bin) + start, 0), (float)size);
}

SAKER_TARGETS void saker_roi_pool(const struct saker_roi *s, const float *x, const float *rois, float *y, int32_t *positions, ptrdiff_t from, ptrdiff_t to) {
  for (ptrdiff_t line = from; line < to; line++) {
    const float *roi = rois + line / s->rows * 5, *image = x + picture(s, roi);
    int top, bottom, left, right;
    cell(s, roi[2], roi[4], (int)(line % s->rows), s->rows, s->height, &top, &bottom);
    for (int column = 0; column < s->columns; column++) {
      cell(s, roi[1], roi[3], column, s->columns, s->width, &left, &right);
      float *best = y + (line * s->columns + column) * s->depth;
      int32_t *where = positions + (line * s->columns + column) * s->depth;
      int empty = bottom <= top || right <= left, first = empty ? -1 : top * s->width + left;
      for (int c = 0; c < s->depth; c++) {
        best[c] = empty ? 0 : image[(ptrdiff_t)first * s->channels + c];
        where[c] = first;
      }
      for (int row = top; row < bottom; row++)
        for (int col = left; col < right; col++) {
          int position = row * s->width + col;
          const float *v = image + (ptrdiff_t)position * s->channels;
          for (int c = 0; c < s->depth; c++) {
            int better = v[c] > best[c] || v[c] != v[c];
            best[c] = better ? v[c] : best[c];
            where[c] = better ? position : where[c];
          }
        }
    }
  }
}

SAKER_TARGETS void saker_roi_pool_back(const struct saker_roi *s, const float *rois, const float *dy, const int32_t *positions, float *dx, ptrdiff_t count,
                                       int from, int to) {
  for (ptrdiff_t bin = 0; bin < count * s->rows * s->columns; bin++) {
    float *image = dx + picture(s, rois + bin / (s->rows * s->columns) * 5);
    for (int c = from; c < to; c++) {
      int32_t position = positions[bin * s->depth + c];
      if (position >= 0) image[(ptrdiff_t)position * s->channels + c] += dy[bin * s->depth + c];
    }
  }
}

// MARK: position-sensitive, by whole pixels

/// Whole pixels of a cell along one axis. R-FCN's boxes do not count their second corner, and never
/// read the last row and column.
INLINE void plain_cell(const struct saker_roi *s, float low, float high, int index, int cells, int size, int *first, int *end) {
  float start = roundf(low * s->scale), length = fmaxf(roundf(high * s->scale) - start, 1), bin = length / (float)cells;
  *first = (int)fminf(fmaxf(floorf((float)index * bin) + start, 0), (float)(size - 1));
  *end = (int)fminf(fmaxf(ceilf((float)(index + 1) * bin) + start, 0), (float)(size - 1));
}

SAKER_TARGETS void saker_ps_roi_pool(const struct saker_roi *s, const float *x, const float *rois, float *y, ptrdiff_t from, ptrdiff_t to) {
  for (ptrdiff_t line = from; line < to; line++) {
    const float *roi = rois + line / s->rows * 5;
    int row = (int)(line % s->rows), top, bottom, left, right;
    plain_cell(s, roi[2], roi[4], row, s->rows, s->height, &top, &bottom);
    for (int column = 0; column < s->columns; column++) {
      plain_cell(s, roi[1], roi[3], column, s->columns, s->width, &left, &right);
      const float *image = x + picture(s, roi) + channel(s, row, column);
      float *out = y + (line * s->columns + column) * s->depth;
      memset(out, 0, sizeof(float) * (size_t)s->depth);
      if (bottom <= top || right <= left) continue;
      for (int i = top; i < bottom; i++)
        for (int j = left; j < right; j++) {
          const float *v = image + ((ptrdiff_t)i * s->width + j) * s->channels;
          for (int c = 0; c < s->depth; c++) out[c] += v[c];
        }
      const float area = (float)(bottom - top) * (float)(right - left);
      for (int c = 0; c < s->depth; c++) out[c] /= area;
    }
  }
}

SAKER_TARGETS void saker_ps_roi_pool_back(const struct saker_roi *s, const float *rois, const float *dy, float *dx, ptrdiff_t count, int from, int to) {
  for (ptrdiff_t line = 0; line < count * s->rows; line++) {
    const float *roi = rois + line / s->rows * 5;
    int row = (int)(line % s->rows), top, bottom, left, right;
    plain_cell(s, roi[2], roi[4], row, s->rows, s->height, &top, &bottom);
    for (int column = 0; column < s->columns; column++) {
      plain_cell(s, roi[1], roi[3], column, s->columns, s->width, &left, &right);
      float *image = dx + picture(s, roi) + channel(s, row, column);
      const float *g = dy + (line * s->columns + column) * s->depth;
      const float share = 1 / ((float)(bottom - top) * (float)(right - left));
      for (int i = top; i < bottom; i++)
        for (int j = left; j < right; j++) {
          float *v = image + ((ptrdiff_t)i * s->width + j) * s->channels;
          for (int c = from; c < to; c++) v[c] += share * g[c];
        }
    }
  }
}
