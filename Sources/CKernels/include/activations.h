#pragma once
#include <stddef.h>

// Functions of single numbers and their gradients, as vector loops. dx = g * f'(x).

#define SAKER_FUNCTION(name)                                           \
  void saker_##name##_f32(const float *x, float *y, ptrdiff_t n);      \
  void saker_##name##_gradient_f32(const float *x, const float *g, float *dx, ptrdiff_t n)
SAKER_FUNCTION(erf);
SAKER_FUNCTION(sin);
SAKER_FUNCTION(cos);
/// x Phi(x), with the normal distribution's Phi.
SAKER_FUNCTION(gelu);
/// log(1 + exp(x))
SAKER_FUNCTION(softplus);
/// x tanh(softplus(x))
SAKER_FUNCTION(mish);
SAKER_FUNCTION(selu);
/// x / (1 + |x|)
SAKER_FUNCTION(softsign);
/// min(max(x / 6 + 1/2, 0), 1)
SAKER_FUNCTION(hard_sigmoid);
#undef SAKER_FUNCTION

// Functions with a parameter p that learns. A plane has one p, rows have one for each of
// their columns. The gradients of p are sums over what is given: `plane` returns it,
// `rows` adds it to dp.

#define SAKER_PARAMETRIC(name)                                                                                                          \
  void saker_##name##_plane_f32(const float *x, float p, float *y, ptrdiff_t n);                                                        \
  double saker_##name##_plane_gradient_f32(const float *x, float p, const float *g, float *dx, ptrdiff_t n);                            \
  void saker_##name##_rows_f32(const float *x, const float *p, float *y, ptrdiff_t rows, ptrdiff_t columns);                            \
  void saker_##name##_rows_gradient_f32(const float *x, const float *p, const float *g, float *dx, float *dp, ptrdiff_t rows, ptrdiff_t columns)
/// x where positive, else p x
SAKER_PARAMETRIC(prelu);
/// x / (1 + exp(-p x))
SAKER_PARAMETRIC(swish);
#undef SAKER_PARAMETRIC
