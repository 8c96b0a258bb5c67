// What happens to each pixel on its own.
#include <math.h>
#include <string.h>

#include "augment.h"
#include "targets.h"
#include "functions.h"

// Each in place and into other memory: a loop that could be both would have to look for overlaps.
SAKER_TARGETS void saker_invert(uint8_t *levels, size_t count) {
  for (size_t i = 0; i < count; i++) levels[i] = 255 - levels[i];
}

SAKER_TARGETS void saker_inverted(const uint8_t *restrict levels, uint8_t *restrict result, size_t count) {
  for (size_t i = 0; i < count; i++) result[i] = 255 - levels[i];
}

SAKER_TARGETS void saker_posterize(uint8_t *levels, size_t count, int bits) {
  uint8_t mask = (uint8_t)(0xFF00 >> bits);
  for (size_t i = 0; i < count; i++) levels[i] &= mask;
}

SAKER_TARGETS void saker_posterized(const uint8_t *restrict levels, uint8_t *restrict result, size_t count, int bits) {
  uint8_t mask = (uint8_t)(0xFF00 >> bits);
  for (size_t i = 0; i < count; i++) result[i] = levels[i] & mask;
}

SAKER_TARGETS void saker_solarize(uint8_t *levels, size_t count, int threshold) {
  if (threshold > 255) return;
  uint8_t least = (uint8_t)(threshold < 0 ? 0 : threshold);
  for (size_t i = 0; i < count; i++) levels[i] = levels[i] >= least ? 255 - levels[i] : levels[i];
}

void saker_lookup_rgb(uint8_t *rgb, size_t pixels, const uint8_t *tables) {
  const uint8_t *red = tables, *green = tables + 256, *blue = tables + 512;
  size_t i = 0;
  for (; i + 4 <= pixels; i += 4) {
    uint8_t *p = rgb + 3 * i, q[12];
    for (int k = 0; k < 12; k += 3) q[k] = red[p[k]], q[k + 1] = green[p[k + 1]], q[k + 2] = blue[p[k + 2]];
    memcpy(p, q, 12);
  }
  for (; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    p[0] = red[p[0]], p[1] = green[p[1]], p[2] = blue[p[2]];
  }
}

void saker_histograms_rgb(const uint8_t *rgb, size_t pixels, uint32_t *counts) {
  // Neighbours are often equal: four sets of counters keep an addition from waiting
  // for the one before.
  uint32_t parts[4][768];
  memset(parts, 0, sizeof parts);
  size_t i = 0;
  for (; i + 4 <= pixels; i += 4) {
    const uint8_t *p = rgb + 3 * i;
    for (int k = 0; k < 4; k++, p += 3) parts[k][p[0]]++, parts[k][256 + p[1]]++, parts[k][512 + p[2]]++;
  }
  for (; i < pixels; i++) {
    const uint8_t *p = rgb + 3 * i;
    parts[0][p[0]]++, parts[0][256 + p[1]]++, parts[0][512 + p[2]]++;
  }
  for (int k = 0; k < 768; k++) counts[k] = parts[0][k] + parts[1][k] + parts[2][k] + parts[3][k];
}

SAKER_TARGETS void saker_extrema_rgb(const uint8_t *rgb, size_t pixels, uint8_t *lows, uint8_t *highs) {
  enum { block = 192 };  // whole vectors and whole pixels
  uint8_t low[block], high[block];
  memset(low, 255, block);
  memset(high, 0, block);
  size_t count = 3 * pixels, i = 0;
  for (; i + block <= count; i += block)
    for (int k = 0; k < block; k++) {
      uint8_t level = rgb[i + k];
      low[k] = level < low[k] ? level : low[k];
      high[k] = level > high[k] ? level : high[k];
    }
  for (int k = 0; i < count; i++, k++) {
    low[k] = rgb[i] < low[k] ? rgb[i] : low[k];
    high[k] = rgb[i] > high[k] ? rgb[i] : high[k];
  }
  for (int c = 0; c < 3; c++) {
    lows[c] = 255, highs[c] = 0;
    for (int k = c; k < block; k += 3) {
      lows[c] = low[k] < lows[c] ? low[k] : lows[c];
      highs[c] = high[k] > highs[c] ? high[k] : highs[c];
    }
  }
}

SAKER_INLINE float within255(float x) { return x < 0 ? 0 : x > 255 ? 255 : x; }

SAKER_TARGETS void saker_stretch_rgb(uint8_t *rgb, size_t pixels, const float *offsets, const float *scales) {
  enum { block = 48 };
  float offset[block], scale[block];
  for (int k = 0; k < block; k++) offset[k] = offsets[k % 3], scale[k] = scales[k % 3];
  size_t count = 3 * pixels, i = 0;
  for (; i + block <= count; i += block)
    for (int k = 0; k < block; k++) rgb[i + k] = (uint8_t)(int)within255(((float)rgb[i + k] - offset[k]) * scale[k]);
  for (int k = 0; i < count; i++, k++) rgb[i] = (uint8_t)(int)within255(((float)rgb[i] - offset[k]) * scale[k]);
}

SAKER_TARGETS void saker_gray_rgb(uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    uint8_t gray = (uint8_t)(int)(0.2989f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
    p[0] = gray, p[1] = gray, p[2] = gray;
  }
}

