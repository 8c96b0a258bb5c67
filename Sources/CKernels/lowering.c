#include "include/lowering.h"

#include <string.h>

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
