#include "activations.h"

#include <math.h>

#include "functions.h"
#include "targets.h"

#define FUNCTION(name, value, slope)                                                                             \
  SAKER_TARGETS void saker_##name##_f32(const float *x, float *y, ptrdiff_t n) {                                 \
    for (ptrdiff_t i = 0; i < n; i++) y[i] = value(x[i]);                                                        \
  }                                                                                                              \
  SAKER_TARGETS void saker_##name##_gradient_f32(const float *x, const float *g, float *dx, ptrdiff_t n) {       \
    for (ptrdiff_t i = 0; i < n; i++) dx[i] = g[i] * slope(x[i]);                                                \
  }

static inline float erf_slope(float x) { return 1.12837917f * exponential(-x * x); }
FUNCTION(erf, error_function, erf_slope)

// Far from 0 the slope is 0 or 1, but x * density would be infinity * 0 at infinity.
static inline float gelu_value(float x) {
  float density;
  float value = x * normal_distribution(x, &density);
  return x < -14.0f ? -0.0f : value;
}
static inline float gelu_slope(float x) {
  float density, phi = normal_distribution(x, &density);
  float term = x * 0.39894228f * density;
  return phi + (x < -14.0f || x > 14.0f ? 0.0f : term);
}
FUNCTION(gelu, gelu_value, gelu_slope)

FUNCTION(softplus, log_one_plus_exp, sigmoid_of)

/// tanh(softplus(x)) with e = exp(-|x|), which never overflows: (1 + 2e) / (1 + 2e + 2e^2) for
/// x >= 0, (e^2 + 2e) / (e^2 + 2e + 2) below. `square` is 1 minus its square.
static inline float tanh_of_softplus(float x, float *square) {
  float e = exponential(x < 0 ? x : -x), above = (1.0f + e) * (1.0f + e), sum = x < 0 ? above + 1.0f : above + e * e;
  float root = (x < 0 ? 2.0f : 2.0f * e) * (1.0f + e) / sum;
  *square = root * root;
  float upper = x < 0 ? e * (e + 2.0f) : 1.0f + 2.0f * e;
  return upper / sum;
}
static inline float mish_value(float x) {
  float square;
  return x * tanh_of_softplus(x, &square);
}
static inline float mish_slope(float x) {
  float square, t = tanh_of_softplus(x, &square);
  return t + x * square * sigmoid_of(x);
}
FUNCTION(mish, mish_value, mish_slope)

// Klambauer et al., arXiv:1706.02515.
static const float selu_scale = 1.05070099f, selu_alpha = 1.67326324f;
static inline float selu_value(float x) { return x > 0 ? selu_scale * x : selu_scale * selu_alpha * exponential_less_one(x > 0 ? 0 : x); }
static inline float selu_slope(float x) { return x > 0 ? selu_scale : selu_scale * selu_alpha * exponential(x > 0 ? 0 : x); }
FUNCTION(selu, selu_value, selu_slope)

// An infinite x has the value of the limit.
static inline float softsign_value(float x) {
  float t = x < 0 ? -x : x, value = x / (1.0f + t);
  return t > 3e38f ? (x < 0 ? -1.0f : 1.0f) : value;
}
static inline float softsign_slope(float x) {
  float root = 1.0f + (x < 0 ? -x : x);
  return 1.0f / (root * root);
}
FUNCTION(softsign, softsign_value, softsign_slope)

static inline float hard_sigmoid_value(float x) {
  float v = x * (1.0f / 6) + 0.5f;
  v = v < 0 ? 0.0f : v;
  return v > 1 ? 1.0f : v;
}
static inline float hard_sigmoid_slope(float x) { return x <= -3 || x >= 3 ? 0.0f : 1.0f / 6; }
FUNCTION(hard_sigmoid, hard_sigmoid_value, hard_sigmoid_slope)

// MARK: sine and cosine, whose far arguments are libm's

enum { block = 256 };

static inline int is_far(const float *x, ptrdiff_t n) {
  int far = 0;
  for (ptrdiff_t i = 0; i < n; i++) far |= !((x[i] < 0 ? -x[i] : x[i]) <= sine_limit);
  return far;
}

