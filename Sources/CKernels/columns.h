#pragma once
#include <string.h>

#include "maps.h"

// Vectors of 16 columns of a map, and the activations on them. Everything is inlined into functions
// that are compiled for several instruction sets; vectors go by address, since how they are passed
// by value would depend on the set.

typedef float v16 __attribute__((ext_vector_type(16)));
typedef float v16u __attribute__((ext_vector_type(16), aligned(4)));
typedef int i16 __attribute__((ext_vector_type(16)));
typedef unsigned u16 __attribute__((ext_vector_type(16)));
typedef struct saker_normalization normalization;
typedef struct saker_normalization_gradient normalization_gradient;
#define INLINE static inline __attribute__((always_inline))

enum { lanes = 16 };

INLINE void load(v16 *to, const float *from, int n) {
  if (n == lanes) {
    *to = *(const v16u *)from;
  } else {
    float part[lanes] = {0};
    for (int i = 0; i < n; i++) part[i] = from[i];
    memcpy(to, part, sizeof part);
  }
}

INLINE void store(float *to, const v16 *from, int n) {
  if (n == lanes) {
    *(v16u *)to = *from;
  } else {
    float part[lanes];
    memcpy(part, from, sizeof part);
    for (int i = 0; i < n; i++) to[i] = part[i];
  }
}

/// 1 / (1 + exp(-v)) to about 1e-7: exp(x) = 2^n exp(r) with |r| <= ln 2 / 2 and the Taylor series
/// of exp(r). NaN stays.
INLINE void sigmoid(const v16 *v, v16 *out) {
  v16 x = -*v;
  x = x < -87.0f ? (v16)-87.0f : x;
  x = x > 87.0f ? (v16)87.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then lies in the lowest bits.
  v16 shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
  v16 r = x - n * 0.693145752f - n * 1.42860677e-6f;
  v16 p = r * (1.0f / 5040) + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  u16 bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000u + 127u) << 23;
  v16 power;
  memcpy(&power, &bits, sizeof power);
  *out = 1.0f / (1.0f + p * power);
}

INLINE void activate(v16 *v, const struct saker_activation *by, const int swish) {
  if (swish) {
    v16 s;
    sigmoid(v, &s);
    *v *= s;
  } else {
    *v = *v < 0 ? by->slope * *v : *v;
    *v = *v > by->cap ? (v16)by->cap : *v;
  }
}

/// g *= activation'(v)
INLINE void derive(v16 *g, const v16 *v, const struct saker_activation *by, const int swish) {
  if (swish) {
    v16 s;
    sigmoid(v, &s);
    *g *= s * (1.0f + *v * (1.0f - s));
  } else {
    *g = *v <= 0 ? by->slope * *g : *g;
    *g = *v >= by->cap ? (v16)0.0f : *g;
  }
}
