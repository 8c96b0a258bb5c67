#include "norms.h"

#include <math.h>

#include "columns.h"
#include "targets.h"

// Sums along a row run in 4 vectors of 16 lanes, which after at most 64 rounds go into double
// precision: rows may be millions long.

enum { round_size = 4 * lanes, rounds = 64 };

INLINE double lanes_sum(const v16 *v) {
  float part[lanes];
  memcpy(part, v, sizeof part);
  double total = 0;
  for (int i = 0; i < lanes; i++) total += part[i];
  return total;
}

/// Adds up a row of n elements: `term(sum, i, m)` adds the m elements from i to the vector `sum`.
#define ROW_SUM(total, n, term)                                       \
  do {                                                                \
    ptrdiff_t i = 0;                                                  \
    while (i < (n)) {                                                 \
      v16 part[4] = {0};                                              \
      int round = 0;                                                  \
      for (; round < rounds && i + round_size <= (n); round++)        \
        _Pragma("clang loop unroll(full)") for (int w = 0; w < 4; w++, i += lanes) { \
          const int m = lanes;                                        \
          term(part[w], i, m);                                        \
        }                                                             \
      if (round < rounds)                                             \
        for (; i < (n); i += lanes) {                                 \
          const int m = (n) - i < lanes ? (int)((n) - i) : lanes;     \
          term(part[0], i, m);                                        \
        }                                                             \
      part[0] = (part[0] + part[1]) + (part[2] + part[3]);            \
      total += lanes_sum(&part[0]);                                   \
    }                                                                 \
  } while (0)

INLINE double row_mean(const float *x, ptrdiff_t n) {
  double total = 0;
#define TERM(sum, i, m)     \
  {                         \
    v16 v;                  \
    load(&v, x + (i), m);   \
    sum += v;               \
  }
  ROW_SUM(total, n, TERM);
#undef TERM
  return total / (double)n;
}

/// The sum of (x - mean)^2. Lanes beyond the end hold the mean.
INLINE double row_deviation(const float *x, ptrdiff_t n, float mean) {
  double total = 0;
#define TERM(sum, i, m)                                 \
  {                                                     \
    v16 v;                                              \
    if ((m) == lanes) {                                 \
      load(&v, x + (i), lanes);                         \
    } else {                                            \
      float there[lanes];                               \
      for (int j = 0; j < lanes; j++) there[j] = mean;  \
      for (int j = 0; j < (m); j++) there[j] = x[(i) + j]; \
      memcpy(&v, there, sizeof v);                      \
    }                                                   \
    v -= mean;                                          \
    sum += v * v;                                       \
  }
  ROW_SUM(total, n, TERM);
#undef TERM
  return total;
}

INLINE void scaled(const float *x, ptrdiff_t i, int m, float mean, float inverse, const float *scale, const float *shift, float *y) {
  v16 v, s;
  load(&v, x + i, m);
  v = (v - mean) * inverse;
  if (scale) {
    load(&s, scale + i, m);
    v *= s;
  }
  if (shift) {
    load(&s, shift + i, m);
    v += s;
  }
  store(y + i, &v, m);
}

SAKER_TARGETS void saker_row_norm_f32(const float *x, ptrdiff_t rows, ptrdiff_t n, const float *scale, const float *shift, float epsilon, int centred,
                                      float *y, float *mean, float *inverse) {
  for (ptrdiff_t row = 0; row < rows; row++, x += n, y += n) {
    float m = centred ? (float)row_mean(x, n) : 0;
    double square = row_deviation(x, n, m) / (double)n;
    float r = (float)(1 / sqrt((square < 0 ? 0 : square) + (double)epsilon));
    mean[row] = m, inverse[row] = r;
    ptrdiff_t i = 0;
    for (; i + lanes <= n; i += lanes) scaled(x, i, lanes, m, r, scale, shift, y);
    if (i < n) scaled(x, i, (int)(n - i), m, r, scale, shift, y);
  }
}

/// With x^ = (x - mean) inverse: the sum of g, and of g x^, for g = dy scale.
INLINE void row_sums(const float *x, const float *dy, ptrdiff_t n, const float *scale, float mean, double *sum, double *product) {
  double total = 0, products = 0;
#define TERM(sum, i, m)       \
  {                           \
    v16 g, s;                 \
    load(&g, dy + (i), m);    \
    if (scale) {              \
      load(&s, scale + (i), m); \
      g *= s;                 \
    }                         \
    sum += g;                 \
  }
  ROW_SUM(total, n, TERM);
#undef TERM
#define TERM(sum, i, m)       \
  {                           \
    v16 g, s, v;              \
    load(&g, dy + (i), m);    \
    load(&v, x + (i), m);     \
    if (scale) {              \
      load(&s, scale + (i), m); \
      g *= s;                 \
    }                         \
    sum += g * (v - mean);    \
  }
  ROW_SUM(products, n, TERM);
#undef TERM
  *sum = total, *product = products;
}

