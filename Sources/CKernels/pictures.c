#include "pictures.h"

#include <math.h>
#include <string.h>

#include "targets.h"

#define INLINE static inline __attribute__((always_inline))

typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef float floats4 __attribute__((vector_size(16), aligned(4)));
typedef float floats8 __attribute__((vector_size(32)));
typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));

// Up to four rows a pass: the sums stay in the first cache.
INLINE void add_rows(const uint8_t *first, ptrdiff_t stride, int rows, const float *weights, int count, float *restrict sums) {
  for (int r = 0; r < rows; r += 4) {
    const uint8_t *restrict a = first + r * stride, *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
    const float *w = weights + r;
    float wa = w[0], wb = r + 1 < rows ? w[1] : 0, wc = r + 2 < rows ? w[2] : 0, wd = r + 3 < rows ? w[3] : 0;
    if (r > 0) {
      if (r + 2 >= rows) d = c = a;
      if (r + 3 >= rows) d = a;
      if (r + 1 >= rows) b = a;
      for (int i = 0; i < count; i++) sums[i] += a[i] * wa + b[i] * wb + c[i] * wc + d[i] * wd;
    } else if (rows == 1) {
      for (int i = 0; i < count; i++) sums[i] = a[i] * wa;
    } else if (rows == 2) {
      for (int i = 0; i < count; i++) sums[i] = a[i] * wa + b[i] * wb;
    } else if (rows == 3) {
      for (int i = 0; i < count; i++) sums[i] = a[i] * wa + b[i] * wb + c[i] * wc;
    } else {
      for (int i = 0; i < count; i++) sums[i] = a[i] * wa + b[i] * wb + c[i] * wc + d[i] * wd;
    }
  }
}

