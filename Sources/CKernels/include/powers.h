#pragma once
#include <stddef.h>
#include <stdint.h>

// a[i * sa] to the power of b[i * sb], and what its gradients multiply; as C's powf at zeros,
// infinities and not-a-numbers. Within 1 unit in the last place.

#define SAKER_POWER(name) void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t n)
/// a^b
SAKER_POWER(power);
/// b a^(b-1), 0 for b = 0
SAKER_POWER(power_slope);
/// a^b log(a), 0 where a = 0 and b >= 0
SAKER_POWER(power_logarithm);
#undef SAKER_POWER

// x where positive or not a number, else 0. The gradient passes where the result `y` is not 0.

void saker_relu_f32(const float *x, float *y, ptrdiff_t n);
void saker_relu_gradient_f32(const float *y, const float *g, float *dx, ptrdiff_t n);
void saker_relu_bf16(const uint16_t *x, uint16_t *y, ptrdiff_t n);
void saker_relu_gradient_bf16(const uint16_t *y, const uint16_t *g, uint16_t *dx, ptrdiff_t n);
/// max((x - mean) factor + shift, 0) of rows of channels; what is not a number stays so.
void saker_normalize_relu_f32(const float *x, const float *mean, const float *factor, const float *shift, float *y, ptrdiff_t rows, ptrdiff_t channels);
