#include "elements.h"

#include <math.h>
#include <string.h>

#include "functions.h"
#include "targets.h"

#define ROOT(x) __builtin_elementwise_sqrt(x)

static inline float expm1_value(float x) {
  float p = 1.0f / 40320;
  p = p * x + 1.0f / 5040;
  p = p * x + 1.0f / 720;
  p = p * x + 1.0f / 120;
  p = p * x + 1.0f / 24;
  p = p * x + 1.0f / 6;
  p = p * x + 0.5f;
  p = p * x + 1.0f;
  float magnitude = __builtin_fabsf(x), near = p * x, far = exponential_everywhere(x) - 1.0f;
  return magnitude < 0.5f ? near : far;
}

/// x P(x^2) near 0 (Cephes' tanhf), else 1 - 2 / (exp(2 |x|) + 1) with the sign of x.
static inline float tanh_value(float x) {
  float a = __builtin_fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float near = p * z * x + x, far = 1 - 2 / (exponential(a > 20 ? 40 : 2 * a) + 1);
  return a < 0.625f ? near : __builtin_copysignf(a != a ? a : far, x);
}

static inline float sigmoid_value(float x) { return 1.0f / (1.0f + exponential_everywhere(-x)); }
static inline float silu_value(float x) { return x < -104.0f ? -0.0f : x / (1.0f + exponential_everywhere(-x)); }

#define MAP(name, expression)                                                        \
  SAKER_TARGETS void saker_##name##_f32(const float *x, float *y, ptrdiff_t n) {     \
    for (ptrdiff_t i = 0; i < n; i++) {                                              \
      float v = x[i];                                                                \
      y[i] = expression;                                                             \
    }                                                                                \
  }

MAP(magnitude, __builtin_fabsf(v))
MAP(root, ROOT(v))
MAP(square, v *v)
MAP(cube, v *v *v)
MAP(exp, exponential_everywhere(v))
MAP(log, logarithm(v))
MAP(log1p, logarithm_of_one_plus(v))
MAP(expm1, expm1_value(v))
MAP(tanh, tanh_value(v))
MAP(sigmoid, sigmoid_value(v))
MAP(silu, silu_value(v))
MAP(atan, arctangent(v))
MAP(floor, __builtin_floorf(v))
MAP(ceil, __builtin_ceilf(v))
MAP(round, __builtin_rintf(v))
MAP(sign, v > 0 ? 1 : v < 0 ? -1 : v)
MAP(rsqrt, 1 / ROOT(v))
MAP(reciprocal, 1 / v)

SAKER_TARGETS void saker_clamp_f32(const float *x, float lower, float upper, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float raised = x[i] < lower ? lower : x[i];
    y[i] = raised > upper ? upper : raised;
  }
}

SAKER_TARGETS void saker_is_nan_f32(const float *x, uint8_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] != x[i];
}

SAKER_TARGETS void saker_is_finite_f32(const float *x, uint8_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = __builtin_fabsf(x[i]) <= 3.40282347e38f;
}

SAKER_TARGETS void saker_f32_to_i64(const float *x, int64_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float v = x[i], safe = v > -9.2e18f && v < 9.2e18f ? v : 0;
    int64_t beyond = v >= 9.2e18f ? INT64_MAX : v <= -9.2e18f ? INT64_MIN : 0;
    y[i] = (int64_t)safe | beyond;
  }
}

SAKER_TARGETS void saker_i64_to_f32(const int64_t *x, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = (float)x[i];
}

#define COMPARE(name, relation)                                                                                                       \
  SAKER_TARGETS void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, uint8_t *out, ptrdiff_t n) {      \
    if (sa == 1 && sb == 1)                                                                                                           \
      for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i] relation b[i];                                                                  \
    else if (sa == 1 && sb == 0) {                                                                                                    \
      float y = *b;                                                                                                                   \
      for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i] relation y;                                                                     \
    } else if (sa == 0 && sb == 1) {                                                                                                  \
      float x = *a;                                                                                                                   \
      for (ptrdiff_t i = 0; i < n; i++) out[i] = x relation b[i];                                                                     \
    } else                                                                                                                            \
      for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i * sa] relation b[i * sb];                                                        \
  }

COMPARE(less, <)
COMPARE(less_or_equal, <=)
COMPARE(equal, ==)
COMPARE(unequal, !=)

SAKER_TARGETS void saker_where_32(const uint8_t *c, ptrdiff_t sc, const uint32_t *a, ptrdiff_t sa, const uint32_t *b, ptrdiff_t sb,
                                  uint32_t *out, ptrdiff_t n) {
  if (sc == 1 && sa == 1 && sb == 1) {
    for (ptrdiff_t i = 0; i < n; i++) {
      uint32_t x = a[i], y = b[i];
      out[i] = c[i] ? x : y;
    }
  } else if (sc == 1 && sa == 1 && sb == 0) {
    uint32_t y = *b;
    for (ptrdiff_t i = 0; i < n; i++) {
      uint32_t x = a[i];
      out[i] = c[i] ? x : y;
    }
  } else if (sc == 1 && sa == 0 && sb == 1) {
    uint32_t x = *a;
    for (ptrdiff_t i = 0; i < n; i++) {
      uint32_t y = b[i];
      out[i] = c[i] ? x : y;
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) out[i] = c[i * sc] ? a[i * sa] : b[i * sb];
  }
}

SAKER_TARGETS int saker_any_8(const uint8_t *x, ptrdiff_t n) {
  enum { PIECE = 4096 };
  for (ptrdiff_t start = 0; start < n; start += PIECE) {
    ptrdiff_t end = start + PIECE < n ? start + PIECE : n;
    uint8_t all = 0;
    for (ptrdiff_t i = start; i < end; i++) all |= x[i];
    if (all) return 1;
  }
  return 0;
}
