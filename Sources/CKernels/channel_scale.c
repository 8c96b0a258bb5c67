#include "channel_scale.h"

#include <string.h>

#include "targets.h"

SAKER_TARGETS void saker_scale_channels_f32(const float *x, const float *scale, float *y, ptrdiff_t pixels, int channels) {
  for (ptrdiff_t p = 0; p < pixels; p++, x += channels, y += channels)
    for (int c = 0; c < channels; c++) y[c] = x[c] * scale[c];
}

SAKER_TARGETS void saker_scale_channels_gradient_f32(const float *restrict x, const float *restrict scale, const float *restrict dy, float *restrict dx, float *restrict sums, ptrdiff_t pixels,
                                                     int channels) {
  memset(sums, 0, sizeof *sums * (size_t)channels);
  for (ptrdiff_t p = 0; p < pixels; p++, x += channels, dy += channels, dx += channels)
    for (int c = 0; c < channels; c++) {
      float g = dy[c];
      sums[c] += g * x[c];
      dx[c] = g * scale[c];
    }
}
