#include "include/lowering.h"

#include <string.h>

#include "targets.h"

void saker_lower(const void *x, struct saker_lowering s, int from, int to, void *y) {
  const char *map = x;
  char *out = y;
  for (int row = from; row < to; row++) {
    int column = row % s.columns, line = row / s.columns % s.rows, picture = row / s.columns / s.rows;
    for (int p = 0; p < s.taps[0]; p++) {
      int iy = line * s.stride[0] - s.before[0] + p * s.dilation[0];
      for (int q = 0; q < s.taps[1]; q++, out += s.bytes) {
        int ix = column * s.stride[1] - s.before[1] + q * s.dilation[1];
        if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) memset(out, 0, s.bytes);
        else memcpy(out, map + (((size_t)picture * s.height + iy) * s.width + ix) * s.bytes, s.bytes);
      }
    }
  }
}

/// Where in the result tap `p` reads place `at` of the map; -1 if it does not.
static inline int reader_at(int at, int before, int p, int dilation, int stride, int end) {
  int place = at + before - p * dilation;
  return place < 0 || place % stride || place / stride >= end ? -1 : place / stride;
}

SAKER_TARGETS void saker_raise_f32(const float *y, struct saker_lowering s, int from, int to, float *x) {
  int channels = s.bytes / (int)sizeof(float), taps = s.taps[0] * s.taps[1];
  for (int pixel = from; pixel < to; pixel++) {
    int ix = pixel % s.width, iy = pixel / s.width % s.height, picture = pixel / s.width / s.height;
    float *sum = x + (size_t)pixel * channels;
    memset(sum, 0, s.bytes);
    for (int p = 0; p < s.taps[0]; p++) {
      int line = reader_at(iy, s.before[0], p, s.dilation[0], s.stride[0], s.rows);
      for (int q = 0; q < s.taps[1] && line >= 0; q++) {
        int column = reader_at(ix, s.before[1], q, s.dilation[1], s.stride[1], s.columns);
        if (column < 0) continue;
        const float *part = y + ((((size_t)picture * s.rows + line) * s.columns + column) * taps + p * s.taps[1] + q) * channels;
        for (int c = 0; c < channels; c++) sum[c] += part[c];
      }
    }
  }
}