INLINE void gradient(const float *x, const float *dy, ptrdiff_t i, int m, const float *scale, float mean, float inverse, float a, float b, float *dx,
                     float *dscale, float *dshift) {
  v16 v, g, s;
  load(&v, x + i, m);
  load(&g, dy + i, m);
  v = (v - mean) * inverse;
  if (dshift) {
    load(&s, dshift + i, m);
    s += g;
    store(dshift + i, &s, m);
  }
  if (dscale) {
    load(&s, dscale + i, m);
    s += g * v;
    store(dscale + i, &s, m);
  }
  if (!dx) return;
  if (scale) {
    load(&s, scale + i, m);
    g *= s;
  }
  g = inverse * (g - (a + b * v));
  store(dx + i, &g, m);
}

// dx = inverse (g - mean(g) - x^ mean(g x^)); not centred, without mean(g).
SAKER_TARGETS void saker_row_norm_gradient_f32(const float *x, const float *dy, ptrdiff_t rows, ptrdiff_t n, const float *scale, int centred,
                                               const float *mean, const float *inverse, float *dx, float *dscale, float *dshift) {
  for (ptrdiff_t row = 0; row < rows; row++, x += n, dy += n) {
    double sum = 0, product = 0;
    if (dx) row_sums(x, dy, n, scale, mean[row], &sum, &product);
    float a = centred ? (float)(sum / (double)n) : 0, b = (float)(product * inverse[row] / (double)n);
    ptrdiff_t i = 0;
    for (; i + lanes <= n; i += lanes) gradient(x, dy, i, lanes, scale, mean[row], inverse[row], a, b, dx, dscale, dshift);
    if (i < n) gradient(x, dy, i, (int)(n - i), scale, mean[row], inverse[row], a, b, dx, dscale, dshift);
    if (dx) dx += n;
  }
}

// MARK: local response

typedef struct saker_response response;

// Three rows of channels, each with zeros for the windows that reach over its ends.
ptrdiff_t saker_response_workspace(response by) { return 3 * ((ptrdiff_t)by.channels + by.before + by.after); }

INLINE float inverse_power(float d, float beta) {
  if (beta == 0.75f) {
    float root = __builtin_elementwise_sqrt(d);
    return 1.0f / (root * __builtin_elementwise_sqrt(root));
  }
  if (beta == 0.5f) return 1.0f / __builtin_elementwise_sqrt(d);
  if (beta == 1.0f) return 1.0f / d;
  return powf(d, -beta);
}

INLINE void inverse_powers(const float *d, float *to, int n, float beta) {
  // The exponents of the field get loops of their own, which become vector code.
  if (beta == 0.75f)
    for (int c = 0; c < n; c++) to[c] = inverse_power(d[c], 0.75f);
  else if (beta == 0.5f)
    for (int c = 0; c < n; c++) to[c] = inverse_power(d[c], 0.5f);
  else if (beta == 1.0f)
    for (int c = 0; c < n; c++) to[c] = inverse_power(d[c], 1.0f);
  else
    for (int c = 0; c < n; c++) to[c] = inverse_power(d[c], beta);
}

/// sums[c] = the sum of from[c ... c + reach]
INLINE void window_sums(const float *restrict from, float *restrict sums, int n, int reach) {
  for (int c = 0; c < n; c++) sums[c] = from[c];
  for (int o = 1; o <= reach; o++)
    for (int c = 0; c < n; c++) sums[c] += from[c + o];
}

INLINE void denominators(const float *x, const response *by, float *squares, float *d) {
  for (int c = 0; c < by->channels; c++) squares[by->before + c] = x[c] * x[c];
  window_sums(squares, d, by->channels, by->before + by->after);
  for (int c = 0; c < by->channels; c++) d[c] = by->k + by->alpha * d[c];
}

SAKER_TARGETS void saker_response_f32(const float *x, ptrdiff_t pixels, response by, float *y, float *workspace) {
  int n = by.channels, padded = n + by.before + by.after;
  float *squares = workspace, *d = workspace + padded, *power = workspace + 2 * padded;
  memset(squares, 0, sizeof *squares * (size_t)padded);
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++, x += n, y += n) {
    denominators(x, &by, squares, d);
    inverse_powers(d, power, n, by.beta);
    for (int c = 0; c < n; c++) y[c] = x[c] * power[c];
  }
}

// dx = dy d^-beta - 2 alpha beta x (the sum of dy x d^(-beta - 1) over the channels whose windows x
// is in: the window the other way round).
SAKER_TARGETS void saker_response_gradient_f32(const float *x, const float *dy, ptrdiff_t pixels, response by, float *dx, float *workspace) {
  int n = by.channels, padded = n + by.before + by.after;
  float *squares = workspace, *d = workspace + padded, *terms = workspace + 2 * padded, factor = 2 * by.alpha * by.beta;
  memset(squares, 0, sizeof *squares * (size_t)padded);
  memset(terms, 0, sizeof *terms * (size_t)padded);
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++, x += n, dy += n, dx += n) {
    denominators(x, &by, squares, d);
    inverse_powers(d, dx, n, by.beta);
    for (int c = 0; c < n; c++) {
      float g = dy[c] * dx[c];
      terms[by.after + c] = g * x[c] / d[c];
      dx[c] = g;
    }
    window_sums(terms, d, n, by.before + by.after);
    for (int c = 0; c < n; c++) dx[c] -= factor * x[c] * d[c];
  }
}