// Four pixels, each in four lanes, of which the last does not count.
INLINE void gather_four(const float *row, const struct saker_taps *taps, int x, bytes16 *result) {
  int count = taps->count;
  const float *a = row + 3 * (ptrdiff_t)taps->firsts[x], *b = row + 3 * (ptrdiff_t)taps->firsts[x + 1];
  const float *c = row + 3 * (ptrdiff_t)taps->firsts[x + 2], *d = row + 3 * (ptrdiff_t)taps->firsts[x + 3];
  const float *weights = taps->weights + (ptrdiff_t)x * count;
  floats16 sum = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
  for (int t = 0; t < count; t++, a += 3, b += 3, c += 3, d += 3, weights += 4) {
    floats4 w = *(const floats4 *)weights;
    floats16 four = __builtin_shufflevector(w, w, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    // Joined in registers: through memory, a wide load would wait for the narrow stores before it.
    floats8 left = __builtin_shufflevector(*(const floats4 *)a, *(const floats4 *)b, 0, 1, 2, 3, 4, 5, 6, 7);
    floats8 right = __builtin_shufflevector(*(const floats4 *)c, *(const floats4 *)d, 0, 1, 2, 3, 4, 5, 6, 7);
    sum += __builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) * four;
  }
  // Weights sum to 1 and are not negative, so only rounding can leave 0...255, and by
  // less than a half.
  bytes16 v = __builtin_convertvector(__builtin_convertvector(sum, ints16), bytes16);
  *result = __builtin_shufflevector(v, v, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
}

INLINE void gather_columns(const float *row, const struct saker_taps *taps, uint8_t *to) {
  bytes16 four;
  int x = 0;
  for (; x + 4 <= taps->outputs; x += 4) {
    gather_four(row, taps, x, &four);
    memcpy(to + 3 * x, &four, 12);
  }
  if (x < taps->outputs) {
    gather_four(row, taps, x, &four);
    for (int i = 0; i < 3 * (taps->outputs - x); i++) to[3 * x + i] = four[i];
  }
}

SAKER_TARGETS void saker_resize_rgb(const uint8_t *source, ptrdiff_t source_stride, int source_width, const struct saker_taps *vertical,
                             const struct saker_taps *horizontal, float *scratch, uint8_t *bytes, ptrdiff_t bytes_stride,
                             float *floats, ptrdiff_t floats_stride, const float *scales, const float *biases) {
  int wide = 3 * source_width, narrow = 3 * horizontal->outputs;
  uint8_t *levels = (uint8_t *)(scratch + wide + 16);
  memset(scratch + wide, 0, 16 * sizeof(float));
  for (int y = 0; y < vertical->outputs; y++) {
    add_rows(source + vertical->firsts[y] * source_stride, source_stride, vertical->count,
             vertical->weights + (ptrdiff_t)y * vertical->count, wide, scratch);
    uint8_t *to = bytes ? bytes + y * bytes_stride : levels;
    gather_columns(scratch, horizontal, to);
    if (floats) {
      float *numbers = floats + y * floats_stride;
      for (int i = 0; i < narrow; i++) numbers[i] = to[i] * scales[i] + biases[i];
    }
  }
}

SAKER_TARGETS void saker_normalize_rgb(const uint8_t *bytes, ptrdiff_t stride, int rows, int count, float *restrict floats,
                                ptrdiff_t floats_stride, const float *scales, const float *biases) {
  for (int y = 0; y < rows; y++) {
    const uint8_t *from = bytes + y * stride;
    float *to = floats + y * floats_stride;
    for (int i = 0; i < count; i++) to[i] = (float)from[i] * scales[i] + biases[i];
  }
}

// Sixteen pixels, the last one first.
INLINE void reverse_pixels(const uint8_t *from, bytes16 to[3]) {
  bytes16 a = *(const bytes16 *)from, b = *(const bytes16 *)(from + 16), c = *(const bytes16 *)(from + 32);
  bytes16 middle = __builtin_shufflevector(b, c, 15, 16, 11, 12, 13, 8, 9, 10, 5, 6, 7, 2, 3, 4, 0, 0);
  to[0] = __builtin_shufflevector(b, c, 29, 30, 31, 26, 27, 28, 23, 24, 25, 20, 21, 22, 17, 18, 19, 14);
  to[1] = __builtin_shufflevector(middle, a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 31, 15);
  to[2] = __builtin_shufflevector(a, b, 17, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2);
}

SAKER_TARGETS void saker_flip_rgb(uint8_t *pixels, int width, int height) {
  for (int y = 0; y < height; y++) {
    uint8_t *left = pixels + 3 * (ptrdiff_t)y * width, *end = left + 3 * (ptrdiff_t)width;
    for (; end - left >= 96; left += 48, end -= 48) {
      bytes16 first[3], last[3];
      reverse_pixels(left, first);
      reverse_pixels(end - 48, last);
      memcpy(left, last, 48);
      memcpy(end - 48, first, 48);
    }
    for (uint8_t *right = end - 3; left < right; left += 3, right -= 3) {
      uint8_t r = left[0], g = left[1], b = left[2];
      left[0] = right[0], left[1] = right[1], left[2] = right[2];
      right[0] = r, right[1] = g, right[2] = b;
    }
  }
}

// Four pixels next to each other as four words.
INLINE void load_words(const uint8_t *from, int backwards, words4 *result) {
  bytes16 v = {0};
  memcpy(&v, from, 12);
  *result = backwards ? (words4)__builtin_shufflevector(v, v, 9, 10, 11, 15, 6, 7, 8, 15, 3, 4, 5, 15, 0, 1, 2, 15)
                      : (words4)__builtin_shufflevector(v, v, 0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15, 9, 10, 11, 15);
}

INLINE void store_words(words4 words, uint8_t *to) {
  bytes16 v = (bytes16)words;
  v = __builtin_shufflevector(v, v, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15);
  memcpy(to, &v, 12);
}

INLINE void turn_tiles(const uint8_t *source, uint8_t *result, int width, int height, ptrdiff_t start, ptrdiff_t step_x, int backwards) {
  enum { tile = 32 };  // columns of the source become rows: small tiles keep them in the cache
  ptrdiff_t step_y = backwards ? -1 : 1, stride = 3 * (ptrdiff_t)width;
  for (int top = 0; top < height; top += tile)
    for (int left = 0; left < width; left += tile) {
      int bottom = top + tile < height ? top + tile : height, right = left + tile < width ? left + tile : width;
      int y = top;
      for (; y + 4 <= bottom; y += 4) {
        int x = left;
        for (; x + 4 <= right; x += 4) {
          words4 a, b, c, d;
          // Backwards, the four pixels begin with the last of them.
          const uint8_t *from = source + 3 * (start + x * step_x + y * step_y - (backwards ? 3 : 0));
          load_words(from, backwards, &a), load_words(from + 3 * step_x, backwards, &b);
          load_words(from + 6 * step_x, backwards, &c), load_words(from + 9 * step_x, backwards, &d);
          words4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
          words4 ef = __builtin_shufflevector(a, b, 2, 6, 3, 7), gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
          uint8_t *to = result + y * stride + 3 * x;
          store_words(__builtin_shufflevector(ab, cd, 0, 1, 4, 5), to);
          store_words(__builtin_shufflevector(ab, cd, 2, 3, 6, 7), to + stride);
          store_words(__builtin_shufflevector(ef, gh, 0, 1, 4, 5), to + 2 * stride);
          store_words(__builtin_shufflevector(ef, gh, 2, 3, 6, 7), to + 3 * stride);
        }
        for (; x < right; x++)
          for (int k = 0; k < 4; k++) memcpy(result + (y + k) * stride + 3 * x, source + 3 * (start + x * step_x + (y + k) * step_y), 3);
      }
      for (; y < bottom; y++)
        for (int x = left; x < right; x++) memcpy(result + y * stride + 3 * x, source + 3 * (start + x * step_x + y * step_y), 3);
    }
}

SAKER_TARGETS void saker_turn_rgb(const uint8_t *source, uint8_t *result, int width, int height, ptrdiff_t start, ptrdiff_t step_x,
                                  int backwards) {
  if (backwards) turn_tiles(source, result, width, height, start, step_x, 1);
  else turn_tiles(source, result, width, height, start, step_x, 0);
}

SAKER_TARGETS void saker_mirror_rgb(const uint8_t *source, ptrdiff_t stride, uint8_t *result, int width, int height) {
  for (int y = 0; y < height; y++) {
    const uint8_t *from = source + y * stride;
    uint8_t *to = result + 3 * (ptrdiff_t)(y + 1) * width;
    int x = 0;
    for (; x + 16 <= width; x += 16, from += 48) {
      bytes16 pixels[3];
      reverse_pixels(from, pixels);
      memcpy(to -= 48, pixels, 48);
    }
    for (; x < width; x++, from += 3) memcpy(to -= 3, from, 3);
  }
}

INLINE uint8_t product255(int a, int b) {
  int p = a * b + 128;
  return (uint8_t)(((p >> 8) + p) >> 8);
}

void saker_rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++, cmyk += 4, rgb += 3) {
    int paper = cmyk[3];
    for (int c = 0; c < 3; c++) {
      int level = paper - product255(255 - cmyk[c], paper);
      rgb[c] = (uint8_t)(level < 0 ? 0 : level);
    }
  }
}

