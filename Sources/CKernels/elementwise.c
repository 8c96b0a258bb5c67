#include "elementwise.h"

#include "bf16.h"
#include "targets.h"

// NaN in either operand gives NaN, as the field expects.
static inline float larger(float a, float b) { return a > b || a != a ? a : b; }
static inline float smaller(float a, float b) { return a < b || a != a ? a : b; }

#define BINARY(name, expression)                                                                                                              \
  SAKER_TARGETS void saker_##name##_f32(const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t n) {                \
    if (sa == 1 && sb == 1) {                                                                                                                 \
      for (ptrdiff_t i = 0; i < n; i++) { float x = a[i], y = b[i]; out[i] = expression; }                                                    \
    } else if (sa == 1 && sb == 0) {                                                                                                          \
      float y = *b;                                                                                                                           \
      for (ptrdiff_t i = 0; i < n; i++) { float x = a[i]; out[i] = expression; }                                                              \
    } else if (sa == 0 && sb == 1) {                                                                                                          \
      float x = *a;                                                                                                                           \
      for (ptrdiff_t i = 0; i < n; i++) { float y = b[i]; out[i] = expression; }                                                              \
    } else {                                                                                                                                  \
      for (ptrdiff_t i = 0; i < n; i++) { float x = a[i * sa], y = b[i * sb]; out[i] = expression; }                                          \
    }                                                                                                                                         \
  }

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
BINARY(max, larger(x, y))
BINARY(min, smaller(x, y))

#define HALVES(name, expression)                                                                                                              \
  SAKER_TARGETS void saker_##name##_bf16(const uint16_t *a, const uint16_t *b, uint16_t *out, ptrdiff_t n) {                                  \
    for (ptrdiff_t i = 0; i < n; i++) { float x = bf16_value(a[i]), y = bf16_value(b[i]); out[i] = bf16_rounded(expression); }                 \
  }

HALVES(add, x + y)
HALVES(sub, x - y)
HALVES(mul, x *y)
HALVES(div, x / y)
HALVES(max, larger(x, y))
HALVES(min, smaller(x, y))

SAKER_TARGETS void saker_accumulate_f32(const float *a, float *out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] += a[i];
}

SAKER_TARGETS double saker_sum_f32(const float *a, ptrdiff_t n) {
  double total = 0;
  ptrdiff_t i = 0;
  for (; i + 16 <= n;) {
    float lanes[16] = {0};
    for (int block = 0; block < 64 && i + 16 <= n; block++, i += 16)
      for (int lane = 0; lane < 16; lane++) lanes[lane] += a[i + lane];
    for (int lane = 0; lane < 16; lane++) total += lanes[lane];
  }
  for (; i < n; i++) total += a[i];
  return total;
}

SAKER_TARGETS void saker_f32_to_bf16(const float *in, uint16_t *out, ptrdiff_t n) {
  const uint32_t *bits = (const uint32_t *)in;
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t b = bits[i], rounded = (b + 0x7FFF + ((b >> 16) & 1)) >> 16, nan = (b >> 16) | 0x40;
    out[i] = (uint16_t)((b & 0x7FFFFFFF) > 0x7F800000 ? nan : rounded);
  }
}

SAKER_TARGETS void saker_bf16_to_f32(const uint16_t *in, float *out, ptrdiff_t n) {
  uint32_t *bits = (uint32_t *)out;
  for (ptrdiff_t i = 0; i < n; i++) bits[i] = (uint32_t)in[i] << 16;
}

SAKER_TARGETS void saker_f32_to_f16(const float *in, uint16_t *out, ptrdiff_t n) {
  _Float16 *halves = (_Float16 *)out;
  for (ptrdiff_t i = 0; i < n; i++) halves[i] = (_Float16)in[i];
}

SAKER_TARGETS void saker_f16_to_f32(const uint16_t *in, float *out, ptrdiff_t n) {
  const _Float16 *halves = (const _Float16 *)in;
  for (ptrdiff_t i = 0; i < n; i++) out[i] = (float)halves[i];
}

SAKER_TARGETS void saker_u8_to_f32(const uint8_t *in, float *out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = in[i];
}
