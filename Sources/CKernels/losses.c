#include "losses.h"

#include "targets.h"
#include "functions.h"

static inline float largest_of(const float *x, ptrdiff_t n) {
  float largest = x[0];
  for (ptrdiff_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// Everything is relative to the largest logit: next to logits of 10,000 the logarithm of a sum
// would lose its last four digits.
SAKER_TARGETS void saker_cross_entropy_f32(const float *logits, const int32_t *target, const float *weights, float smoothing, ptrdiff_t rows,
                                           ptrdiff_t classes, float *loss, float *denominator) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *x = logits + row * classes;
    float largest = largest_of(x, classes), sum = 0;
    // Sums of their own for 16 lanes: the compiler may not change the order of additions by itself.
    float lanes[16] = {0};
    ptrdiff_t at = 0;
    for (; at + 16 <= classes; at += 16)
      for (int lane = 0; lane < 16; lane++) lanes[lane] += exponential_within(x[at + lane] - largest);
    for (; at < classes; at++) sum += exponential_within(x[at] - largest);
    for (int lane = 0; lane < 16; lane++) sum += lanes[lane];
    float log_sum = logf(sum);
    denominator[row] = log_sum;
    int32_t y = target[row];
    if (y < 0) {
      loss[row] = 0;
      continue;
    }
    float own = (weights ? weights[y] : 1) * (log_sum - (x[y] - largest));
    if (smoothing > 0) {
      float all = 0;
      for (ptrdiff_t c = 0; c < classes; c++) all += (weights ? weights[c] : 1) * (log_sum - (x[c] - largest));
      own = (1 - smoothing) * own + smoothing / (float)classes * all;
    }
    loss[row] = own;
  }
}

SAKER_TARGETS void saker_cross_entropy_gradient_f32(const float *logits, const int32_t *target, const float *weights, float smoothing,
                                                    ptrdiff_t rows, ptrdiff_t classes, const float *denominator, const float *gradient,
                                                    float *out) {
  float share = smoothing / (float)classes, total = 0;
  for (ptrdiff_t c = 0; c < classes; c++) total += weights ? weights[c] : 1;
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *x = logits + row * classes;
    float *to = out + row * classes;
    int32_t y = target[row];
    if (y < 0) {
      memset(to, 0, sizeof(float) * (size_t)classes);
      continue;
    }
    float own = (1 - smoothing) * (weights ? weights[y] : 1), g = gradient[row];
    float factor = g * (own + share * total), largest = largest_of(x, classes), log_sum = denominator[row];
    if (weights)
      for (ptrdiff_t c = 0; c < classes; c++) to[c] = factor * exponential_within(x[c] - largest - log_sum) - g * share * weights[c];
    else
      for (ptrdiff_t c = 0; c < classes; c++) to[c] = factor * exponential_within(x[c] - largest - log_sum) - g * share;
    to[y] -= g * own;
  }
}

#define OF_DIFFERENCE(name, value, slope)                                                                                          \
  SAKER_TARGETS void saker_##name##_f32(const float *x, const float *y, float beta, float *out, ptrdiff_t n) {                     \
    (void)beta;                                                                                                                    \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                                            \
      float d = x[i] - y[i];                                                                                                       \
      out[i] = value;                                                                                                              \
    }                                                                                                                              \
  }                                                                                                                                \
  SAKER_TARGETS void saker_##name##_gradient_f32(const float *x, const float *y, float beta, const float *gradient, float *out,    \
                                                 ptrdiff_t n) {                                                                    \
    (void)beta;                                                                                                                    \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                                            \
      float d = x[i] - y[i];                                                                                                       \
      out[i] = gradient[i] * (slope);                                                                                              \
    }                                                                                                                              \
  }

// The slope of |d| at 0 is taken as 0; NaN stays NaN.
#define SIGN(d) ((d) > 0 ? 1.0f : (d) < 0 ? -1.0f : (d) == 0 ? 0.0f : (d))

OF_DIFFERENCE(l1, fabsf(d), SIGN(d))
OF_DIFFERENCE(smooth_l1, fabsf(d) < beta ? 0.5f * d * d / beta : fabsf(d) - 0.5f * beta, fabsf(d) < beta ? d / beta : SIGN(d))
OF_DIFFERENCE(squared_error, d *d, 2 * d)