#define CIRCULAR(name, quarter, slope_quarter, exact, exact_slope)                                                \
  SAKER_TARGETS void saker_##name##_f32(const float *x, float *y, ptrdiff_t n) {                                  \
    for (ptrdiff_t at = 0; at < n; at += block) {                                                                 \
      ptrdiff_t end = at + block < n ? at + block : n;                                                            \
      if (is_far(x + at, end - at))                                                                               \
        for (ptrdiff_t i = at; i < end; i++) y[i] = exact(x[i]);                                                  \
      else                                                                                                        \
        for (ptrdiff_t i = at; i < end; i++) y[i] = sine(x[i], quarter);                                          \
    }                                                                                                             \
  }                                                                                                               \
  SAKER_TARGETS void saker_##name##_gradient_f32(const float *x, const float *g, float *dx, ptrdiff_t n) {        \
    for (ptrdiff_t at = 0; at < n; at += block) {                                                                 \
      ptrdiff_t end = at + block < n ? at + block : n;                                                            \
      if (is_far(x + at, end - at))                                                                               \
        for (ptrdiff_t i = at; i < end; i++) dx[i] = g[i] * exact_slope(x[i]);                                    \
      else                                                                                                        \
        for (ptrdiff_t i = at; i < end; i++) dx[i] = g[i] * sine(x[i], slope_quarter);                            \
    }                                                                                                             \
  }

static float minus_sinf(float x) { return -sinf(x); }
CIRCULAR(sin, 0, 1, sinf, cosf)
CIRCULAR(cos, 1, 2, cosf, minus_sinf)

// MARK: with a parameter that learns

enum { width = 16 };

#define PARAMETRIC(name)                                                                                                                    \
  SAKER_TARGETS void saker_##name##_plane_f32(const float *x, float p, float *y, ptrdiff_t n) {                                             \
    for (ptrdiff_t i = 0; i < n; i++) y[i] = name##_value(x[i], p);                                                                         \
  }                                                                                                                                         \
  SAKER_TARGETS double saker_##name##_plane_gradient_f32(const float *x, float p, const float *g, float *dx, ptrdiff_t n) {                 \
    double total = 0;                                                                                                                       \
    ptrdiff_t i = 0;                                                                                                                        \
    while (i + width <= n) {                                                                                                                \
      float lanes[width] = {0};                                                                                                             \
      for (int part = 0; part < 64 && i + width <= n; part++, i += width)                                                                   \
        for (int lane = 0; lane < width; lane++) {                                                                                          \
          float dp, slope = name##_slopes(x[i + lane], p, &dp);                                                                             \
          dx[i + lane] = g[i + lane] * slope;                                                                                               \
          lanes[lane] += g[i + lane] * dp;                                                                                                  \
        }                                                                                                                                   \
      for (int lane = 0; lane < width; lane++) total += lanes[lane];                                                                        \
    }                                                                                                                                       \
    for (; i < n; i++) {                                                                                                                    \
      float dp, slope = name##_slopes(x[i], p, &dp);                                                                                        \
      dx[i] = g[i] * slope;                                                                                                                 \
      total += g[i] * dp;                                                                                                                   \
    }                                                                                                                                       \
    return total;                                                                                                                           \
  }                                                                                                                                         \
  SAKER_TARGETS void saker_##name##_rows_f32(const float *x, const float *p, float *y, ptrdiff_t rows, ptrdiff_t columns) {                 \
    for (ptrdiff_t row = 0; row < rows; row++, x += columns, y += columns)                                                                  \
      for (ptrdiff_t c = 0; c < columns; c++) y[c] = name##_value(x[c], p[c]);                                                              \
  }                                                                                                                                         \
  SAKER_TARGETS void saker_##name##_rows_gradient_f32(const float *restrict x, const float *restrict p, const float *restrict g,            \
                                                      float *restrict dx, float *restrict dp, ptrdiff_t rows, ptrdiff_t columns) {          \
    for (ptrdiff_t row = 0; row < rows; row++, x += columns, g += columns, dx += columns)                                                   \
      for (ptrdiff_t c = 0; c < columns; c++) {                                                                                             \
        float slope_p, slope = name##_slopes(x[c], p[c], &slope_p);                                                                         \
        dx[c] = g[c] * slope;                                                                                                               \
        dp[c] += g[c] * slope_p;                                                                                                            \
      }                                                                                                                                     \
  }

static inline float prelu_value(float x, float p) { return x > 0 ? x : p * x; }
static inline float prelu_slopes(float x, float p, float *dp) {
  *dp = x > 0 ? 0.0f : x;
  return x > 0 ? 1.0f : p;
}
PARAMETRIC(prelu)

static inline float swish_value(float x, float p) { return x * sigmoid_of(p * x); }
static inline float swish_slopes(float x, float p, float *dp) {
  float s = sigmoid_of(p * x), rest = x * s * (1.0f - s);
  *dp = x * rest;
  return s + p * rest;
}
PARAMETRIC(swish)
