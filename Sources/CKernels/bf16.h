#pragma once
#include <stdint.h>
#include <string.h>

#include "columns.h"

// bfloat16: the upper half of a float32, rounded to the nearest, of two equally near
// ones to the even.

typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef uint16_t h16u __attribute__((ext_vector_type(16), aligned(2)));

static inline float bf16_value(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint16_t bf16_rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, nan = (bits >> 16) | 0x40;
  return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? nan : rounded);
}

INLINE void load_bf16(v16 *to, const uint16_t *from, int n) {
  h16 halves = 0;
  if (n == lanes) {
    halves = *(const h16u *)from;
  } else {
    uint16_t part[lanes] = {0};
    for (int i = 0; i < n; i++) part[i] = from[i];
    memcpy(&halves, part, sizeof part);
  }
  u16 bits = __builtin_convertvector(halves, u16) << 16;
  memcpy(to, &bits, sizeof bits);
}

INLINE void store_bf16(uint16_t *to, const v16 *from, int n) {
  u16 bits;
  memcpy(&bits, from, sizeof bits);
  u16 rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16, nan = (bits >> 16) | 0x40u;
  u16 all = (bits & 0x7FFFFFFFu) > 0x7F800000u ? nan : rounded;
  h16 halves = __builtin_convertvector(all, h16);
  if (n == lanes) {
    *(h16u *)to = halves;
  } else {
    uint16_t part[lanes];
    memcpy(part, &halves, sizeof part);
    for (int i = 0; i < n; i++) to[i] = part[i];
  }
}
