#include "deformable.h"

#include <math.h>
#include <string.h>

#include "common.h"
#include "targets.h"

#define INLINE static inline __attribute__((always_inline))

/// Where a tap reads: four pixels around a point, by rows; -1 where there is none.
struct point {
  float y, x;  // from the upper left pixel, 0...1
  ptrdiff_t at[4];
  int inside;  // whether any pixel is near
};

INLINE struct point locate(const struct saker_deformable *s, const float *offset, ptrdiff_t result, int group, int tap) {
  int taps = s->kernel_height * s->kernel_width;
  const float *shift = offset + ((result * s->offset_groups + group) * taps + tap) * 2;
  float y = (float)(result / s->out_width * s->stride_y - s->top + tap / s->kernel_width * s->dilation_y) + shift[0];
  float x = (float)(result % s->out_width * s->stride_x - s->left + tap % s->kernel_width * s->dilation_x) + shift[1];
  struct point p = {0, 0, {-1, -1, -1, -1}, 0};
  // Also false for what is not a number.
  if (!(y >= -1 && y <= s->height && x >= -1 && x <= s->width)) return p;
  p.inside = 1;
  int row = (int)floorf(y), column = (int)floorf(x);
  p.y = y - row;
  p.x = x - column;
  for (int corner = 0; corner < 4; corner++) {
    int r = row + corner / 2, c = column + corner % 2;
    if (r >= 0 && r < s->height && c >= 0 && c < s->width) p.at[corner] = ((ptrdiff_t)r * s->width + c) * s->channels;
  }
  return p;
}

INLINE void weigh(struct point p, float factor, float weights[4]) {
  weights[0] = (1 - p.y) * (1 - p.x) * factor;
  weights[1] = (1 - p.y) * p.x * factor;
  weights[2] = p.y * (1 - p.x) * factor;
  weights[3] = p.y * p.x * factor;
}

/// Where the columns keep channel `c` of a tap; neighbouring channels follow up to the
/// end of the group.
INLINE ptrdiff_t place(const struct saker_deformable *s, ptrdiff_t result, int tap, int c) {
  int width = s->channels / s->groups, group = c / width, taps = s->kernel_height * s->kernel_width;
  return ((group * s->count + result - s->first) * taps + tap) * width + c % width;
}

/// Runs `body` for the parts of the channels `begin..<end` that lie together in the columns: from
/// `c` on, `n` of them.
#define FOR_PARTS(s, begin, end, ...)                  \
  for (int c = begin, n; c < (end); c += n) {          \
    int width = (s)->channels / (s)->groups;           \
    n = least((end), (c / width + 1) * width) - c;     \
    __VA_ARGS__                                        \
  }

SAKER_TARGETS void saker_deformable_columns(const struct saker_deformable *s, const float *x, const float *offset, const float *mask, float *columns,
                                            ptrdiff_t from, ptrdiff_t to) {
  int taps = s->kernel_height * s->kernel_width, depth = s->channels / s->offset_groups;
  for (ptrdiff_t result = from; result < to; result++)
    for (int tap = 0; tap < taps; tap++)
      for (int group = 0; group < s->offset_groups; group++) {
        struct point p = locate(s, offset, result, group, tap);
        float w[4];
        weigh(p, mask ? mask[(result * s->offset_groups + group) * taps + tap] : 1, w);
        int whole = p.at[0] >= 0 && p.at[1] >= 0 && p.at[2] >= 0 && p.at[3] >= 0;
        FOR_PARTS(s, group * depth, (group + 1) * depth, {
          float *row = columns + place(s, result, tap, c);
          if (whole) {
            const float *a = x + p.at[0] + c, *b = x + p.at[1] + c, *d = x + p.at[2] + c, *e = x + p.at[3] + c;
            for (int i = 0; i < n; i++) row[i] = w[0] * a[i] + w[1] * b[i] + w[2] * d[i] + w[3] * e[i];
          } else {
            memset(row, 0, sizeof(float) * (size_t)n);
            for (int corner = 0; corner < 4; corner++) {
              if (p.at[corner] < 0) continue;
              const float *a = x + p.at[corner] + c;
              for (int i = 0; i < n; i++) row[i] += w[corner] * a[i];
            }
          }
        })
      }
}

SAKER_TARGETS void saker_deformable_scatter(const struct saker_deformable *s, const float *columns, const float *offset, const float *mask, float *dx, int from,
                                            int to) {
  int taps = s->kernel_height * s->kernel_width, depth = s->channels / s->offset_groups;
  for (ptrdiff_t result = s->first; result < s->first + s->count; result++)
    for (int tap = 0; tap < taps; tap++)
      for (int group = from / depth; group * depth < to; group++) {
        struct point p = locate(s, offset, result, group, tap);
        if (!p.inside) continue;
        float w[4];
        weigh(p, mask ? mask[(result * s->offset_groups + group) * taps + tap] : 1, w);
        FOR_PARTS(s, most(from, group * depth), least(to, (group + 1) * depth), {
          const float *g = columns + place(s, result, tap, c);
          for (int corner = 0; corner < 4; corner++) {
            if (p.at[corner] < 0) continue;
            float *a = dx + p.at[corner] + c;
            for (int i = 0; i < n; i++) a[i] += w[corner] * g[i];
          }
        })
      }
}

INLINE float dot(const float *a, const float *b, int n) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

SAKER_TARGETS void saker_deformable_offsets(const struct saker_deformable *s, const float *x, const float *offset, const float *mask, const float *columns,
                                            float *doffset, float *dmask, ptrdiff_t from, ptrdiff_t to) {
  int taps = s->kernel_height * s->kernel_width, depth = s->channels / s->offset_groups;
  for (ptrdiff_t result = from; result < to; result++)
    for (int group = 0; group < s->offset_groups; group++)
      for (int tap = 0; tap < taps; tap++) {
        struct point p = locate(s, offset, result, group, tap);
        ptrdiff_t index = (result * s->offset_groups + group) * taps + tap;
        float v[4] = {0};
        FOR_PARTS(s, group * depth, (group + 1) * depth, {
          const float *g = columns + place(s, result, tap, c);
          for (int corner = 0; corner < 4; corner++)
            if (p.at[corner] >= 0) v[corner] += dot(g, x + p.at[corner] + c, n);
        })
        float factor = mask ? mask[index] : 1;
        if (doffset) {
          doffset[2 * index] = factor * ((1 - p.x) * (v[2] - v[0]) + p.x * (v[3] - v[1]));
          doffset[2 * index + 1] = factor * ((1 - p.y) * (v[1] - v[0]) + p.y * (v[3] - v[2]));
        }
        if (dmask) dmask[index] = (1 - p.y) * ((1 - p.x) * v[0] + p.x * v[1]) + p.y * ((1 - p.x) * v[2] + p.x * v[3]);
      }
}
