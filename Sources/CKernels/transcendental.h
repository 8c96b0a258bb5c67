// Elementary functions in forms that become vector code: no branches, no tables, no calls. NaN stays NaN.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

// A call left in a loop keeps it from becoming vector code.
#define SAKER_INLINE static inline __attribute__((always_inline))

// exp(x) to about 1e-7 relative: x = n ln 2 + r with |r| <= ln 2 / 2, and the Taylor series of exp(r). Below -87 it stays at the smallest
// normal numbers.
SAKER_INLINE float exponential(float x) {
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then lies in the lowest bits.
  float shifted = x * 1.44269504f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = x - n * 0.693145752f - n * 1.42860677e-6f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (int32_t)(((uint32_t)bits - 0x4B400000u + 127u) << 23);
  float scale;
  memcpy(&scale, &bits, 4);
  return p * scale;
}

// log(x) to about 1e-7 relative: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and log(m) = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172.
// Minus infinity at 0, NaN below.
SAKER_INLINE float logarithm(float x) {
  float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;  // numbers below the normal ones
  int32_t bits;
  memcpy(&bits, &scaled, 4);
  int32_t e = (bits - 0x3F3504F3) >> 23;
  bits -= (int32_t)((uint32_t)e << 23);
  float m;
  memcpy(&m, &bits, 4);
  float f = m - 1, s = f / (f + 2), z = s * s;
  float p = 1.0f / 9;
  p = p * z + 1.0f / 7;
  p = p * z + 1.0f / 5;
  p = p * z + 1.0f / 3;
  float tail = p * z;
  float n = (float)(x < 1.17549435e-38f ? e - 23 : e);
  // 2 s = f - f s keeps the leading part exact.
  float result = n * 1.42860677e-6f + (f - s * (f - 2 * tail)) + n * 0.693145752f;
  result = x == 0 ? -INFINITY : result;
  result = x == INFINITY ? INFINITY : result;
  return x >= 0 ? result : NAN;
}

// log(1 + x) for x in -1...1; minus infinity at -1.
SAKER_INLINE float logarithm_of_one_plus(float x) {
  float u = 1 + x;
  // What the sum rounded away counts 1 / u.
  float result = logarithm(u) + (x - (u - 1)) / (u > 0 ? u : 1);
  return result;
}

// atan(x) to about 1e-7: beyond tan(pi / 8) and its inverse by the two addition theorems, then a polynomial (Cephes' atanf).
SAKER_INLINE float arctangent(float x) {
  float a = fabsf(x);
  int far = a > 2.414213562f, middle = a > 0.4142135624f;
  float start = far ? 1.57079632679f : middle ? 0.78539816339f : 0;
  float above = far ? -1 : middle ? a - 1 : a, below = far ? a : middle ? a + 1 : 1;
  float r = above / below, z = r * r;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  float result = start + (p * z * r + r);
  return copysignf(result, x);
}