SAKER_TARGETS void saker_hsv_rgb(uint8_t *rgb, size_t pixels, float turn, float saturation, float value) {
  for (size_t i = 0; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    float r = p[0], g = p[1], b = p[2];
    float high = r > g ? r : g, low = r < g ? r : g;
    high = high > b ? high : b;
    low = low < b ? low : b;
    float range = high - low, unit = 1 / (range > 0 ? range : 1);
    float h = high == r ? (g - b) * unit : high == g ? 2 + (b - r) * unit : 4 + (r - g) * unit;
    h = h / 6 + turn;
    h = (h - floorf(h)) * 6;
    // Saturation is range / high: as it grows, range does, up to high.
    range *= saturation;
    range = range > high ? high : range;
    float top = high * value > 255 ? 255 : high * value;
    // High levels shrink to 255 with the same saturation.
    range *= top / (high > 0 ? high : 1);
    float bottom = top - range;
    // Each channel is a trapezium over the hue: high where near its own colour, low where opposite.
    float red = fabsf(h - 3) - 1, green = 2 - fabsf(h - 2), blue = 2 - fabsf(h - 4);
    red = red < 0 ? 0 : red > 1 ? 1 : red;
    green = green < 0 ? 0 : green > 1 ? 1 : green;
    blue = blue < 0 ? 0 : blue > 1 ? 1 : blue;
    p[0] = (uint8_t)(int)(bottom + red * range + 0.5f);
    p[1] = (uint8_t)(int)(bottom + green * range + 0.5f);
    p[2] = (uint8_t)(int)(bottom + blue * range + 0.5f);
  }
}

SAKER_TARGETS void saker_mix(uint8_t *levels, const uint8_t *others, size_t count, float share) {
  float rest = 1 - share;
  for (size_t i = 0; i < count; i++) levels[i] = (uint8_t)(int)((float)levels[i] * share + (float)others[i] * rest + 0.5f);
}

// A number of the seed and a counter, each bit of which depends on every bit of both: Murmur's last
// steps, with the seed's halves between.
SAKER_INLINE uint32_t scrambled(uint32_t x, uint32_t key, uint32_t other) {
  x = x * 0x9E3779B1u ^ key;
  x ^= x >> 16;
  x *= 0x85EBCA6Bu;
  x ^= x >> 13;
  x += other;
  x *= 0xC2B2AE35u;
  x ^= x >> 16;
  return x;
}

// sin(2 pi x) for x in -1/2...1/2, to 1e-3: a parabola, corrected.
SAKER_INLINE float wave(float x) {
  float y = 8 * x - 16 * x * fabsf(x);
  return 0.225f * (y * fabsf(y) - y) + y;
}

SAKER_TARGETS void saker_normal_noise(uint8_t *levels, size_t count, float deviation, uint64_t seed) {
  enum { block = 256 };
  uint32_t key = (uint32_t)seed, other = (uint32_t)(seed >> 32);
  for (size_t start = 0; start < count; start += 2 * block) {
    float noise[2 * block];
    // Box and Muller: two numbers of a radius and an angle.
    for (int k = 0; k < block; k++) {
      uint32_t n = (uint32_t)(start + k);
      uint32_t u = scrambled(n, key, other), v = scrambled(n ^ 0x80000000u, other, key);
      float radius = __builtin_elementwise_sqrt(-2 * logarithm((float)((u >> 8) + 1) * 0x1p-24f)) * deviation;
      float angle = (float)(int32_t)v * 0x1p-32f;
      float shifted = angle + 0.25f;
      noise[k] = radius * wave(angle);
      noise[block + k] = radius * wave(shifted > 0.5f ? shifted - 1 : shifted);
    }
    size_t rest = count - start;
    int length = rest < 2 * block ? (int)rest : 2 * block;
    uint8_t *to = levels + start;
    for (int k = 0; k < length; k++) to[k] = (uint8_t)(int)within255((float)to[k] + noise[k] + 0.5f);
  }
}

SAKER_TARGETS void saker_impulse_noise(uint8_t *rgb, size_t pixels, uint32_t share, uint64_t seed) {
  uint32_t key = (uint32_t)seed, other = (uint32_t)(seed >> 32);
  for (size_t i = 0; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    int hit = scrambled((uint32_t)i, key, other) < share;
    uint8_t level = scrambled((uint32_t)i ^ 0x80000000u, other, key) >> 31 ? 255 : 0;
    p[0] = hit ? level : p[0];
    p[1] = hit ? level : p[1];
    p[2] = hit ? level : p[2];
  }
}

SAKER_TARGETS void saker_uniform_noise(uint8_t *levels, ptrdiff_t stride, int rows, int count, uint64_t seed) {
  uint32_t key = (uint32_t)seed, other = (uint32_t)(seed >> 32);
  for (int y = 0; y < rows; y++) {
    uint8_t *to = levels + y * stride;
    uint32_t first = (uint32_t)y * (uint32_t)count;
    for (int i = 0; i < count; i++) to[i] = (uint8_t)(scrambled(first + (uint32_t)i, key, other) >> 24);
  }
}

SAKER_TARGETS void saker_paste_rgb(const uint8_t *rgb, const uint8_t *mask, uint8_t *result, size_t pixels) {
  for (size_t i = 0; i < pixels; i++)
    if (mask[i]) memcpy(result + 3 * i, rgb + 3 * i, 3);
}
