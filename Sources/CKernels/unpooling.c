#include "unpooling.h"

#include <math.h>

#include "common.h"
#include "targets.h"

enum { strip = 128 };

SAKER_TARGETS void saker_max_positions(const struct saker_windows *w, const float *x, int64_t *positions, ptrdiff_t from, ptrdiff_t to) {
  for (ptrdiff_t result = from; result < to; result++) {
    ptrdiff_t rest = result;
    int start[3];
    for (int axis = 2; axis >= 0; axis--) {
      start[axis] = (int)(rest % w->out[axis]) * w->stride[axis] - w->before[axis];
      rest /= w->out[axis];
    }
    // Strips of channels, so that the best so far stay in registers' reach.
    for (int first = 0; first < w->channels; first += strip) {
      int n = least(strip, w->channels - first);
      float best[strip];
      int32_t where[strip];
      int begun = 0;
      for (int a = 0; a < w->kernel[0]; a++) {
        int d = start[0] + a * w->dilation[0];
        if (d < 0 || d >= w->in[0]) continue;
        for (int b = 0; b < w->kernel[1]; b++) {
          int r = start[1] + b * w->dilation[1];
          if (r < 0 || r >= w->in[1]) continue;
          for (int e = 0; e < w->kernel[2]; e++) {
            int c = start[2] + e * w->dilation[2];
            if (c < 0 || c >= w->in[2]) continue;
            int32_t place = (d * w->in[1] + r) * w->in[2] + c;
            const float *v = x + (ptrdiff_t)place * w->channels + first;
            if (!begun) {
              begun = 1;
              for (int i = 0; i < n; i++) {
                best[i] = v[i];
                where[i] = place;
              }
              continue;
            }
            for (int i = 0; i < n; i++) {
              int better = v[i] > best[i] || v[i] != v[i];
              best[i] = better ? v[i] : best[i];
              where[i] = better ? place : where[i];
            }
          }
        }
      }
      int64_t *out = positions + result * w->channels + first;
      for (int i = 0; i < n; i++) out[i] = begun ? where[i] : 0;
    }
  }
}

SAKER_TARGETS int saker_all_below(const int64_t *positions, ptrdiff_t n, int64_t limit) {
  int64_t bad = 0;
  for (ptrdiff_t i = 0; i < n; i++) bad |= (positions[i] < 0) | (positions[i] >= limit);
  return bad == 0;
}

#define PLACES(name, statement)                                                                                                      \
  void saker_##name##_places(float *rows, const int64_t *places, float *map, ptrdiff_t n, int channels, int from, int to) {          \
    for (ptrdiff_t row = 0; row < n; row++)                                                                                          \
      for (int c = from; c < to; c++) {                                                                                              \
        ptrdiff_t own = row * channels + c, other = places[own] * channels + c;                                                      \
        statement;                                                                                                                   \
      }                                                                                                                              \
  }

PLACES(take, rows[own] = map[other])
PLACES(put, map[other] = rows[own])
PLACES(add, map[other] += rows[own])