INLINE float clamp255(float x) { return x < 0 ? 0 : x > 255 ? 255 : x; }
INLINE float gray_of(float r, float g, float b) { return (float)(int)(0.2989f * r + 0.587f * g + 0.114f * b); }

SAKER_TARGETS void saker_blend_constant(uint8_t *levels, size_t count, float factor, float offset) {
  for (size_t i = 0; i < count; i++) levels[i] = (uint8_t)(int)clamp255((float)levels[i] * factor + offset);
}

SAKER_TARGETS double saker_mean_gray(const uint8_t *rgb, size_t pixels) {
  uint64_t sum = 0;
  for (size_t done = 0; done < pixels;) {
    size_t end = done + 65536 < pixels ? done + 65536 : pixels;
    uint32_t part = 0;  // 65536 * 255 fits
    for (; done < end; done++) part += (uint32_t)gray_of(rgb[3 * done], rgb[3 * done + 1], rgb[3 * done + 2]);
    sum += part;
  }
  return pixels ? (double)sum / (double)pixels : 0;
}

SAKER_TARGETS void saker_blend_gray(uint8_t *rgb, size_t pixels, float factor) {
  float rest = 1 - factor;
  for (size_t i = 0; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    float r = p[0], g = p[1], b = p[2], gray = gray_of(r, g, b) * rest;
    p[0] = (uint8_t)(int)clamp255(r * factor + gray);
    p[1] = (uint8_t)(int)clamp255(g * factor + gray);
    p[2] = (uint8_t)(int)clamp255(b * factor + gray);
  }
}

SAKER_TARGETS void saker_turn_hue(uint8_t *rgb, size_t pixels, float turn) {
  for (size_t i = 0; i < pixels; i++) {
    uint8_t *p = rgb + 3 * i;
    float r = p[0], g = p[1], b = p[2];
    float high = r > g ? r : g, low = r < g ? r : g;
    high = high > b ? high : b;
    low = low < b ? low : b;
    float range = high - low, unit = range > 0 ? 1 / range : 0;
    float h = high == r ? (g - b) * unit : high == g ? 2 + (b - r) * unit : 4 + (r - g) * unit;
    h = h / 6 + turn;
    h = (h - floorf(h)) * 6;
    // Each channel is a trapezium over the hue: high where near its own colour, low where opposite.
    float red = fabsf(h - 3) - 1, green = 2 - fabsf(h - 2), blue = 2 - fabsf(h - 4);
    red = red < 0 ? 0 : red > 1 ? 1 : red;
    green = green < 0 ? 0 : green > 1 ? 1 : green;
    blue = blue < 0 ? 0 : blue > 1 ? 1 : blue;
    p[0] = (uint8_t)(int)(low + red * range + 0.5f);
    p[1] = (uint8_t)(int)(low + green * range + 0.5f);
    p[2] = (uint8_t)(int)(low + blue * range + 0.5f);
  }
}
