#include "powers.h"

#include <math.h>
#include <string.h>

#include "targets.h"

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return bits;
}
INLINE double number_of(uint64_t bits) {
  double x;
  memcpy(&x, &bits, 8);
  return x;
}

/// Adding and subtracting it rounds to an integer, which lies in the lowest bits in between.
static const double rounder = 6755399441055744.0;

/// The logarithm to base 2 of a positive float to 1e-12 of itself: 2^e m with m within a factor of
/// the root of 2 from 1, log m by the series of the area tangent of (m - 1) / (m + 1), whose
/// square is below 0.0295.
INLINE double logarithm(double x) {
  const uint64_t low = 0x3FE6A09E667F3BCDull;  // the root of 1/2
  uint64_t bits = bits_of(x), raised = (bits - low + (1024ull << 52)) >> 52;
  double e = number_of(raised | 0x4330000000000000ull) - (4503599627370496.0 + 1024);
  double m = number_of(bits - (raised << 52) + (1024ull << 52)), s = (m - 1) / (m + 1), z = s * s;
  double p = 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  p = p * z + 1.0;
  return e + s * p * 2.88539008177792681472;  // 2 / ln 2
}

/// 2^t, beyond the floats' range a number beyond it too: Taylor's series of exp up to ln 2 / 2.
INLINE double power_of_two(double t) {
  t = t < -300 ? -300 : t;
  t = t > 300 ? 300 : t;
  double shifted = t + rounder, r = (t - (shifted - rounder)) * 0.69314718055994530942;
  double p = 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * number_of((bits_of(shifted) - bits_of(rounder) + 1023) << 52);
}

/// x^y of finite numbers; `log2` is the logarithm of |x|, minus infinity for 0.
INLINE double power(float x, double y, double *log2) {
  double size = x < 0 ? -(double)x : x, l = logarithm(size == 0 ? 1.0 : size);
  double r = power_of_two(y * l);
  r = size == 0 ? (y > 0 ? 0.0 : y == 0 ? 1.0 : HUGE_VAL) : r;
  *log2 = size == 0 ? -HUGE_VAL : l;
  // From 2^50 on all are even.
  double small = y > -0x1p50 && y < 0x1p50 ? y : 0, half = small * 0.5;
  int whole = (small + rounder) - rounder == small, odd = whole & ((half + rounder) - rounder != half);
  uint32_t bits;
  memcpy(&bits, &x, 4);
  int negative = bits >> 31;
  r = negative & odd ? -r : r;
  return x < 0 && !whole ? NAN : r;
}

INLINE float power_value(float x, float y) {
  double log2;
  return (float)power(x, y, &log2);
}
INLINE float power_slope_value(float x, float y) {
  double log2, r = y * power(x, (double)y - 1, &log2);
  return y == 0 ? 0.0f : (float)r;
}
INLINE float power_logarithm_value(float x, float y) {
  double log2, r = power(x, y, &log2) * log2 * 0.69314718055994530942;
  r = x == 0 && y >= 0 ? 0 : r;
  return x < 0 ? NAN : (float)r;
}

static float power_exact(float x, float y) { return powf(x, y); }
static float power_slope_exact(float x, float y) { return y == 0 ? 0 : y * powf(x, y - 1); }
static float power_logarithm_exact(float x, float y) { return x == 0 && y >= 0 ? 0 : powf(x, y) * logf(x); }

enum { block = 256 };

INLINE int is_infinite(const float *x, ptrdiff_t n) {
  int found = 0;
  for (ptrdiff_t i = 0; i < n; i++) found |= !((x[i] < 0 ? -x[i] : x[i]) <= 3.402823466e38f);
  return found;
}

// Blocks with infinities or not-a-numbers are libm's.
#define POWER(name)                                                                                                                       \
  SAKER_TARGETS void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t n) {            \
    for (ptrdiff_t at = 0; at < n; at += block) {                                                                                         \
      ptrdiff_t count = at + block < n ? block : n - at;                                                                                  \
      float x[block], y[block];                                                                                                           \
      for (ptrdiff_t i = 0; i < count; i++) x[i] = a[(at + i) * sa];                                                                      \
      for (ptrdiff_t i = 0; i < count; i++) y[i] = b[(at + i) * sb];                                                                      \
      if (is_infinite(x, count) || is_infinite(y, count))                                                                                 \
        for (ptrdiff_t i = 0; i < count; i++) out[at + i] = name##_exact(x[i], y[i]);                                                     \
      else                                                                                                                                \
        for (ptrdiff_t i = 0; i < count; i++) out[at + i] = name##_value(x[i], y[i]);                                                     \
    }                                                                                                                                     \
  }
POWER(power)
POWER(power_slope)
POWER(power_logarithm)

SAKER_TARGETS void saker_relu_f32(const float *x, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] <= 0 ? 0.0f : x[i];
}

SAKER_TARGETS void saker_relu_gradient_f32(const float *y, const float *g, float *dx, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) dx[i] = y[i] <= 0 ? 0.0f : g[i];
}

/// Whether a bfloat16 is at most 0, which a NaN is not.
INLINE int blocks(uint16_t x) {
  uint16_t size = x & 0x7FFF;
  return (size == 0) | ((x != size) & (size <= 0x7F80));
}

SAKER_TARGETS void saker_relu_bf16(const uint16_t *x, uint16_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = blocks(x[i]) ? 0 : x[i];
}

SAKER_TARGETS void saker_relu_gradient_bf16(const uint16_t *y, const uint16_t *g, uint16_t *dx, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) dx[i] = blocks(y[i]) ? 0 : g[i];
}

SAKER_TARGETS void saker_normalize_relu_f32(const float *restrict x, const float *restrict mean, const float *restrict factor, const float *restrict shift,
                                            float *restrict y, ptrdiff_t rows, ptrdiff_t channels) {
  for (ptrdiff_t row = 0; row < rows; row++, x += channels, y += channels)
    for (ptrdiff_t c = 0; c < channels; c++) {
      float v = (x[c] - mean[c]) * factor[c] + shift[c];
      y[c] = v <= 0 ? 0.0f : v;
    }
}
