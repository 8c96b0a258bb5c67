#pragma once
#include <stddef.h>
#include <stdint.h>

// Functions of single elements over dense memory.

#define SAKER_UNARY(name) void saker_##name##_f32(const float *x, float *y, ptrdiff_t n)
SAKER_UNARY(magnitude);
SAKER_UNARY(root);
SAKER_UNARY(square);
SAKER_UNARY(cube);
SAKER_UNARY(exp);
SAKER_UNARY(log);
SAKER_UNARY(log1p);
SAKER_UNARY(expm1);
SAKER_UNARY(tanh);
SAKER_UNARY(sigmoid);
SAKER_UNARY(silu);
SAKER_UNARY(atan);
SAKER_UNARY(floor);
SAKER_UNARY(ceil);
SAKER_UNARY(round);
SAKER_UNARY(sign);
SAKER_UNARY(rsqrt);
SAKER_UNARY(reciprocal);
#undef SAKER_UNARY

/// What is not a number stays.
void saker_clamp_f32(const float *x, float lower, float upper, float *y, ptrdiff_t n);
void saker_is_nan_f32(const float *x, uint8_t *y, ptrdiff_t n);
void saker_is_finite_f32(const float *x, uint8_t *y, ptrdiff_t n);
/// Toward zero; saturating, 0 for what is not a number.
void saker_f32_to_i64(const float *x, int64_t *y, ptrdiff_t n);
void saker_i64_to_f32(const int64_t *x, float *y, ptrdiff_t n);

// Strides are in elements, 0 or 1 where it has to be quick.
#define SAKER_COMPARE(name) void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, uint8_t *out, ptrdiff_t n)
SAKER_COMPARE(less);
SAKER_COMPARE(less_or_equal);
SAKER_COMPARE(equal);
SAKER_COMPARE(unequal);
#undef SAKER_COMPARE

/// out = c ? a : b
void saker_where_32(const uint8_t *c, ptrdiff_t sc, const uint32_t *a, ptrdiff_t sa, const uint32_t *b, ptrdiff_t sb, uint32_t *out,
                    ptrdiff_t n);

/// Whether any byte is not 0.
int saker_any_8(const uint8_t *x, ptrdiff_t n);
