#pragma once
#include <stddef.h>
#include <stdint.h>

// Inner loops over one row. Strides are in elements and may be 0 (one value for the whole row).

#define SAKER_BINARY(name) void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t n)
SAKER_BINARY(add);
SAKER_BINARY(sub);
SAKER_BINARY(mul);
SAKER_BINARY(div);
SAKER_BINARY(max);
SAKER_BINARY(min);
#undef SAKER_BINARY

/// The same of two dense rows of bfloat16, computed in float32 and rounded once. `out`
/// may be one of them.
#define SAKER_BINARY(name) void saker_##name##_bf16(const uint16_t *a, const uint16_t *b, uint16_t *out, ptrdiff_t n)
SAKER_BINARY(add);
SAKER_BINARY(sub);
SAKER_BINARY(mul);
SAKER_BINARY(div);
SAKER_BINARY(max);
SAKER_BINARY(min);
#undef SAKER_BINARY

/// out += a
void saker_accumulate_f32(const float *a, float *out, ptrdiff_t n);
/// Sum in blocks that keep the error of float32 small.
double saker_sum_f32(const float *a, ptrdiff_t n);

void saker_f32_to_bf16(const float *in, uint16_t *out, ptrdiff_t n);
void saker_bf16_to_f32(const uint16_t *in, float *out, ptrdiff_t n);
void saker_f32_to_f16(const float *in, uint16_t *out, ptrdiff_t n);
void saker_f16_to_f32(const uint16_t *in, float *out, ptrdiff_t n);
void saker_u8_to_f32(const uint8_t *in, float *out, ptrdiff_t n);
